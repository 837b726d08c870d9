"""Processes that take part in a shared run: who may join it, and how long what they do counts."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from building import MORNING
from databases import add_row, sql
from running import World
from shared import (
    ENTITIES,
    LEASE,
    claimed,
    is_held,
    joined,
    joins,
    let_leader_renew,
    opened_to_all,
    took,
)
from sqlalchemy.engine import Connection

from llm_maint.domain.runs import Claim, Success, Trigger
from llm_maint.domain.settlement import settle
from llm_maint.store import claims, queue, workers
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.workers import FRESH

SECOND = timedelta(seconds=1)
SOON = MORNING + timedelta(seconds=10)


@pytest.fixture
def claim(database: Database) -> Claim:
    """Return a claim, taken in the morning."""
    return claimed(database)


@pytest.fixture
def shared(database: Database, claim: Claim) -> Claim:
    """Return a claim whose run was opened at once."""
    opened_to_all(database, claim, now=MORNING)
    return claim


def _renews(database: Database, worker: workers.Worker, *, now: datetime) -> bool:
    with database.brief() as source:
        return workers.renew(source, worker, now=now, lease=LEASE)


def test_who_joins_works_for_the_run_of_another(database: Database, shared: Claim) -> None:
    """Its claim names that run and job, and its own host."""
    worker = joined(database, now=SOON, host="there")
    found = worker.claim
    assert (found.run_id, found.job_id, found.host) == (shared.run_id, shared.job_id, "there")
    assert (found.config, found.trigger) == ({"entity_id": "*"}, Trigger.DUE)
    assert found.started_at == MORNING
    assert joined(database, now=SOON).id != worker.id


def test_a_run_that_a_person_started_is_theirs_for_all(database: Database, claim: Claim) -> None:
    """Whoever takes part treats its entities as asked for by name."""
    with database.write() as connection:
        claims.record(source_of(connection), claim, settle(claim, Success(), now=SOON), now=SOON)
        manual = queue.claim_now(
            source_of(connection), claim.job_id, now=SOON, lease=LEASE, host="leader"
        )
    assert manual is not None
    opened_to_all(database, manual, now=SOON)
    assert joined(database, now=SOON).claim.trigger is Trigger.MANUAL


@pytest.mark.parametrize(
    ("host", "age", "at_it", "is_open"),
    [
        pytest.param("leader", FRESH - SECOND, ["leader"], True, id="fresh, a host that is at it"),
        pytest.param("leader", FRESH, [], False, id="later, the host that opened it"),
        pytest.param("there", FRESH, [], True, id="later, another host"),
        pytest.param("there", FRESH, ["there"], False, id="later, a host that is at it"),
        pytest.param("there", FRESH, ["elsewhere"], True, id="later, beside other hosts"),
    ],
)
def test_a_run_is_open_to_all_at_first_and_later_to_new_hosts(
    database: Database,
    shared: Claim,
    host: str,
    age: timedelta,
    at_it: list[str],
    is_open: bool,  # noqa: FBT001 a case
) -> None:
    """Ticks of a host do not pile up behind one model server."""
    for each in at_it:
        joined(database, now=SOON, host=each)
    let_leader_renew(database, shared, now=SOON)
    assert (joins(database, now=MORNING + age, host=host) is not None) == is_open


def test_the_dead_do_not_keep_their_host_out(database: Database, shared: Claim) -> None:
    """Once the lease of its process has run out, a host may send another one."""
    joined(database, now=SOON)
    let_leader_renew(database, shared, now=MORNING + LEASE - SECOND)
    assert joins(database, now=SOON + LEASE - SECOND) is None
    assert joins(database, now=SOON + LEASE) is not None


def test_there_is_nothing_to_join_where_nothing_is_free(database: Database, shared: Claim) -> None:
    """Nor where the run is another job's than the one asked for, or its claim has run out."""
    assert joins(database, now=SOON, job_id="another") is None
    assert joins(database, now=MORNING + LEASE) is None
    for _ in ENTITIES[1:]:
        took(database, shared.run_id, "one")
    assert joins(database, now=SOON, job_id=shared.job_id) is not None
    took(database, shared.run_id, "one")
    assert joins(database, now=SOON) is None


