"""Settlement: what follows from a run, for every outcome, trigger and attempt."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from building import MORNING

from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import (
    Abandoned,
    Claim,
    Failure,
    Interrupted,
    Outcome,
    Skipped,
    Status,
    Success,
    Trigger,
)
from llm_maint.domain.schedule import Every
from llm_maint.domain.settlement import settle, unrecorded

HOUR = timedelta(minutes=60)
MINUTE = timedelta(minutes=1)
NOW = MORNING + timedelta(seconds=30)
SLOT = MORNING + HOUR
LATER = MORNING + 10 * MINUTE


def _minute_of(moment: datetime) -> datetime:
    """Return the whole minute: where a grid begins."""
    return moment.replace(second=0, microsecond=0)


CLAIM = Claim(
    run_id="run",
    job_id="job",
    job_name="tidy",
    job_type="profile_maintenance",
    bot_id="helper",
    config={},
    timing=Timing(schedule=Every(HOUR)),
    due_at=MORNING,
    attempt=1,
    consecutive_failures=4,
    trigger=Trigger.DUE,
    host="here",
    started_at=MORNING + timedelta(seconds=10),
)

SUCCESS = Success({"rows": 1})
SKIPPED = Skipped("no such type")
TRANSIENT = Failure(error="server down", transient=True)
PERMANENT = Failure(error="wrong key", transient=False)
ABANDONED = Abandoned()
ANY = [SUCCESS, SKIPPED, TRANSIENT, PERMANENT, ABANDONED]


def _named(value: object) -> str:
    if isinstance(value, Failure):
        return "transient" if value.transient else "permanent"
    if isinstance(value, datetime):
        return f"next in {value - NOW}"
    return str(value) if isinstance(value, int) else type(value).__name__.lower()


@pytest.mark.parametrize(
    ("outcome", "attempt", "next_run_at", "counted"),
    [
        (SUCCESS, 1, SLOT, 0),
        (SUCCESS, 2, SLOT, 0),
        (SUCCESS, 3, SLOT, 0),
        (SKIPPED, 1, SLOT, 0),
        (SKIPPED, 3, SLOT, 0),
        (TRANSIENT, 1, NOW + MINUTE, 1),
        (TRANSIENT, 2, NOW + 2 * MINUTE, 2),
        (TRANSIENT, 3, SLOT, 0),
        (TRANSIENT, 4, SLOT, 0),
        (PERMANENT, 1, SLOT, 0),
        (PERMANENT, 2, SLOT, 0),
        (PERMANENT, 3, SLOT, 0),
        (ABANDONED, 1, MORNING, 1),
        (ABANDONED, 2, MORNING, 2),
        (ABANDONED, 3, SLOT, 0),
        (Interrupted(), 1, MORNING, 0),
        (Interrupted(), 2, MORNING, 1),
        (Interrupted(), 3, MORNING, 2),
    ],
    ids=_named,
)
def test_a_due_run_is_tried_three_times_a_slot(
    outcome: Outcome, attempt: int, next_run_at: datetime, counted: int
) -> None:
    """What may pass is tried again, up to three times; then the job waits for its next slot."""
    settled = settle(replace(CLAIM, attempt=attempt), outcome, now=NOW)
    assert (settled.next_run_at, settled.attempt) == (next_run_at, counted)


@pytest.mark.parametrize("attempt", [1, 2, 3])
@pytest.mark.parametrize("outcome", ANY, ids=_named)
@pytest.mark.parametrize(
    ("due_at", "expected"),
    [
        pytest.param(LATER, LATER, id="before its slot"),
        pytest.param(MORNING, SLOT, id="after its slot"),
        pytest.param(NOW, _minute_of(NOW) + HOUR, id="at its slot"),
        pytest.param(None, _minute_of(CLAIM.started_at) + HOUR, id="without a slot"),
    ],
)
def test_a_manual_run_is_not_tried_again(
    outcome: Outcome, attempt: int, due_at: datetime | None, expected: datetime
) -> None:
    """A person sees the failure; the slot to come stays, one that has passed is done with."""
    claim = replace(CLAIM, trigger=Trigger.MANUAL, attempt=attempt, due_at=due_at)
    settled = settle(claim, outcome, now=NOW)
    assert (settled.next_run_at, settled.attempt) == (expected, 0)


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("due_at", [MORNING, LATER, None], ids=["past", "to come", "none"])
def test_an_interruption_leaves_the_job_as_due_as_it_was(
    trigger: Trigger, due_at: datetime | None
) -> None:
    """A signal is no failure: the slot, the attempts and the failures are as before the claim."""
    claim = replace(CLAIM, trigger=trigger, due_at=due_at, attempt=2)
    settled = settle(claim, Interrupted(), now=NOW)
    assert (settled.status, settled.next_run_at) == (Status.INTERRUPTED, due_at)
    assert (settled.attempt, settled.consecutive_failures) == (1, 4)


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize(
    ("outcome", "status", "failures", "error"),
    [
        pytest.param(SUCCESS, Status.SUCCESS, 0, None, id="success"),
        pytest.param(SKIPPED, Status.SKIPPED, 0, "no such type", id="skipped"),
        pytest.param(TRANSIENT, Status.FAILED, 5, "server down", id="transient"),
        pytest.param(PERMANENT, Status.FAILED, 5, "wrong key", id="permanent"),
        pytest.param(
            ABANDONED,
            Status.ABANDONED,
            5,
            "the process on here died or froze; its lease ran out",
            id="abandoned",
        ),
    ],
)
def test_a_run_is_recorded_as_what_it_was(
    trigger: Trigger, outcome: Outcome, status: Status, failures: int, error: str | None
) -> None:
    """Failures and deaths count up, everything else starts the count anew."""
    settled = settle(replace(CLAIM, trigger=trigger), outcome, now=NOW)
    assert (settled.status, settled.consecutive_failures) == (status, failures)
    assert settled.error_message == error


@pytest.mark.parametrize("outcome", ANY, ids=_named)
def test_a_job_without_a_slot_gets_one_from_its_start(outcome: Outcome) -> None:
    """A new job is due now; its grid begins where it first started."""
    settled = settle(replace(CLAIM, due_at=None, attempt=3), outcome, now=NOW)
    assert settled.next_run_at == _minute_of(CLAIM.started_at) + HOUR


def test_a_death_before_any_slot_is_tried_again_at_once() -> None:
    """A dead process's job is as due as it was."""
    settled = settle(replace(CLAIM, due_at=None), ABANDONED, now=NOW)
    assert (settled.next_run_at, settled.attempt) == (NOW, 1)


