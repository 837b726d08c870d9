"""Slots as they are fired: after downtime, tried again, spread by jitter, set by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from running import START, World

from llm_maint.contract import JobContext
from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.domain.schedule import Cron
from llm_maint.errors import ExitCode
from llm_maint.store import history, job_edits
from llm_maint.store.tables import jobs

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
A_DAY_LATER = START + 24 * HOUR + 5 * MINUTE

Told = list[tuple[str, float | None, int]]
"""Runs, oldest first: status, the slot in hours after the start, attempt."""


def _runs(world: World, name: str = "a") -> Told:
    with world.database.read() as connection:
        found = [run for run in history.tail(connection, limit=500) if run.job_name == name]
    return [
        (run.status, _hours(run.scheduled_for), run.attempt)
        for run in sorted(found, key=lambda run: (str(run.started_at), run.id))
    ]


def _hours(slot: datetime | None) -> float | None:
    return None if slot is None else (slot - START) / HOUR


def _write(world: World, name: str = "a", **columns: Any) -> None:  # noqa: ANN401 any column
    """Write columns of a job by hand."""
    with world.database.write() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.name == name).values(**columns))


def _slots(world: World) -> list[tuple[str, float | None]]:
    """Return what a tick runs: status and slot of each run, in order."""
    told = (finished.run for finished in world.runner().run_due())
    return [(run.status, _hours(run.scheduled_for)) for run in told]


def _at_work(world: World, work: Callable[[], Outcome]) -> Callable[[JobContext], Outcome]:
    """Return a job that takes a second."""

    def run(_: JobContext) -> Outcome:
        world.now += timedelta(seconds=1)
        return work()

    return run


@pytest.fixture
def hourly(world: World) -> World:
    """Return a world with an hourly job that has run at the start."""
    world.add("a", _at_work(world, Success))
    assert _slots(world) == [("success", 0)]
    return world


@pytest.mark.parametrize(
    ("columns", "late", "slots"),
    [
        pytest.param({"misfire": None}, 5, [("success", 24)], id="latest is the default"),
        pytest.param({"misfire": "latest"}, 59, [("success", 24)], id="latest"),
        pytest.param({"grace_seconds": 600}, 5, [("success", 24)], id="latest in grace"),
        pytest.param({"grace_seconds": 600}, 11, [("skipped", 1)], id="latest out of grace"),
        pytest.param({"misfire": "all"}, 5, [("success", slot) for slot in range(1, 25)], id="all"),
        pytest.param(
            {"misfire": "all", "grace_seconds": 3 * 3600},
            *(5, [("success", slot) for slot in (22, 23, 24)]),
            id="all in grace",
        ),
        pytest.param({"misfire": "skip"}, 5, [("success", 24)], id="skip, just in time"),
        pytest.param({"misfire": "skip"}, 11, [("skipped", 1)], id="skip"),
        pytest.param(
            {"misfire": "skip", "grace_seconds": 60}, 5, [("skipped", 1)], id="skip by a minute"
        ),
    ],
)
def test_what_runs_after_a_day_of_downtime(
    hourly: World, columns: dict[str, Any], late: int, slots: list[tuple[str, float]]
) -> None:
    """In one tick, in order, each slot by its name; and the next one is on the grid, to come."""
    _write(hourly, **columns)
    hourly.now = START + 24 * HOUR + late * MINUTE
    assert _slots(hourly) == slots
    assert _slots(hourly) == []
    assert [(status, slot) for status, slot, _ in _runs(hourly)] == [("success", 0), *slots]
    assert hourly.jobs()["a"].next_run_at == START + 25 * HOUR
    hourly.now = START + 25 * HOUR
    assert _slots(hourly) == [("success", 25)]


def test_a_slot_that_is_skipped_is_no_news(hourly: World) -> None:
    """The run says why, the job's code is not called, and nobody is told that it went wrong."""
    _write(hourly, misfire="skip")
    hourly.now = START + 2 * HOUR + 30 * MINUTE
    (finished,) = hourly.runner().run_due()
    assert (finished.expected, finished.exit_code) == (True, ExitCode.OK)
    assert finished.run.error_message == "its time was missed (misfire = skip)"
    assert hourly.ran == ["a"]
    job = hourly.jobs()["a"]
    assert (job.last_status, job.consecutive_failures) == ("skipped", 0)


def test_a_failure_among_many_slots_keeps_its_place(world: World) -> None:
    """It is tried again after a wait, in its turn; then the others come, each of them once."""
    outcomes = {3: Failure(error="the server is down", transient=True)}
    calls: list[int] = []

    def work() -> Outcome:
        calls.append(0)
        return outcomes.get(len(calls), Success())

    world.add("a", _at_work(world, work))
    _write(world, misfire="all", next_run_at=START)
    world.now = START + 5 * HOUR
    assert _slots(world) == [("success", 0), ("success", 1), ("failed", 2)]
    assert _slots(world) == []
    world.now += MINUTE
    assert _slots(world) == [("success", slot) for slot in (2, 3, 4, 5)]
    assert _runs(world)[2:4] == [("failed", 2, 1), ("success", 2, 2)]
    assert world.jobs()["a"].next_run_at == START + 6 * HOUR