def test_the_more_urgent_run_is_joined_first(database: Database, shared: Claim) -> None:
    """The higher priority, then the one opened first; each as long as it has something free."""
    sql(database, "UPDATE scheduled_jobs SET name = 'first'")
    second = claimed(database, now=SOON)
    opened_to_all(database, second, now=SOON)
    assert joined(database, now=SOON).claim.run_id == shared.run_id
    urgent = "UPDATE scheduled_jobs SET priority = 1 WHERE id = :id"
    sql(database, urgent, id=second.job_id)
    assert joined(database, now=SOON).claim.run_id == second.run_id


def test_a_worker_may_write_until_its_lease_ends(database: Database, shared: Claim) -> None:
    """Renewed in time it begins anew; once it has run out it never does."""
    worker = joined(database, now=MORNING)
    last = MORNING + LEASE - SECOND
    let_leader_renew(database, shared, now=last)
    assert is_held(database, worker, now=last)
    assert not is_held(database, worker, now=MORNING + LEASE)
    assert _renews(database, worker, now=last)
    assert is_held(database, worker, now=MORNING + LEASE)
    assert not _renews(database, worker, now=last + LEASE)
    assert not is_held(database, worker, now=last + LEASE)


def test_a_worker_that_left_may_not_write(database: Database, shared: Claim) -> None:
    """What it had is handed back, and perhaps with somebody else."""
    worker, other = joined(database, now=SOON), joined(database, now=SOON)
    with database.brief() as source:
        workers.leave(source, worker)
    assert not is_held(database, worker, now=SOON)
    assert not _renews(database, worker, now=SOON)
    assert is_held(database, other, now=SOON)
    assert shared.run_id == other.claim.run_id


def test_no_worker_writes_for_a_run_whose_claim_is_lost(database: Database, shared: Claim) -> None:
    """It ends with the lease of who opened the run, before anybody has taken the job back."""
    worker = joined(database, now=SOON)
    assert not is_held(database, worker, now=MORNING + LEASE)
    assert _renews(database, worker, now=MORNING + LEASE)  # somebody may come and renew the claim
    with database.write() as connection:
        claims.rescue_expired(source_of(connection), now=MORNING + LEASE)
    assert not _renews(database, worker, now=MORNING + LEASE)
    again = _claimed_again(database, now=MORNING + LEASE)
    assert again.run_id != shared.run_id
    assert not is_held(database, worker, now=MORNING + LEASE)
    assert not _renews(database, worker, now=MORNING + LEASE)


def _claimed_again(database: Database, *, now: datetime) -> Claim:
    """Claim the job that was taken back."""
    tick = queue.Tick(due_by=now, lease=LEASE, host="leader")
    with database.write() as connection:
        found = tick.claim_next(source_of(connection), now=now)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("age", "told", "may"),
    [(FRESH - SECOND, False, True), (FRESH, False, False), (SECOND, True, False)],
    ids=["just begun", "a while ago", "it has told"],
)
def test_a_run_that_has_just_begun_may_be_opened_yet(
    database: Database,
    claim: Claim,
    age: timedelta,
    told: bool,  # noqa: FBT001 a case
    may: bool,  # noqa: FBT001 a case
) -> None:
    """Whoever finds nothing due waits for it to tell, for a while; without entities it has told."""
    if told:
        opened_to_all(database, claim, [], now=MORNING)
    with database.brief() as source:
        (run,) = workers.under_way(source, now=MORNING + age, host="there")
    assert (run.claim.job_type, run.may_open) == (claim.job_type, may)


def test_nobody_waits_for_the_dead(database: Database, claim: Claim) -> None:
    """A short lease that has run out says that nobody will open the run."""
    with database.write() as connection:
        assert claims.renew(source_of(connection), claim, now=MORNING, lease=SECOND)
    with database.brief() as source:
        assert workers.under_way(source, now=MORNING + SECOND, host="there") == []


def test_a_run_with_nothing_to_do_writes_nothing_of_this(world: World) -> None:
    """An unchanged store, every hour of the year, costs no row and no statement here."""
    written: list[str] = []

    def note(_c: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        verb = statement.split(maxsplit=1)[0]
        if "maintenance_share" in statement and verb in ("INSERT", "UPDATE", "DELETE"):
            written.append(statement)

    for name in ("nick", "nora"):
        add_row(world.database, "pet", '"cat"', entity_id=name)
    world.schedule("profile_maintenance")
    sa.event.listen(world.database.engine, "before_cursor_execute", note)
    assert world.tick() == {"profile_maintenance": "success"}
    assert len(written) > 2
    written.clear()
    world.now += timedelta(hours=1)
    assert world.tick() == {"profile_maintenance": "success"}
    assert written == []
