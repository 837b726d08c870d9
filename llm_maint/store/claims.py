"""Claims that are held: renewed, fenced, recorded, rescued. Every statement is guarded by one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from llm_maint.domain.runs import Abandoned, Claim, Run, Trigger
from llm_maint.domain.settlement import Settlement, milliseconds, settle, settled
from llm_maint.errors import ClaimLostError
from llm_maint.store.driver import Source
from llm_maint.store.listing import as_run
from llm_maint.store.queue import as_claim
from llm_maint.store.words import Answer, Query, Row, ask, ask_together, change, document

_HELD = "id = {job_id} AND claim_run_id = {run_id} AND lease_expires_at > {now}"


def renew(source: Source, claim: Claim, *, now: datetime, lease: timedelta) -> bool:
    """Let the lease of a claim begin anew; return whether the claim was still held."""
    query = f"UPDATE {{jobs}} SET lease_expires_at = {{until}} WHERE {_HELD}"  # noqa: S608
    named = {"job_id": claim.job_id, "run_id": claim.run_id}
    return change(source, query, **named, now=now, until=now + lease) == 1


def fence(source: Source, claim: Claim, *, now: datetime) -> None:
    """Refuse to commit for a claim that is no longer held; nobody can take it until we commit.

    Raises:
        ClaimLostError: the lease ran out, so another process may be doing the work.

    """
    query = f"SELECT id FROM {{jobs}} WHERE {_HELD} {{for_update}}"  # noqa: S608
    if not ask(source, query, job_id=claim.job_id, run_id=claim.run_id, now=now):
        raise ClaimLostError


def rescue_expired(source: Source, *, now: datetime) -> list[Run]:
    """Take back the claims whose lease has run out; return their runs.

    They are abandoned, and the jobs due at once; after the last attempt they have failed.
    """
    query = (
        "SELECT * FROM {jobs} WHERE claim_run_id IS NOT NULL AND lease_expires_at <= {now} "
        "{skip_locked}"
    )
    rescued = []
    # Put in order here: asked for them in the order of ids, SQLite may read all jobs there are.
    for job in sorted(ask(source, query, now=now), key=lambda job: str(job["id"])):
        started = _run_row(source, job["claim_run_id"])
        claim = _lost_claim(job, started, now=now)
        run = record(source, claim, settle(claim, Abandoned(), now=now), now=now)
        if run is not None:
            rescued.append(run)
    return rescued


def record(source: Source, claim: Claim, settlement: Settlement, *, now: datetime) -> Run | None:
    """Write what became of a claim, if it is still held; return its run, None where it is gone.

    A claim that was rescued meanwhile is somebody else's by now: its run is settled already, and
    stays so. Where the job itself was deleted meanwhile, its run is still completed.
    """
    answers = ask_together(source, *recording(claim, settlement, now=now))
    return recorded(source, claim, settlement, answers, now=now)


def recording(claim: Claim, settlement: Settlement, *, now: datetime) -> tuple[Query, Query]:
    """Return what `record` writes, to be asked together with something else."""
    return (
        (_SETTLE_JOB, _job_values(claim, settlement)),
        (_SETTLE_RUN, _run_values(claim, settlement, now=now)),
    )


def recorded(
    source: Source,
    claim: Claim,
    settlement: Settlement,
    answers: Sequence[Answer],
    *,
    now: datetime,
) -> Run | None:
    """Return the run as it is after `recording` was answered; None where it is gone."""
    _, written = answers
    for row in written.rows:
        return settled(claim, settlement, scheduled_for=row["scheduled_for"], now=now)
    left = _run_row(source, claim.run_id)
    return None if left is None else as_run(left)


def _lost_claim(job: Row, run: Row | None, *, now: datetime) -> Claim:
    """Return the claim that a dead process held, from what it wrote when it took it."""
    trigger = Trigger(run["trigger"]) if run else Trigger.DUE
    started_at = run["started_at"] if run else now
    host = (run["host"] if run else None) or "an unknown host"
    return as_claim(job, job["claim_run_id"], trigger, now=started_at or now, host=host)


# Somebody who set another time while the job ran wants it run at that time, with all its tries.
_SETTLE_JOB = """
UPDATE {jobs} SET
  claim_run_id = NULL, lease_expires_at = NULL,
  next_run_at = CASE WHEN {still_due} THEN {next_run_at} ELSE next_run_at END,
  slot_at = CASE WHEN {still_due} THEN CAST({slot_at} AS {time})
    WHEN NOT {same_slot} THEN slot_at END,
  attempt = CASE WHEN {still_due} THEN CAST({attempt} AS integer) ELSE 0 END,
  consecutive_failures = {consecutive_failures}, last_status = {last_status}
WHERE id = {job_id} AND claim_run_id = {run_id}
"""


def _job_values(claim: Claim, settlement: Settlement) -> dict[str, Any]:
    return {
        "job_id": claim.job_id,
        "run_id": claim.run_id,
        "due_at": claim.due_at,
        "claimed_slot": claim.slot_at,
        "next_run_at": settlement.next_run_at,
        "slot_at": settlement.slot_at,
        "attempt": settlement.attempt,
        "consecutive_failures": settlement.consecutive_failures,
        "last_status": settlement.status.value,
    }


# An interrupted run has fired nothing: its slot is tried again with the same count. Nothing else of
# what is indexed changes, which spares the server four entries for each run.
_SETTLE_RUN = """
UPDATE {runs} SET
  scheduled_for = CASE WHEN {status} <> 'interrupted' THEN scheduled_for END,
  status = {status}, finished_at = {now}, duration_ms = {duration_ms},
  result_json = CAST({result} AS {json}), error_message = {error_message}
WHERE id = {run_id} AND status = 'running'
RETURNING scheduled_for
"""


def _run_values(claim: Claim, settlement: Settlement, *, now: datetime) -> dict[str, Any]:
    return {
        "run_id": claim.run_id,
        "status": settlement.status.value,
        "now": now,
        "duration_ms": milliseconds(now - claim.started_at),
        "result": document(settlement.result),
        "error_message": settlement.error_message,
    }


def _run_row(source: Source, run_id: str) -> Row | None:
    rows = ask(source, "SELECT * FROM {runs} WHERE id = {run_id}", run_id=run_id)
    return rows[0] if rows else None
