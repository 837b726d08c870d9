"""Job type `history_pruning`: old runs and old plans go, in batches, unless it is a dry run."""

from datetime import datetime, timedelta

import pytest
from building import NICK
from consolidating import NOW, context, settings
from databases import dump, sql

from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import Claim, Success
from llm_maint.domain.schedule import Every
from llm_maint.errors import ClaimLostError, ConfigurationError
from llm_maint.jobs.history_pruning import JOB
from llm_maint.store import history, job_edits, plans, queue
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.plans import StoredPlan
from llm_maint.store.tables import journal, runs, ticks

MOMENT = timedelta(microseconds=1)


def _add_run(database: Database, run_id: str, started_at: datetime, status: str) -> None:
    row = {"id": run_id, "job_id": "j", "status": status, "started_at": started_at}
    with database.write() as connection:
        connection.execute(runs.insert().values(attempt=1, trigger="due", **row))


def _add_plan(database: Database, plan_id: str, created_at: datetime) -> None:
    plan = StoredPlan(
        id=plan_id,
        kind="consolidation",
        status="applied",
        entity=NICK,
        run_id=None,
        reverts=None,
        created_at=created_at,
        applied_at=created_at,
        document={},
    )
    entry = {"plan_id": plan_id, "position": 0, "table_name": "t", "row_id": "1", "effect": "x"}
    with database.write() as connection:
        plans.store_plan(connection, plan)
        connection.execute(journal.insert().values(**entry))


@pytest.fixture
def past(database: Database) -> Database:
    """Return a database with runs and plans at both sides of the default limits."""
    limit, plan_limit = NOW - timedelta(days=30), NOW - timedelta(days=90)
    _add_run(database, "old", limit - MOMENT, "success")
    _add_run(database, "old-failed", limit - MOMENT, "failed")
    _add_run(database, "old-running", limit - MOMENT, "running")
    _add_run(database, "young", limit, "success")
    _add_plan(database, "old", plan_limit - MOMENT)
    _add_plan(database, "young", plan_limit)
    return database


def _ids(database: Database) -> dict[str, set[str]]:
    queries = {
        "runs": "SELECT id FROM job_runs",
        "plans": "SELECT id FROM maintenance_plans",
        "journal": "SELECT plan_id FROM maintenance_journal",
    }
    return {name: {row[0] for row in sql(database, query)} for name, query in queries.items()}


def test_what_is_older_than_the_settings_keep_goes(past: Database) -> None:
    """Runs after 30 days, plans with their journal after 90; a running one never."""
    assert JOB.run(context(past)) == Success({"runs_deleted": 2, "plans_deleted": 1})
    assert _ids(past) == {
        "runs": {"old-running", "young"},
        "plans": {"young"},
        "journal": {"young"},
    }
    assert JOB.run(context(past)) == Success({"runs_deleted": 0, "plans_deleted": 0})


def test_hosts_that_tick_no_more_are_forgotten(past: Database) -> None:
    """After as long as runs are kept; a dry run forgets none."""
    seen = {"old": NOW - timedelta(days=31), "young": NOW - timedelta(days=29)}
    with past.write() as connection:
        rows = [
            {"host": host, "first_seen_at": at, "seen_at": at, "version": "1"}
            for host, at in seen.items()
        ]
        connection.execute(ticks.insert(), rows)
    query = "SELECT host FROM maintenance_ticks ORDER BY host"
    for dry_run, left in ((True, ["old", "young"]), (False, ["young"])):
        JOB.run(context(past, dry_run=dry_run))
        assert [row[0] for row in sql(past, query)] == left


def test_a_dry_run_counts_and_deletes_nothing(past: Database) -> None:
    """It says what the real run then does."""
    before = dump(past)
    dry = JOB.run(context(past, dry_run=True))
    assert dump(past) == before
    assert dry == JOB.run(context(past))


def test_the_settings_say_how_long(past: Database) -> None:
    """Other limits keep more, or less."""
    longer = settings(history={"keep_days": 31, "journal_keep_days": 91})
    assert JOB.run(context(past, settings=longer)) == Success(
        {"runs_deleted": 0, "plans_deleted": 0}
    )
    shorter = settings(history={"keep_days": 29, "journal_keep_days": 89})
    assert JOB.run(context(past, settings=shorter)) == Success(
        {"runs_deleted": 3, "plans_deleted": 2}
    )


def test_whatever_has_gathered_goes(database: Database) -> None:
    """What is more than one batch is deleted by several, in one run of the job."""
    old = NOW - timedelta(days=400)
    row = {"job_id": "j", "status": "success", "started_at": old, "attempt": 1, "trigger": "due"}
    with database.write() as connection:
        rows = [{"id": f"run-{number}", **row} for number in range(2 * history.BATCH + 1)]
        connection.execute(runs.insert(), rows)
    deleted = 2 * history.BATCH + 1
    assert JOB.run(context(database)) == Success({"runs_deleted": deleted, "plans_deleted": 0})
    assert _ids(database)["runs"] == set()


def test_a_lost_claim_deletes_nothing(past: Database) -> None:
    """A job that outlived its lease leaves the past to its successor."""
    claim = _claimed(past)
    before = dump(past)
    late = context(past, claim=claim, clock=lambda: NOW + timedelta(hours=1))
    with pytest.raises(ClaimLostError):
        JOB.run(late)
    assert dump(past) == before


def _claimed(database: Database) -> Claim:
    with database.write() as connection:
        job = job_edits.add_job(
            connection,
            job_type=JOB.type,
            name="pruning",
            timing=Timing(schedule=Every(timedelta(days=1))),
            bot_id=None,
            config={},
            now=NOW,
        )
        lease = timedelta(minutes=2)
        claim = queue.claim_now(source_of(connection), job.id, now=NOW, lease=lease, host="here")
    assert claim is not None
    return claim


def test_it_takes_no_configuration() -> None:
    """What a person would configure stands in the settings, and the message says where."""
    JOB.check({})
    with pytest.raises(ConfigurationError, match=r"history\.keep_days"):
        JOB.check({"keep_days": 3})
