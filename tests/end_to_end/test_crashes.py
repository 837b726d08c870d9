"""Processes that die, anywhere in a tick: no job is lost, none stays claimed, none loops."""

import json
import random
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from workshop import Workshop, wait_until

PROCESSES = 6


@pytest.fixture
def workshop(workshop: Workshop) -> Workshop:
    """Return a workshop whose leases soon run out."""
    return workshop.hasty()


def test_processes_killed_at_any_instant_lose_no_job(workshop: Workshop) -> None:
    """While claiming, at work, or recording: after the lease the dead one's job runs again."""
    chance = random.Random(5)
    held = [f"held-{number}" for number in range(PROCESSES // 2)]
    workshop.add("noting", *(f"early-{number}" for number in range(20)))
    workshop.add("noting", *held, until="go on")
    workshop.add("noting", *(f"late-{number}" for number in range(60)))
    processes = [workshop.start("run-due") for _ in range(PROCESSES)]
    wait_until(lambda: {*held} <= {*workshop.notes()})
    for process in processes:
        time.sleep(chance.uniform(0, 0.03))
        process.send(signal.SIGKILL)
    assert -signal.SIGKILL in {process.wait().code for process in processes}
    workshop.command.home.joinpath("go on").touch()
    workshop.tick_until_settled()
    assert set(workshop.succeeded().values()) == {1}
    for name in held:
        assert workshop.runs(name) == [("abandoned", 1), ("success", 2)]
    others = Counter(run for run in workshop.runs() if run != ("success", 1))
    assert others.keys() == {("abandoned", 1), ("success", 2)}  # nobody was killed twice
    assert others["abandoned", 1] <= PROCESSES


def test_a_rescued_job_runs_in_the_very_tick_that_rescues_it(workshop: Workshop) -> None:
    """The tick after the lease tells of the death and does the work; those before do nothing."""
    workshop.add("noting", "slow", until="the end")
    dead = workshop.start("run-due")
    wait_until(workshop.notes)
    dead.send(signal.SIGKILL)
    dead.wait()
    workshop.command.home.joinpath("the end").touch()
    *before, last = workshop.tick_until_settled()
    assert {(each.errors, len(each.json["runs"])) for each in before} <= {("", 0)}
    assert "slow: the process on" in last.errors
    assert len(last.errors.splitlines()) == 1
    assert [(run["status"], run["attempt"]) for run in last.json["runs"]] == [("success", 2)]
    assert workshop.notes() == ["slow", "slow"]


def test_a_process_that_dies_while_it_records_has_recorded_or_not(workshop: Workshop) -> None:
    """A death within milliseconds of the job's end leaves a whole record, or a job to run again."""
    for milliseconds in range(0, 24, 3):
        workshop.add("dying", f"dies-{milliseconds}", milliseconds=milliseconds)
    names = sorted(workshop.names())
    processes = [workshop.start("run-due", "--job", name) for name in names]
    codes = [process.wait().code for process in processes]
    assert -signal.SIGKILL in codes
    workshop.tick_until_settled()
    for name in names:
        assert workshop.runs(name) in (
            [("success", 1)],
            [("abandoned", 1), ("success", 2)],
        )


def test_a_job_that_kills_its_process_ends_as_failed(workshop: Workshop) -> None:
    """After the third death it waits for its next slot; after the first, others go before it."""
    workshop.add("exiting", "bad", due=timedelta(minutes=-10))
    workshop.add("noting", "good", "better", due=timedelta(minutes=-5))
    due_at = workshop.job("bad").next_run_at
    workshop.tick(code=9)
    workshop.outlive_leases()
    workshop.tick(code=9)
    assert workshop.notes() == ["bad", "good", "better", "bad"]
    workshop.outlive_leases()
    workshop.tick(code=9)
    workshop.outlive_leases()
    workshop.start("run-due").wait()
    workshop.tick()
    assert workshop.notes() == ["bad", "good", "better", "bad", "bad"]
    assert workshop.runs("bad") == [("abandoned", 1), ("abandoned", 2), ("failed", 3)]
    bad = workshop.job("bad")
    assert (bad.last_status, bad.claim_run_id, bad.attempt) == ("failed", None, 0)
    assert bad.next_run_at == due_at.replace(second=0, microsecond=0) + timedelta(hours=1)
    assert bad.next_run_at > datetime.now(UTC)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_several_processes_that_find_one_dead_rescue_it_once(workshop: Workshop) -> None:
    """One of them tells of it and runs the job; the others have nothing to do."""
    workshop.add("exiting", "bad")
    workshop.tick(code=9)
    with workshop.database.write() as connection:
        connection.exec_driver_sql("UPDATE scheduled_jobs SET job_type = 'noting'")
    workshop.outlive_leases()
    ticks = [workshop.start("run-due", "--json") for _ in range(PROCESSES)]
    done = [tick.wait() for tick in ticks]
    assert [each.code for each in done] == [0] * PROCESSES
    assert sorted(len(json.loads(each.out)["runs"]) for each in done) == [0] * 5 + [1]
    assert "".join(each.errors for each in done).count("died or froze") == 1
    assert workshop.runs() == [("abandoned", 1), ("success", 2)]
