"""The vitals are what the tables say: hosts, jobs, held plans, and the size of the journal."""

from datetime import timedelta

from building import MORNING, NICK, day
from databases import is_sqlite, schedule_all, sql
from remembering import NOVA

from llm_maint.domain.entity import Entity
from llm_maint.domain.vitals import HostSeen, Vitals
from llm_maint.store import ticks
from llm_maint.store.database import Database
from llm_maint.store.plans import APPLIED, CONSOLIDATION, HELD, StoredPlan, store_plan
from llm_maint.store.vitals import vitals

LATER = MORNING + timedelta(hours=1)


def _read(database: Database) -> Vitals:
    with database.brief(writes=False) as source:
        return vitals(source, now=LATER)


def test_a_new_installation_has_none(database: Database) -> None:
    """Nothing ticked, nothing ran, nothing waits."""
    found = _read(database)
    assert (found.hosts, found.jobs, found.held) == ([], [], [])
    assert found.journal is not None
    assert (found.journal.rows, found.journal.oldest) == (0, None)

    assert (found.last_tick, found.last_success_at, found.next_due_at) == (None, None, None)


def test_jobs_are_told_with_their_last_success(database: Database) -> None:
    """Of all runs of a job the latest that ended well counts, whatever came after it."""
    schedule_all(database, now=MORNING)
    sql(database, "UPDATE scheduled_jobs SET consecutive_failures = 2, last_status = 'failed'")
    (job_id, *_), *_ = sql(database, "SELECT id FROM scheduled_jobs ORDER BY name, job_type, id")
    for number, status in enumerate(("success", "success", "failed", "running")):
        sql(
            database,
            "INSERT INTO job_runs (id, job_id, status, started_at, finished_at) "
            "VALUES (:id, :job_id, :status, :at, :at)",
            id=str(number),
            job_id=job_id,
            status=status,
            at=f"2026-01-0{number + 1} 10:00:00" + ("" if is_sqlite(database) else "+00"),
        )
    found = _read(database)
    succeeded = [job for job in found.jobs if job.last_success_at]
    assert [job.last_success_at for job in succeeded] == [day(0) - timedelta(days=1)]
    assert {job.consecutive_failures for job in found.jobs} == {2}
    assert found.last_success_at == succeeded[0].last_success_at
    assert found.next_due_at == LATER


def test_hosts_held_plans_and_the_journal_are_told(database: Database) -> None:
    """What waits for review is told apart: profiles and memories have commands of their own."""
    with database.brief() as source:
        ticks.note(source, host="studio", now=MORNING)
    with database.write() as connection:
        for number, (entity, status) in enumerate(((NICK, APPLIED), (NICK, HELD), (NOVA, HELD))):
            store_plan(connection, _plan(str(number), entity, status))
    sql(
        database,
        "INSERT INTO maintenance_journal "
        "(plan_id, position, table_name, row_id, effect, before_image) "
        "VALUES ('0', 0, 'entity_profile_attributes', '1', 'removed', :image)",
        image="x" * 5_000,
    )
    found = _read(database)
    (seen,) = found.hosts
    assert isinstance(seen, HostSeen)
    assert found.last_tick == seen
    assert [(plan.entity, plan.is_of_memories) for plan in found.held] == [
        ("nick", False),
        ("nova", True),
    ]
    assert found.journal is not None
    assert found.journal.rows == 1
    assert found.journal.octets > 5_000
    assert found.journal.oldest == MORNING


def _plan(plan_id: str, entity: Entity, status: str) -> StoredPlan:
    return StoredPlan(
        id=plan_id,
        kind=CONSOLIDATION,
        status=status,
        entity=entity,
        run_id=None,
        reverts=None,
        created_at=MORNING,
        applied_at=MORNING if status == APPLIED else None,
        document={"rows": []},
    )
