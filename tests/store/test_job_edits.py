"""Jobs that are changed: a new schedule has new slots, and all else leaves them as they were."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from building import MORNING
from claiming import claim_next
from databases import dump, sql

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.runs import Claim, Failure, Outcome, Success
from llm_maint.domain.schedule import Cron, Every, Schedule
from llm_maint.domain.settlement import settle
from llm_maint.errors import UsageError
from llm_maint.store import claims, job_edits
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.jobs import find_job
from llm_maint.store.listing import ScheduledJob
from llm_maint.store.tables import jobs

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOURLY = Timing(schedule=Every(HOUR))
NOW = MORNING + 30 * MINUTE
DOWN = Failure(error="the server is down", transient=True)


def _add(database: Database, timing: Timing = HOURLY, name: str = "job") -> ScheduledJob:
    with database.write() as connection:
        return job_edits.add_job(
            connection,
            job_type="any",
            name=name,
            timing=timing,
            bot_id=None,
            config={},
            now=MORNING,
        )


def _edit(
    database: Database,
    *,
    now: datetime = NOW,
    job: str = "job",
    columns: Any = None,  # noqa: ANN401 what is no part of the timing
    **timing: Any,  # noqa: ANN401 any field of it
) -> ScheduledJob:
    with database.write() as connection:
        found = find_job(connection, job)
        changed = replace(found.timing, **timing)
        return job_edits.edit_job(connection, found, timing=changed, now=now, **(columns or {}))


def _claim(database: Database, now: datetime) -> Claim:
    with database.write() as connection:
        claim = claim_next(connection, now=now, due_by=now, lease=MINUTE, host="here")
    assert claim is not None
    return claim


def _record(database: Database, claim: Claim, outcome: Outcome, now: datetime) -> ScheduledJob:
    with database.write() as connection:
        settlement = settle(claim, outcome, now=now)
        claims.record(source_of(connection), claim, settlement, now=now)
        return find_job(connection, "job")


def _run(database: Database, outcome: Outcome = Success(), now: datetime = MORNING) -> ScheduledJob:  # noqa: B008 it is frozen
    return _record(database, _claim(database, now), outcome, now)


@pytest.mark.parametrize(
    ("schedule", "next_run_at"),
    [
        (Every(HOUR), None),
        (Cron("0 * * * *"), MORNING + HOUR),
        (Cron("30 2 * * *", "Europe/Berlin"), MORNING + 15 * HOUR + 30 * MINUTE),
    ],
    ids=["every", "cron", "cron of a zone"],
)
def test_a_new_job_is_due_at_once_or_at_its_time(
    database: Database, schedule: Schedule, next_run_at: datetime | None
) -> None:
    """An interval begins now; a cron expression names its times."""
    job = _add(database, Timing(schedule=schedule))
    assert (job.next_run_at, job.slot_at) == (next_run_at, None)
    assert (job.timing.schedule, job.problem) == (schedule, None)


WHOLE = Timing(
    schedule=Cron("0 4 * * 1-5", "Europe/Berlin"),
    misfire=Misfire.ALL,
    grace=timedelta(0),
    jitter=timedelta(seconds=90),
    priority=-7,
    timeout=timedelta(0),
)


@pytest.mark.parametrize("timing", [HOURLY, WHOLE], ids=["defaults", "everything"])
def test_a_timing_is_kept_as_it_was_given(database: Database, timing: Timing) -> None:
    """All of it, when it is added and when it is edited: nought is something else than nothing."""
    assert _add(database, timing, "added").timing == timing
    for before in (HOURLY, WHOLE):
        _add(database, before, "edited")
        assert _edit(database, job="edited", **_fields(timing)).timing == timing
        sql(database, "DELETE FROM scheduled_jobs WHERE name = 'edited'")


def _fields(timing: Timing) -> dict[str, Any]:
    return {name: getattr(timing, name) for name in Timing.__slots__}


@pytest.mark.parametrize("state", ["new", "waiting", "due", "to be tried again"])
@pytest.mark.parametrize(
    "changes",
    [
        *({"priority": 5}, {"misfire": Misfire.ALL}, {"grace": HOUR}, {"timeout": HOUR}),
        {"columns": {"name": "other"}},
        {"columns": {"bot_id": "nova", "config_json": {"entity_id": "nick"}}},
    ],
    ids=str,
)
def test_what_is_no_part_of_the_schedule_keeps_the_slot(
    database: Database, state: str, changes: dict[str, Any]
) -> None:
    """The job is due when it was, for the slot and after as many tries as before."""
    _add(database)
    if state != "new":
        _run(database, DOWN if state == "to be tried again" else Success())
    now = MORNING + 2 * HOUR if state == "due" else NOW
    kept = "SELECT next_run_at, slot_at, attempt, last_run_at FROM scheduled_jobs"
    before = sql(database, kept)
    _edit(database, now=now, **changes)
    assert sql(database, kept) == before


@pytest.mark.parametrize(
    ("schedule", "now", "next_run_at"),
    [
        (Every(2 * HOUR), NOW, MORNING + 2 * HOUR),
        (Every(20 * MINUTE), NOW, MORNING + 40 * MINUTE),
        (Every(20 * MINUTE), MORNING + 40 * MINUTE, MORNING + HOUR),
        (Every(20 * MINUTE), MORNING - HOUR, MORNING + 20 * MINUTE),
        (Every(7 * HOUR), MORNING + 30 * HOUR, MORNING + 35 * HOUR),
        (Cron("*/20 * * * *"), NOW, MORNING + 40 * MINUTE),
        (Cron("*/20 * * * *"), MORNING - HOUR, MORNING + 20 * MINUTE),
        (Cron("0 10 * * *"), NOW, MORNING + 24 * HOUR),
    ],
    ids=str,
)
@pytest.mark.parametrize("outcome", [Success(), DOWN], ids=["success", "to be tried again"])
def test_a_new_schedule_counts_from_the_last_run(
    database: Database, schedule: Schedule, now: datetime, next_run_at: datetime, outcome: Outcome
) -> None:
    """No slot of the past comes again, though the clock was put back; what failed is let go."""
    _add(database)
    _run(database, outcome)
    job = _edit(database, schedule=schedule, now=now)
    assert (job.next_run_at, job.slot_at) == (next_run_at, None)
    claim = _claim(database, next_run_at)
    assert (claim.scheduled_for, claim.attempt) == (next_run_at, 1)


@pytest.mark.parametrize(
    ("before", "after", "next_run_at"),
    [
        (Every(HOUR), Every(2 * HOUR), None),
        (Every(HOUR), Cron("0 12 * * *"), MORNING + 2 * HOUR),
        (Cron("0 0 1 1 *"), Every(HOUR), None),
        (Cron("0 0 1 1 *"), Cron("0 12 * * *"), MORNING + 2 * HOUR),
    ],
    ids=str,
)
def test_a_job_that_never_ran_is_as_due_as_a_new_one(
    database: Database, before: Schedule, after: Schedule, next_run_at: datetime | None
) -> None:
    """Nothing is left of the schedule that it had."""
    _add(database, Timing(schedule=before, jitter=20 * MINUTE))
    assert _edit(database, schedule=after, jitter=timedelta(0)).next_run_at == next_run_at


@pytest.mark.parametrize("jitter", [timedelta(0), 3 * MINUTE, 25 * MINUTE], ids=str)
@pytest.mark.parametrize("before", [timedelta(0), 10 * MINUTE], ids=str)
@pytest.mark.parametrize("late", [-1, 0, 1], ids=["to come", "come", "past"])
def test_another_jitter_is_for_the_same_slot(
    database: Database, before: timedelta, jitter: timedelta, late: int
) -> None:
    """The slot that is waited for is due by the new jitter, and the grid does not move."""
    _add(database, replace(HOURLY, jitter=before))
    _run(database)
    slot = MORNING + HOUR
    job = _edit(database, jitter=jitter, now=slot + late * MINUTE)
    assert job.next_run_at == job.timing.due_at(job.id, slot)
    now = slot + 59 * MINUTE
    claim = _claim(database, now)
    assert (claim.scheduled_for, claim.attempt) == (slot, 1)
    after = _record(database, claim, Success(), now)
    assert (after.slot_at or after.next_run_at) == slot + HOUR


@pytest.mark.parametrize("by_chance", [False, True])
def test_another_jitter_leaves_what_is_to_be_tried_again(
    database: Database, *, by_chance: bool
) -> None:
    """A retry comes when it was to come, though jitter would have let its slot be due just then."""
    _add(database, replace(HOURLY, jitter=10 * MINUTE))
    before = _run(database, DOWN)
    if by_chance:
        assert before.slot_at is not None
        due_at = before.timing.due_at(before.id, before.slot_at)
        with database.write() as connection:
            connection.execute(sa.update(jobs).values(next_run_at=due_at))
        before = replace(before, next_run_at=due_at)
    after = _edit(database, jitter=20 * MINUTE, now=MORNING)
    assert (after.next_run_at, after.slot_at) == (before.next_run_at, before.slot_at)
    assert _claim(database, NOW).attempt == 2


@pytest.mark.parametrize("before", [timedelta(0), 10 * MINUTE], ids=str)
def test_another_jitter_lets_no_slot_run_again(database: Database, before: timedelta) -> None:
    """The slot that is being fired is seen to; the one after it is on the grid."""
    _add(database, replace(HOURLY, jitter=before))
    _run(database)
    now = MORNING + HOUR + 59 * MINUTE
    claim = _claim(database, now)
    _edit(database, jitter=20 * MINUTE, now=now)
    after = _record(database, claim, Success(), now)
    assert (after.slot_at or after.next_run_at) == MORNING + 2 * HOUR


@pytest.mark.parametrize("outcome", [Success(), DOWN], ids=["success", "failure"])
@pytest.mark.parametrize("jitter", [timedelta(0), 10 * MINUTE], ids=str)
def test_a_job_that_is_edited_while_it_runs_goes_by_the_new_schedule(
    database: Database, outcome: Outcome, jitter: timedelta
) -> None:
    """What the run comes to takes nothing back, and the first new slot has all its tries."""
    _add(database)
    claim = _claim(database, MORNING)
    edited = _edit(database, schedule=Every(2 * HOUR), jitter=jitter, now=MORNING)
    after = _record(database, claim, outcome, MORNING + MINUTE)
    assert (after.next_run_at, after.slot_at) == (edited.next_run_at, edited.slot_at)
    assert after.next_run_at is not None
    following = _claim(database, after.next_run_at)
    assert (following.scheduled_for, following.attempt) == (MORNING + 2 * HOUR, 1)


def test_a_time_set_while_the_job_runs_holds(database: Database) -> None:
    """Who wants it run at another time gets that, with all its tries."""
    _add(database)
    claim = _claim(database, MORNING)
    with database.write() as connection:
        connection.execute(sa.update(jobs).values(next_run_at=NOW))
    assert _record(database, claim, DOWN, MORNING + MINUTE).next_run_at == NOW
    again = _claim(database, NOW)
    assert (again.scheduled_for, again.attempt) == (NOW, 1)


def test_a_name_that_is_taken_is_refused(database: Database) -> None:
    """Nothing of the job is changed then; its own name it may keep."""
    _add(database)
    _add(database, name="other")
    before = dump(database)
    with pytest.raises(UsageError, match="'other' already"):
        _edit(database, schedule=Every(MINUTE), columns={"name": "other"})
    assert dump(database) == before
    assert _edit(database, columns={"name": "job"}).name == "job"
