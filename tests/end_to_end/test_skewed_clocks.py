"""Hosts whose clocks are wrong by an hour: on PostgreSQL the server's clock is the only one."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import skewed
import sqlalchemy as sa
from workshop import BROUGHT, Workshop, wait_until

from llm_maint.store.tables import runs

ON_A_SERVER = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

HOUR = 3_600


def _skewed(workshop: Workshop, seconds: int, *, lease: int) -> "subprocess.CompletedProcess[str]":
    """Run a tick to its end on a host whose clock is wrong."""
    settings = workshop.command.having(scheduler_lease_seconds=str(lease))
    return subprocess.run(
        [sys.executable, skewed.__file__, str(seconds), "run-due", "--json"],
        env={**settings.environment, "PYTHONPATH": str(BROUGHT)},
        cwd=settings.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _tick(workshop: Workshop, seconds: int) -> list[str]:
    """Run such a tick, which must go well; return the names of the jobs that it ran."""
    done = _skewed(workshop, seconds, lease=60)
    assert (done.returncode, done.stderr) == (0, "")
    return [run["job_name"] for run in json.loads(done.stdout)["runs"]]


@ON_A_SERVER
@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["an hour ahead", "an hour behind"])
def test_a_wrong_clock_runs_what_is_due_and_nothing_else(workshop: Workshop, seconds: int) -> None:
    """Neither early nor late, no live claim is stolen, and all times are the server's."""
    workshop.add("noting", "held", until="the end")
    elsewhere = workshop.start("run-due")
    wait_until(workshop.notes)
    claim = workshop.job("held").claim_run_id
    workshop.add("noting", "soon", due=timedelta(minutes=30))
    workshop.add("noting", "late", due=timedelta(minutes=-1))
    before = datetime.now(UTC)
    assert _tick(workshop, seconds) == ["late"]
    assert workshop.notes() == ["held", "late"]
    assert workshop.job("held").claim_run_id == claim
    assert workshop.runs("late") == [("success", 1)]
    with workshop.database.read() as connection:
        times = sa.select(runs.c.started_at, runs.c.finished_at).where(runs.c.job_name == "late")
        started, finished = connection.execute(times).one()
    assert before <= started <= finished <= datetime.now(UTC)
    late = workshop.job("late")
    assert before <= late.last_run_at <= finished
    assert late.next_run_at < before + timedelta(hours=1)
    workshop.command.home.joinpath("the end").touch()
    assert elsewhere.wait().code == 0


@ON_A_SERVER
def test_a_claim_taken_by_a_wrong_clock_ends_with_its_lease(workshop: Workshop) -> None:
    """A lease is counted by the server: it protects for its length, not for an hour more."""
    workshop.add("exiting", "dies")
    assert _skewed(workshop, HOUR, lease=1).returncode == 9
    assert workshop.job("dies").lease_expires_at < datetime.now(UTC) + timedelta(seconds=2)
    workshop.outlive_leases()
    workshop.tick(code=9)
    assert workshop.runs()[0] == ("abandoned", 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_knows_no_other_clock_than_the_host(workshop: Workshop) -> None:
    """On SQLite what is due in half an hour runs where it is an hour later: the clock is moved."""
    workshop.add("noting", "soon", due=timedelta(minutes=30))
    assert _tick(workshop, HOUR) == ["soon"]
    assert workshop.job("soon").last_run_at > datetime.now(UTC) + timedelta(minutes=59)
