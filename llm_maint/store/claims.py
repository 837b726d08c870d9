"""Claims that are held: renewed, fenced, recorded, rescued. Every statement is guarded by one."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from llm_maint.domain.runs import Abandoned, Claim, Run, Status, Trigger
from llm_maint.domain.settlement import Settlement, milliseconds, settle
from llm_maint.errors import ClaimLostError
from llm_maint.store.columns import UtcTime, moment
from llm_maint.store.listing import as_run
from llm_maint.store.queue import as_claim
from llm_maint.store.tables import held, jobs, runs


def renew(connection: Connection, claim: Claim, *, now: datetime, lease: timedelta) -> bool:
    """Let the lease of a claim begin anew; return whether the claim was still held."""
    statement = sa.update(jobs).where(*_held(claim, now=now)).values(lease_expires_at=now + lease)
    return connection.execute(statement).rowcount == 1


def fence(connection: Connection, claim: Claim, *, now: datetime) -> None:
    """Refuse to commit for a claim that is no longer held; nobody can take it until we commit.

    Raises:
        ClaimLostError: the lease ran out, so another process may be doing the work.

    """
    query = sa.select(jobs.c.id).where(*_held(claim, now=now)).with_for_update()
    if connection.execute(query).one_or_none() is None:
        raise ClaimLostError


def rescue_expired(connection: Connection, *, now: datetime) -> list[Run]:
    """Take back the claims whose lease has run out; return their runs.

    They are abandoned, and the jobs due at once; after the last attempt they have failed.
    """
    query = (
        sa.select(jobs)
        .where(held, jobs.c.lease_expires_at <= now)
        .order_by(jobs.c.id)
        .with_for_update(skip_locked=True)
    )
    rescued = []
    for job in connection.execute(query).mappings().all():
        run = connection.execute(sa.select(runs).where(runs.c.id == job["claim_run_id"]))
        started = run.mappings().one_or_none()
        claim = _lost_claim(job, started, now=now)
        _settle_job(connection, claim, settle(claim, Abandoned(), now=now))
        _settle_run(connection, claim, settle(claim, Abandoned(), now=now), now=now)
        if started is not None:
            rescued.append(_read_run(connection, claim.run_id))
    return rescued


def record(connection: Connection, claim: Claim, settlement: Settlement, *, now: datetime) -> Run:
    """Write what became of a claim, if it is still held; return its run.

    A claim that was rescued meanwhile is somebody else's by now: its run stays as it was settled
    then. Where the job itself was deleted meanwhile, its run is still completed.
    """
    if _settle_job(connection, claim, settlement) or _is_gone(connection, claim):
        run = _settle_run(connection, claim, settlement, now=now)
        if run is not None:
            return run
    return _read_run(connection, claim.run_id)


def _held(claim: Claim, *, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        jobs.c.id == claim.job_id,
        jobs.c.claim_run_id == claim.run_id,
        jobs.c.lease_expires_at > now,
    )


def _is_gone(connection: Connection, claim: Claim) -> bool:
    query = sa.select(jobs.c.id).where(jobs.c.id == claim.job_id)
    return connection.execute(query).one_or_none() is None


def _lost_claim(job: RowMapping, run: RowMapping | None, *, now: datetime) -> Claim:
    """Return the claim that a dead process held, from what it wrote when it took it."""
    trigger = Trigger(run["trigger"]) if run else Trigger.DUE
    started_at = run["started_at"] if run else now
    host = (run["host"] if run else None) or "an unknown host"
    return as_claim(job, job["claim_run_id"], trigger, now=started_at or now, host=host)


def _settle_job(connection: Connection, claim: Claim, settlement: Settlement) -> bool:
    """Hand the job back, with its next time; return whether the claim was still held."""
    # Somebody who set another time while the job ran wants it run at that time, with all its tries.
    still_due = _is(jobs.c.next_run_at, claim.due_at)
    other_slot = sa.case((_is(jobs.c.slot_at, claim.slot_at), None), else_=jobs.c.slot_at)
    next_run_at = sa.literal(settlement.next_run_at, UtcTime())
    slot_at = sa.literal(settlement.slot_at, UtcTime())
    statement = (
        sa.update(jobs)
        .where(jobs.c.id == claim.job_id, jobs.c.claim_run_id == claim.run_id)
        .values(
            claim_run_id=None,
            lease_expires_at=None,
            next_run_at=sa.case((still_due, next_run_at), else_=jobs.c.next_run_at),
            slot_at=sa.case((still_due, slot_at), else_=other_slot),
            attempt=sa.case((still_due, settlement.attempt), else_=0),
            consecutive_failures=settlement.consecutive_failures,
            last_status=settlement.status,
        )
    )
    return connection.execute(statement).rowcount == 1


def _settle_run(
    connection: Connection, claim: Claim, settlement: Settlement, *, now: datetime
) -> Run | None:
    statement = (
        sa.update(runs)
        .where(runs.c.id == claim.run_id, runs.c.status == Status.RUNNING)
        .values(
            status=settlement.status,
            finished_at=now,
            duration_ms=milliseconds(now - claim.started_at),
            result_json=settlement.result,
            error_message=settlement.error_message,
        )
        .returning(*runs.c)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return as_run(row) if row is not None else None


def _is(column: sa.Column[datetime], time: datetime | None) -> sa.ColumnElement[bool]:
    return moment(column).is_not_distinct_from(moment(sa.literal(time, UtcTime())))


def _read_run(connection: Connection, run_id: str) -> Run:
    return as_run(connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one())
