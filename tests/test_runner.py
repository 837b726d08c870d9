"""The runner: claims, executes, settles, records, one job after the other."""

from datetime import timedelta

import pytest
from claiming import claim_next
from databases import add_row, dump
from running import START, World

from llm_maint.contract import JobContext
from llm_maint.domain.runs import Outcome, Success
from llm_maint.errors import ExitCode, JobBusyError
from llm_maint.store import history, queue
from llm_maint.store.dialect import source_of


def test_what_is_due_runs_once_one_after_the_other(world: World) -> None:
    """Each due job runs, in order, and is due again at its next slot."""
    for name in ("a", "b", "c"):
        world.add(name)
    assert world.tick() == {"a": "success", "b": "success", "c": "success"}
    assert world.ran == ["a", "b", "c"]
    assert world.tick() == {}
    world.now = START + timedelta(hours=1)
    assert list(world.tick()) == ["a", "b", "c"]


def test_an_outcome_is_recorded(world: World) -> None:
    """The run says what ran, when, how long, where and with which result."""

    def work(_: JobContext) -> Outcome:
        world.now += timedelta(seconds=2.5)
        return Success({"rows": 3}, held=True)

    job = world.add("a", work)
    (finished,) = world.runner().run_due()
    with world.database.read() as connection:
        assert history.find_run(connection, finished.run.id) == finished.run
    run = finished.run
    assert (run.job_id, run.job_name, run.job_type, run.bot_id) == (job.id, "a", "a", "*")
    assert (run.status, run.attempt, run.trigger, run.host) == ("success", 1, "due", "here")
    assert (run.started_at, run.finished_at, run.duration_ms) == (START, world.now, 2_500)
    assert (run.result, run.error_message) == ({"rows": 3}, None)
    assert finished.exit_code == ExitCode.HELD
    assert world.jobs()["a"].next_run_at == START + timedelta(hours=1)


def test_a_job_gets_its_claim_and_its_configuration(world: World) -> None:
    """What the job is handed is what its row says."""
    seen: list[JobContext] = []

    def look(context: JobContext) -> Outcome:
        seen.append(context)
        return Success()

    job = world.add("a", look)
    world.tick()
    (context,) = seen
    assert context.claim is not None
    assert (context.claim.job_id, context.config, context.dry_run) == (job.id, {}, False)
    assert context.run_id == context.claim.run_id


def test_a_tick_can_be_bounded(world: World) -> None:
    """By a number of jobs, by one job, or by time: what is left runs in the next tick."""
    for name in ("a", "b", "c"):
        world.add(name, lambda _: _spend(world))
    assert list(world.tick(limit=1)) == ["a"]
    assert list(world.tick(job_id=world.jobs()["c"].id)) == ["c"]
    assert list(world.tick(limit=0)) == []
    for name in ("d", "e"):
        world.add(name, lambda _: _spend(world))
    assert list(world.tick(within=timedelta(seconds=90))) == ["b", "d"]
    assert list(world.tick()) == ["e"]


def _spend(world: World) -> Outcome:
    world.now += timedelta(minutes=1)
    return Success()


def test_a_tick_ends_although_jobs_become_due_meanwhile(world: World) -> None:
    """Only what was due at the start runs: slow jobs cannot keep a tick alive forever."""

    def slow(_: JobContext) -> Outcome:
        world.now += timedelta(hours=2)
        return Success()

    world.add("a", slow)
    world.add("b", slow)
    world.tick(limit=9)
    assert world.ran == ["a", "b"]  # a was due again while b ran
    world.tick(limit=9)
    assert world.ran == ["a", "b", "a"]


def test_a_job_of_a_dead_process_runs_again_in_the_next_tick(world: World) -> None:
    """Its claim is taken back first, so the same tick finds it due."""
    world.add("a")
    with world.database.write() as connection:
        lease = timedelta(minutes=2)
        claim_next(connection, now=START, due_by=START, lease=lease, host="dead")
    assert world.tick() == {}
    world.now = START + timedelta(minutes=2)
    assert world.tick() == {"a": "success"}
    with world.database.read() as connection:
        found = [(run.status, run.attempt) for run in history.tail(connection, limit=5)]
    assert found == [("abandoned", 1), ("success", 2)]


def test_a_preview_runs_dry_and_writes_nothing(world: World) -> None:
    """Nothing is claimed or recorded; the job knows that it must not write."""
    seen: list[tuple[bool, object]] = []

    def look(context: JobContext) -> Outcome:
        seen.append((context.dry_run, context.claim))
        return Success({"would": "work"})

    world.add("a", look)
    world.add("b", look)
    world.schedule("unknown_type")
    before = dump(world.database)
    shown = list(world.runner().preview())
    assert [(each.run.id, each.run.job_name, each.run.status) for each in shown] == [
        ("", "a", "success"),
        ("", "b", "success"),
        ("", "unknown_type", "skipped"),
    ]
    assert [each.run.job_name for each in world.runner().preview(limit=1)] == ["a"]
    one = world.runner().preview_now(world.jobs()["b"].id)
    assert one.run.result == {"would": "work"}
    assert set(seen) == {(True, None)}
    assert dump(world.database) == before


def test_a_dry_run_of_the_main_job_writes_nothing(world: World) -> None:
    """The whole way of a dry run, with real work to do, leaves every table as it is."""
    add_row(world.database, "color", '"blue"')
    add_row(world.database, "color", '"blue"')
    world.schedule("profile_maintenance", entity_id="*")
    before = dump(world.database)
    (shown,) = world.runner().preview()
    assert shown.run.result is not None
    assert shown.run.result["accounting"]["merged"] == 1
    assert dump(world.database) == before
    assert world.tick() == {"profile_maintenance": "success"}


def test_a_job_that_writes_in_a_dry_run_is_stopped(world: World) -> None:
    """The promise of a dry run does not depend on each job type."""

    def write(context: JobContext) -> Outcome:
        with context.write():
            return Success()

    world.add("a", write)
    (shown,) = world.runner().preview()
    assert shown.run.status == "failed"
    assert "a dry run writes nothing" in (shown.run.error_message or "")


def test_a_person_may_run_a_job_at_any_time(world: World) -> None:
    """The run is marked as manual, and the slot to come stays where it was."""
    job = world.add("a")
    world.tick()
    world.now = START + timedelta(minutes=20)
    finished = world.runner().run_now(job.id)
    assert (finished.run.status, finished.run.trigger) == ("success", "manual")
    assert world.jobs()["a"].next_run_at == START + timedelta(hours=1)


def test_a_job_that_runs_elsewhere_is_busy(world: World) -> None:
    """It is neither run twice nor recorded twice."""
    job = world.add("a")
    with world.database.write() as connection:
        lease = timedelta(minutes=2)
        queue.claim_now(source_of(connection), job.id, now=START, lease=lease, host="there")
    before = dump(world.database)
    with pytest.raises(JobBusyError):
        world.runner().run_now(job.id)
    assert world.tick() == {}
    assert dump(world.database) == before
    assert world.ran == []


def test_a_tick_that_is_given_up_holds_no_job(world: World) -> None:
    """Who stops asking after the first run leaves the second job as due as it was."""
    world.add("a")
    world.add("b")
    running = world.runner().run_due()
    assert next(running).run.job_name == "a"
    assert world.jobs()["b"].claim_run_id is not None
    running.close()
    job = world.jobs()["b"]
    assert (job.claim_run_id, job.next_run_at, job.last_status) == (None, None, "interrupted")
    assert world.ran == ["a"]
    assert world.tick() == {"b": "success"}
