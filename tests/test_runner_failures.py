"""Runs that do not end well: whatever a job does, the others run and its claim is given back."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from building import NICK
from databases import dump, sql
from running import START, World

from llm_maint.contract import JobContext
from llm_maint.domain.runs import Failure, Outcome, Skipped, Success
from llm_maint.errors import (
    ConfigurationError,
    ExitCode,
    InterruptedRunError,
    MaintError,
    ModelUnavailableError,
)
from llm_maint.store import claims, history, judgements
from llm_maint.store.dialect import source_of


def _raising(error: BaseException) -> Outcome:
    raise error


@pytest.mark.parametrize(
    ("error", "message", "code", "retried"),
    [
        pytest.param(KeyError("x"), "a bug: KeyError('x')", ExitCode.JOB_FAILED, False, id="bug"),
        pytest.param(SystemExit(3), "a bug: SystemExit(3)", ExitCode.JOB_FAILED, False, id="exit"),
        pytest.param(MaintError("no"), "no", ExitCode.JOB_FAILED, False, id="an error"),
        pytest.param(
            ConfigurationError("bad"), "bad", ExitCode.CONFIGURATION, False, id="configuration"
        ),
        pytest.param(
            ModelUnavailableError("down"), "down", ExitCode.UNAVAILABLE, True, id="transient"
        ),
        pytest.param(
            RecursionError("deep"),
            "a bug: RecursionError('deep')",
            ExitCode.JOB_FAILED,
            False,
            id="recursion",
        ),
    ],
)
@pytest.mark.usefixtures("caplog")
def test_a_job_that_fails_stops_nobody(
    world: World, error: BaseException, message: str, code: ExitCode, *, retried: bool
) -> None:
    """The failure is recorded with its reason; what may pass by itself is tried again soon."""
    world.add("a", lambda _: _raising(error))
    world.add("b")
    first, second = world.runner().run_due()
    assert (first.run.status, first.run.error_message, first.exit_code) == ("failed", message, code)
    assert (second.run.status, second.exit_code) == ("success", ExitCode.OK)
    job = world.jobs()["a"]
    wait = timedelta(minutes=1) if retried else timedelta(hours=1)
    assert (job.claim_run_id, job.next_run_at) == (None, START + wait)
    assert (job.last_status, job.consecutive_failures) == ("failed", 1)


def test_an_unknown_job_type_is_skipped_with_the_nearest_name(world: World) -> None:
    """A type of a package that is gone, or a slip of the hand, stops nobody."""
    world.schedule("profile_maintainance")
    world.add("b")
    skipped, done = world.runner().run_due()
    assert (skipped.run.status, skipped.exit_code) == ("skipped", ExitCode.OK)
    assert "did you mean 'profile_maintenance'?" in (skipped.run.error_message or "")
    assert done.run.status == "success"
    assert world.tick() == {}


def test_a_job_type_that_cannot_be_imported_stops_nobody(world: World) -> None:
    """A broken package fails its own jobs."""
    world.add("a")
    world.add("b")
    world.monkeypatch.delitem(sys.modules, "scripted_a")
    assert world.tick() == {"a": "failed", "b": "success"}


@pytest.mark.parametrize("config", ["[1]", '"text"', "7"])
def test_a_bad_configuration_fails_its_own_job(world: World, config: str) -> None:
    """What is no JSON object is told by the name of the job, and waits for the next slot."""
    job = world.add("a")
    world.add("b")
    column = "CAST(:config AS jsonb)"
    if world.database.engine.dialect.name == "sqlite":
        column = ":config"
    statement = f"UPDATE scheduled_jobs SET config_json = {column} WHERE id = :id"
    sql(world.database, statement, config=config, id=job.id)
    first, second = world.runner().run_due()
    assert (first.run.status, first.exit_code) == ("failed", ExitCode.CONFIGURATION)
    assert first.run.error_message == "config_json of a is not a JSON object"
    assert second.run.status == "success"
    assert world.ran == ["b"]
    assert world.jobs()["a"].next_run_at == START + timedelta(hours=1)


def test_a_configuration_that_the_type_refuses_fails_before_it_runs(world: World) -> None:
    """The job type's own check decides."""
    world.schedule("history_pruning", keep_days=3)
    (finished,) = world.runner().run_due()
    assert (finished.run.status, finished.exit_code) == ("failed", ExitCode.CONFIGURATION)
    assert "history.keep_days" in (finished.run.error_message or "")