def test_a_failure_for_good_holds_up_no_other_slot(world: World) -> None:
    """With `all` the next slot has its turn in the same tick."""
    wrong = Failure(error="the key is wrong", transient=False)
    world.add("a", _at_work(world, lambda: wrong if len(world.ran) == 2 else Success()))
    _write(world, misfire="all", next_run_at=START)
    world.now = START + 3 * HOUR
    assert [status for status, _ in _slots(world)] == ["success", "failed", "success", "success"]
    assert [slot for _, slot, _ in _runs(world)] == [0, 1, 2, 3]


def test_a_slot_that_was_fired_can_be_run_again_by_hand(hourly: World) -> None:
    """Its run is one like any other, but fires no slot; the grid goes on as it was."""
    for status in ("success", "failed"):
        _write(hourly, next_run_at=START)
        hourly.now += MINUTE
        assert _slots(hourly) == [("success", None)], status
    assert _runs(hourly) == [("success", 0, 1), ("success", None, 1), ("success", None, 1)]
    assert hourly.jobs()["a"].next_run_at == START + HOUR
    hourly.now = START + HOUR
    assert _slots(hourly) == [("success", 1)]


def test_a_slot_that_was_fired_is_not_fired_by_a_second_try(world: World) -> None:
    """Where what was run again by hand fails, it is tried again, and fires no slot either."""
    down = Failure(error="the server is down", transient=True)
    world.add("a", _at_work(world, lambda: down if len(world.ran) == 2 else Success()))
    _write(world, next_run_at=START)
    assert _slots(world) == [("success", 0)]
    _write(world, next_run_at=START)
    assert _slots(world) == [("failed", None)]
    world.now += MINUTE
    assert _slots(world) == [("success", None)]
    assert _runs(world)[1:] == [("failed", None, 1), ("success", None, 2)]


def test_a_slot_that_failed_can_be_run_again_by_hand(world: World) -> None:
    """It has had its try: the run that a person asks for fires no slot."""
    wrong = Failure(error="the key is wrong", transient=False)
    world.add("a", _at_work(world, lambda: wrong if len(world.ran) == 1 else Success()))
    assert _slots(world) == [("failed", 0)]
    _write(world, next_run_at=START)
    assert _slots(world) == [("success", None)]


def test_a_retry_is_for_the_slot_that_failed(world: World) -> None:
    """Three tries of one slot, later each time; then the next slot is on the grid."""
    down = Failure(error="the server is down", transient=True)
    world.add("a", _at_work(world, lambda: down))
    _write(world, next_run_at=START)
    for wait in (0, 1, 2):
        world.now += wait * MINUTE
        assert _slots(world) == [("failed", 0)]
    assert _runs(world) == [("failed", 0, 1), ("failed", 0, 2), ("failed", 0, 3)]
    job = world.jobs()["a"]
    assert (job.next_run_at, job.slot_at, job.consecutive_failures) == (START + HOUR, None, 3)


def test_jitter_delays_the_run_and_not_the_slot(world: World) -> None:
    """What is due a little later fires the slot itself, which stays on the grid."""
    timing = Timing(schedule=Cron("0 * * * *"), jitter=20 * MINUTE)
    world.add("a", _at_work(world, Success))
    with world.database.write() as connection:
        job_edits.edit_job(connection, world.jobs()["a"], timing=timing, now=START)
    for hour in (1, 2, 3):
        job = world.jobs()["a"]
        assert job.slot_at == START + hour * HOUR
        assert job.next_run_at == timing.due_at(job.id, job.slot_at)
        assert job.next_run_at > job.slot_at
        world.now = job.next_run_at - timedelta(seconds=1)
        assert _slots(world) == []
        world.now += timedelta(seconds=1)
        assert _slots(world) == [("success", hour)]


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        ({"cron": "61 * * * *"}, "'61 * * * *' is no cron expression"),
        ({"cron": ""}, "'' is no cron expression"),
        ({"cron": "0 0 30 2 *"}, "'0 0 30 2 *'"),
        ({"cron": "0 4 * * *", "timezone": "Europe/Berlim"}, "did you mean 'Europe/Berlin'"),
        ({"cron": "0 4 * * *", "timezone": "../../etc/passwd"}, "no time zone"),
        ({"misfire": "latst"}, "latst"),
    ],
)
def test_a_schedule_that_somebody_wrote_wrong_is_told(
    world: World, columns: dict[str, str], hint: str
) -> None:
    """The job fails as wrongly configured, the others run, and it comes again on its interval."""
    for name in "ab":
        world.add(name)
    _write(world, "a", next_run_at=START, **columns)
    broken, good = world.runner().run_due()
    if broken.run.job_name != "a":
        broken, good = good, broken
    assert (good.run.job_name, good.run.status) == ("b", "success")
    assert (broken.run.status, broken.exit_code) == ("failed", ExitCode.CONFIGURATION)
    assert hint in (broken.run.error_message or "")
    assert world.ran == ["b"]
    assert world.jobs()["a"].next_run_at == START + HOUR
    _write(world, "a", cron=None, timezone=None, misfire=None)
    world.now = START + HOUR
    assert world.tick() == {"a": "success", "b": "success"}
