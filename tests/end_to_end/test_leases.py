"""Processes that freeze, and jobs that take long: a claim is held by who is alive, and by one."""

import signal
from datetime import timedelta

import pytest
from databases import add_row, sql
from workshop import Workshop, outlive, wait_until


@pytest.fixture
def workshop(workshop: Workshop) -> Workshop:
    """Return a workshop whose leases soon run out."""
    return workshop.hasty()


def test_a_process_frozen_beyond_its_lease_changes_nothing(workshop: Workshop) -> None:
    """Another does the work meanwhile; the frozen one, continued, finds its claim gone."""
    add_row(workshop.database, "pet", '"cat"', confidence=0)
    workshop.add("writing", "adds-one", until="go on")
    frozen = workshop.start("run-due")
    wait_until(workshop.notes)
    frozen.send(signal.SIGSTOP)
    workshop.command.home.joinpath("go on").touch()
    last = workshop.tick_until_settled()[-1]
    assert "adds-one: the process on" in last.errors
    job, run = workshop.job("adds-one"), workshop.runs()
    assert run == [("abandoned", 1), ("success", 2)]
    frozen.send(signal.SIGCONT)
    thawed = frozen.wait()
    assert thawed.code != 0
    assert "Traceback" not in thawed.errors
    assert workshop.notes() == ["adds-one", "adds-one"]
    assert sql(workshop.database, "SELECT confidence FROM entity_profile_attributes") == [(1,)]
    assert (workshop.job("adds-one"), workshop.runs()) == (job, run)


def test_a_process_frozen_while_another_works_does_not_disturb_it(workshop: Workshop) -> None:
    """Continued in the middle of the other's work, it neither writes nor takes the claim away."""
    add_row(workshop.database, "pet", '"cat"', confidence=0)
    workshop.add("writing", "adds-one", until="go on")
    frozen = workshop.start("run-due")
    wait_until(workshop.notes)
    frozen.send(signal.SIGSTOP)
    workshop.outlive_leases()
    rescuing = workshop.start("run-due")
    wait_until(lambda: len(workshop.notes()) == 2)
    held = workshop.job("adds-one").claim_run_id
    frozen.send(signal.SIGCONT)
    wait_until(lambda: "claim was lost" in frozen.errors.read_text(encoding="utf-8"))
    assert workshop.job("adds-one").claim_run_id == held
    workshop.command.home.joinpath("go on").touch()
    assert rescuing.wait().code == 0
    assert frozen.wait().code != 0
    assert sql(workshop.database, "SELECT confidence FROM entity_profile_attributes") == [(1,)]
    assert workshop.runs() == [("abandoned", 1), ("success", 2)]


def test_a_job_that_works_longer_than_its_lease_keeps_its_claim(workshop: Workshop) -> None:
    """While its process lives no other tick gets it, takes it back, or says anything of it."""
    workshop.add("noting", "long", until="the end")
    working = workshop.start("run-due")
    wait_until(workshop.notes)
    first = workshop.job("long")
    rivals = []
    for _ in range(3):
        at_stake = workshop.job("long").lease_expires_at
        wait_until(lambda: workshop.job("long").lease_expires_at > at_stake, every=0.05)  # noqa: B023
        rivals.append(workshop.tick("--json"))
    outlive(first.lease_expires_at + timedelta(seconds=2 * workshop.lease_seconds))
    rivals.append(workshop.tick("--json"))
    assert workshop.job("long").claim_run_id == first.claim_run_id
    workshop.command.home.joinpath("the end").touch()
    ended = working.wait()
    assert (ended.code, ended.out, ended.errors) == (0, "", "")
    assert [(each.json["runs"], each.errors) for each in rivals] == [([], "")] * 4
    assert (workshop.notes(), workshop.runs()) == (["long"], [("success", 1)])