def test_an_outcome_may_say_that_it_failed(world: World) -> None:
    """A failure as a value keeps what was done all the same."""
    failure = Failure(
        error="1 of 3", transient=False, exit_code=ExitCode.UNAVAILABLE, result={"done": 2}
    )
    world.add("a", lambda _: failure)
    world.add("b", lambda _: Skipped("nothing to do"))
    first, second = world.runner().run_due()
    assert (first.run.status, first.run.result, first.exit_code) == (
        "failed",
        {"done": 2},
        ExitCode.UNAVAILABLE,
    )
    assert (second.run.status, second.run.error_message) == ("skipped", "nothing to do")


def test_a_transient_failure_is_tried_three_times_a_slot(world: World) -> None:
    """Then the job waits for its next slot on the grid, with the attempts counted anew."""
    world.add("a", lambda _: _raising(ModelUnavailableError()))
    attempts = []
    for minutes in (0, 1, 3, 59, 60):
        world.now = START + timedelta(minutes=minutes)
        attempts += [(minutes, each.run.attempt) for each in world.runner().run_due()]
    assert attempts == [(0, 1), (1, 2), (3, 3), (60, 1)]
    assert world.jobs()["a"].consecutive_failures == 4


def test_a_claim_lost_on_the_way_is_not_recorded_over(world: World) -> None:
    """A run that was rescued while it ran stays abandoned, whatever its process says later."""

    def freeze(_: JobContext) -> Outcome:
        world.now += timedelta(minutes=2)
        with world.database.write() as connection:
            assert len(claims.rescue_expired(source_of(connection), now=world.now)) == 1
        dumps.append(dump(world.database))
        return Success({"too": "late"})

    dumps: list[object] = []
    world.add("a", freeze)
    (finished,) = world.runner().run_due(limit=1)
    assert (finished.run.status, finished.run.result) == ("abandoned", None)
    assert dumps == [dump(world.database)]


def test_a_signal_between_two_jobs_ends_the_tick(world: World) -> None:
    """One that came while a run was recorded waits until then: record and claim are never torn."""
    world.add("a")
    world.add("b")

    @contextmanager
    def interruptible(_timeout: timedelta | None) -> Iterator[None]:
        if world.ran == ["a"]:
            raise InterruptedRunError(2)
        yield

    finished: list[str] = []
    with pytest.raises(InterruptedRunError):
        finished.extend(
            each.run.status
            for each in replace(world.runner(), interruptible=interruptible).run_due()
        )
    assert world.ran == ["a"]
    assert {name: job.last_status for name, job in world.jobs().items()} == {
        "a": "success",
        "b": None,
    }
    assert world.jobs()["b"].claim_run_id is None


def test_an_interruption_hands_the_claim_back(world: World) -> None:
    """The job is due as before, the attempt is not counted, and no further job begins."""
    raised: list[str] = []

    def interrupted(_: JobContext) -> Outcome:
        return Success() if raised else _raising(InterruptedRunError(15))

    world.add("a", interrupted)
    world.add("b")
    with pytest.raises(InterruptedRunError) as caught:
        world.tick()
    assert caught.value.exit_code == ExitCode.TERMINATED
    assert world.ran == ["a"]
    job = world.jobs()["a"]
    assert (job.claim_run_id, job.next_run_at, job.last_status) == (None, None, "interrupted")
    with world.database.read() as connection:
        (run,) = history.tail(connection, limit=5)
    assert (run.status, run.attempt) == ("interrupted", 1)
    raised.append("once")
    assert world.tick() == {"a": "success", "b": "success"}
    with world.database.read() as connection:
        runs = history.tail(connection, limit=5)
    assert [run.attempt for run in runs if run.status == "success"] == [1, 1]


class _Watched:
    """A clock that the job's own thread sets and the renewing thread reads."""

    def __init__(self) -> None:
        self.now = START
        self.main = threading.get_ident()
        self.read_by_other = threading.Semaphore(0)

    def __call__(self) -> datetime:
        if threading.get_ident() != self.main:
            self.read_by_other.release()
        return self.now

    def wait_for_a_renewal(self) -> None:
        """Return when the renewing thread has renewed once at the present time."""
        while self.read_by_other.acquire(blocking=False):
            pass
        for _ in range(2):  # the second reading shows that what followed the first has ended
            assert self.read_by_other.acquire(timeout=30)


def test_a_job_may_outlive_its_lease_as_long_as_its_process_lives(world: World) -> None:
    """The lease is renewed while the job thinks, so what it writes in the end is written."""
    clock = _Watched()

    def think(context: JobContext) -> Outcome:
        for _ in range(2):
            clock.now += timedelta(seconds=0.9)
            clock.wait_for_a_renewal()
        with context.write() as connection:
            judgements.remember_judged(connection, NICK, [], judge="x", now=clock.now)
        return Success()

    world.add("a", think)
    (finished,) = world.runner(clock, lease_seconds=1).run_due()
    assert finished.run.status == "success"
    assert finished.run.duration_ms == 1_800