def test_a_retry_never_reaches_past_the_next_slot() -> None:
    """Where the next slot comes before the backoff ends, the slot is the retry."""
    claim = replace(CLAIM, attempt=2, timing=Timing(schedule=Every(MINUTE)))
    assert settle(claim, TRANSIENT, now=NOW).next_run_at == MORNING + MINUTE


@pytest.mark.parametrize("result", [None, {}, {"entities": [1]}])
def test_what_a_failed_run_did_all_the_same_is_kept(result: dict[str, Any] | None) -> None:
    """A failure of one entity does not hide what was done for the others."""
    assert settle(CLAIM, replace(TRANSIENT, result=result), now=NOW).result == result
    assert settle(CLAIM, Success(result or {}), now=NOW).result == (result or {})


def test_a_job_ticked_late_every_time_stays_on_its_grid() -> None:
    """Ticks that come late and runs that take long shift no slot: 100 hours later it is on time."""
    due = MORNING
    for tick in range(100):
        started = due + timedelta(seconds=7 + tick % 50)
        claim = replace(CLAIM, due_at=due, started_at=started)
        settled = settle(claim, SUCCESS, now=started + timedelta(minutes=tick % 45))
        assert settled.next_run_at is not None
        due = settled.next_run_at
    assert due == MORNING + 100 * HOUR


def test_slots_missed_in_a_long_sleep_are_skipped() -> None:
    """After a weekend without a tick the job runs once and goes on with its grid."""
    claim = replace(CLAIM, started_at=MORNING + timedelta(days=2, minutes=25))
    settled = settle(claim, SUCCESS, now=MORNING + timedelta(days=2, minutes=26))
    assert settled.next_run_at == MORNING + timedelta(days=2, hours=1)


def test_a_dry_run_is_shown_as_the_run_it_would_have_been() -> None:
    """A dry run has no id, and the status, times and result of a real one."""
    run = unrecorded(CLAIM, SUCCESS, now=NOW)
    assert (run.id, run.status, run.trigger, run.attempt) == ("", "success", "due", 1)
    assert (run.started_at, run.finished_at, run.duration_ms) == (CLAIM.started_at, NOW, 20_000)
    assert (run.result, run.error_message, run.bot_id) == ({"rows": 1}, None, "helper")


def test_a_retry_does_not_move_the_grid() -> None:
    """The next slot follows the one that failed, not the moment at which it was tried again."""
    failed = settle(CLAIM, TRANSIENT, now=NOW)
    again = replace(CLAIM, due_at=failed.next_run_at, slot_at=failed.slot_at, attempt=2)
    done = settle(again, SUCCESS, now=NOW + 2 * MINUTE)
    assert (done.next_run_at, done.slot_at) == (SLOT, None)


def test_a_manual_failure_leaves_a_pending_retry_as_it_is() -> None:
    """A person who tries in between takes nothing from the tries of the slot."""
    retrying = replace(CLAIM, due_at=LATER, slot_at=MORNING, attempt=3, trigger=Trigger.MANUAL)
    failed = settle(retrying, PERMANENT, now=NOW)
    assert (failed.next_run_at, failed.slot_at, failed.attempt) == (LATER, MORNING, 2)


def test_a_manual_success_takes_the_place_of_a_pending_retry() -> None:
    """What was to be tried again is done."""
    retrying = replace(CLAIM, due_at=LATER, slot_at=MORNING, attempt=3, trigger=Trigger.MANUAL)
    done = settle(retrying, SUCCESS, now=NOW)
    assert (done.next_run_at, done.slot_at, done.attempt) == (SLOT, None, 0)
