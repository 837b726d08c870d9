"""What follows from an outcome: every retry and rescheduling decision is here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from llm_maint.domain.runs import (
    Abandoned,
    Claim,
    Failure,
    Interrupted,
    Outcome,
    Run,
    Skipped,
    Status,
    Success,
    Trigger,
)
from llm_maint.domain.schedule import backoff
from llm_maint.errors import ExitCode

MAX_ATTEMPTS = 3
"""Attempts at one slot, crashes included, before a job waits for its next regular slot."""

MAX_ERROR_CHARS = 4_000
"""What is kept of an error message: enough to act on, whatever a server answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What `store.claims.record` writes: of the run (first three), of the job (the rest)."""

    status: Status
    result: Mapping[str, Any] | None
    error_message: str | None
    next_run_at: datetime | None
    attempt: int
    consecutive_failures: int
    slot_at: datetime | None = None


def unrecorded(claim: Claim, outcome: Outcome, *, now: datetime) -> Run:
    """Return the run that a dry run of a claim would have been; its id is empty."""
    settlement = settle(claim, outcome, now=now)
    run = settled(claim, settlement, scheduled_for=claim.scheduled_for, now=now)
    return replace(run, id="")


def settled(
    claim: Claim, settlement: Settlement, *, scheduled_for: datetime | None, now: datetime
) -> Run:
    """Return the run of a claim as it is once it is settled."""
    return Run(
        id=claim.run_id,
        job_id=claim.job_id,
        job_name=claim.job_name,
        job_type=claim.job_type,
        bot_id=claim.bot_id,
        status=settlement.status,
        attempt=claim.attempt,
        trigger=claim.trigger,
        host=claim.host,
        started_at=claim.started_at,
        finished_at=now,
        duration_ms=milliseconds(now - claim.started_at),
        result=storable(settlement.result),
        error_message=settlement.error_message,
        scheduled_for=scheduled_for,
    )


def exit_code_of(outcome: Outcome) -> ExitCode:
    """Return the exit code of a command that ran one job to this outcome."""
    match outcome:
        case Failure(exit_code=code):
            return code
        case Success(held=True):
            return ExitCode.HELD
        case _:
            return ExitCode.OK


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code of a command that ran several jobs.

    Failures of one kind keep their code; of several kinds they are 1: "at least one job failed".
    """
    found = set(codes) - {ExitCode.OK}
    failed = found - {ExitCode.HELD}
    if not failed:
        return ExitCode.HELD if found else ExitCode.OK
    return failed.pop() if len(failed) == 1 else ExitCode.JOB_FAILED


def milliseconds(duration: timedelta) -> int:
    """Return a duration in whole milliseconds; a clock that was set back makes none negative."""
    return max(round(duration / timedelta(milliseconds=1)), 0)


def settle(claim: Claim, outcome: Outcome, *, now: datetime) -> Settlement:
    """Return what an outcome means for the run and for the job's next firing.

    Policy: success and "skipped" wait for the next slot; a transient failure is tried again after
    a backoff that never reaches past that slot, a permanent one is not; a death is tried again at
    once; either is tried `MAX_ATTEMPTS` times a slot, and the last death counts as a failure. An
    interruption changes nothing: the job is as due as it was. A manual run is not tried again by
    itself; it leaves a slot that is still to come as it is, and a pending retry too, unless it
    succeeds in its place.
    """
    match outcome:
        case Success(result=result):
            return _settled(claim, Status.SUCCESS, now=now, result=result)
        case Skipped(reason=reason):
            return _settled(claim, Status.SKIPPED, now=now, error=reason)
        case Failure(error=error, transient=transient, result=result):
            retry_at = now + backoff(claim.attempt) if transient else None
            return _failed(claim, Status.FAILED, retry_at, now=now, error=error, result=result)
        case Abandoned():
            return _abandoned(claim, now=now)
        case Interrupted():
            return Settlement(
                status=Status.INTERRUPTED,
                result=None,
                error_message="interrupted by a signal; the claim was handed back",
                next_run_at=claim.due_at,
                attempt=claim.attempt - 1,
                consecutive_failures=claim.consecutive_failures,
                slot_at=claim.slot_at,
            )


def _settled(
    claim: Claim,
    status: Status,
    *,
    now: datetime,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> Settlement:
    return Settlement(
        status=status,
        result=result,
        error_message=error and shortened(error),
        attempt=0,
        consecutive_failures=0,
        **_following(claim, now=now),
    )


def _abandoned(claim: Claim, *, now: datetime) -> Settlement:
    error = f"the process on {claim.host} died or froze; its lease ran out"
    if claim.trigger is Trigger.DUE and claim.attempt >= MAX_ATTEMPTS:
        error = f"{error}, {claim.attempt} times: it waits for its next slot"
        return _failed(claim, Status.FAILED, None, now=now, error=error)
    return _failed(claim, Status.ABANDONED, claim.due_at or now, now=now, error=error)


def _failed(
    claim: Claim,
    status: Status,
    retry_at: datetime | None,
    *,
    now: datetime,
    error: str,
    result: Mapping[str, Any] | None = None,
) -> Settlement:
    settled = replace(
        _settled(claim, status, now=now, result=result, error=error),
        consecutive_failures=claim.consecutive_failures + 1,
    )
    if claim.trigger is Trigger.DUE and retry_at and claim.attempt < MAX_ATTEMPTS:
        slot = claim.slot or claim.due_slot
        regular = claim.timing.schedule.next(slot, after=now)
        retry_at = min(retry_at, claim.timing.due_at(claim.job_id, regular))
        return replace(settled, next_run_at=retry_at, attempt=claim.attempt, slot_at=slot)
    if _is_ahead_of_its_time(claim, now=now) and claim.retries:
        pending = claim.attempt - 1
        return replace(settled, next_run_at=claim.due_at, attempt=pending, slot_at=claim.slot_at)
    return settled


def _following(claim: Claim, *, now: datetime) -> dict[str, Any]:
    """Return when the job is due next, and for which slot where that is another moment."""
    if _is_ahead_of_its_time(claim, now=now) and not claim.retries:
        return {"next_run_at": claim.due_at, "slot_at": claim.slot_at}
    if claim.slot is None:
        slot = claim.timing.schedule.next(claim.due_slot, after=now)
    else:
        slot = claim.timing.following(claim.slot, now=now)
    due_at = claim.timing.due_at(claim.job_id, slot)
    return {"next_run_at": due_at, "slot_at": None if due_at == slot else slot}


def _is_ahead_of_its_time(claim: Claim, *, now: datetime) -> bool:
    return claim.trigger is Trigger.MANUAL and claim.due_at is not None and claim.due_at > now


def storable(value: Any) -> Any:  # noqa: ANN401 any JSON value
    """Return a value as JSON that every database can hold: no NUL, half character or NaN.

    What is no JSON, in the result of some package's job, becomes its text.
    """
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [storable(item) for item in value]
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    return storable(str(value))


def shortened(error: str) -> str:
    """Return an error message fit for a database: bounded, of characters that it can hold."""
    clean: str = storable(error)
    if len(clean) <= MAX_ERROR_CHARS:
        return clean
    return f"{clean[:MAX_ERROR_CHARS]} ... ({len(clean):,} characters)"
