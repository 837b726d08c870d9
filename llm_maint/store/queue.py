"""The queue of jobs: claim, renew, rescue, record. Every statement is guarded by the claim."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from llm_maint.domain.runs import Abandoned, Claim, Run, Status, Trigger
from llm_maint.domain.settlement import Settlement, milliseconds, settle
from llm_maint.errors import ClaimLostError
from llm_maint.store.columns import UtcTime, moment
from llm_maint.store.listing import as_run, config_of, interval_of
from llm_maint.store.tables import jobs, runs


def claim_next(
    connection: Connection,
    *,
    now: datetime,
    due_by: datetime,
    lease: timedelta,
    host: str,
    job_id: str | None = None,
    besides: Collection[str] = (),
) -> Claim | None:
    """Claim the job that has been due for longest and open its run; None where none is due.

    Args:
        connection: a write transaction; the claim holds when it commits.
        now: the present.
        due_by: only jobs due by then, so that a tick ends however long its jobs take.
        lease: how long the claim holds unless it is renewed.
        host: who claims.
        job_id: only this job, if it is due.
        besides: not these jobs: a tick runs each at most once, so that it ends.

    """
    wanted = [jobs.c.enabled, _due(by=due_by), jobs.c.id.not_in(besides)]
    if job_id is not None:
        wanted.append(jobs.c.id == job_id)
    return _claim(connection, wanted, Trigger.DUE, now=now, lease=lease, host=host)


def claim_now(
    connection: Connection, job_id: str, *, now: datetime, lease: timedelta, host: str
) -> Claim | None:
    """Claim one job, due or not, enabled or not; None where another process holds it."""
    wanted = [jobs.c.id == job_id]
    return _claim(connection, wanted, Trigger.MANUAL, now=now, lease=lease, host=host)


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
    """Take back the claims whose lease has run out; return their runs, now abandoned."""
    query = (
        sa.select(jobs)
        .where(jobs.c.claim_run_id.is_not(None), jobs.c.lease_expires_at <= now)
        .order_by(jobs.c.id)
        .with_for_update(skip_locked=True)
    )
    rescued = []
    for job in connection.execute(query).mappings().all():
        run = connection.execute(sa.select(runs).where(runs.c.id == job["claim_run_id"]))
        started = run.mappings().one_or_none()
        claim = _lost_claim(job, started, now=now)
        _write(connection, claim, settle(claim, Abandoned(), now=now), now=now)
        if started is not None:
            rescued.append(_read_run(connection, claim.run_id))
    return rescued


def record(connection: Connection, claim: Claim, settlement: Settlement, *, now: datetime) -> Run:
    """Write what became of a claim, if it is still held; return its run.

    A claim that was rescued meanwhile is somebody else's by now: its run stays `abandoned`. Where
    the job itself was deleted meanwhile, its run is still completed.
    """
    query = sa.select(jobs.c.claim_run_id).where(jobs.c.id == claim.job_id).with_for_update()
    holder = connection.execute(query).one_or_none()
    if holder is None or holder.claim_run_id == claim.run_id:
        _write(connection, claim, settlement, now=now)
    return _read_run(connection, claim.run_id)


def next_due_at(connection: Connection) -> datetime | None:
    """Return when the next enabled job is due, None where there is none or one is due now."""
    waiting = (jobs.c.enabled, jobs.c.claim_run_id.is_(None))
    query = sa.select(jobs.c.next_run_at).where(*waiting)
    found = list(connection.execute(query).scalars())
    return None if None in found else min(found, default=None)


def due(connection: Connection, *, now: datetime, job_id: str | None = None) -> list[Claim]:
    """Return the jobs that are due, as claims that nobody holds: for a dry run."""
    query = sa.select(jobs).where(
        jobs.c.enabled,
        jobs.c.claim_run_id.is_(None),
        _due(by=now),
    )
    if job_id is not None:
        query = query.where(jobs.c.id == job_id)
    found = connection.execute(query.order_by(*_ORDER)).mappings()
    return [as_claim(row, "", Trigger.DUE, now=now, host="") for row in found]


def unclaimed(connection: Connection, job_id: str, *, now: datetime) -> Claim:
    """Return a job as a claim that nobody holds: for a dry run."""
    job = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).mappings().one()
    return as_claim(job, "", Trigger.MANUAL, now=now, host="")


def as_claim(
    job: Mapping[Any, Any] | RowMapping, run_id: str, trigger: Trigger, *, now: datetime, host: str
) -> Claim:
    """Return a job's row as a claim."""
    return Claim(
        run_id=run_id,
        job_id=job["id"],
        job_name=job["name"] or job["job_type"],
        job_type=job["job_type"],
        bot_id=job["bot_id"],
        config=config_of(job),
        interval=interval_of(job),
        due_at=job["next_run_at"],
        attempt=job["attempt"],
        consecutive_failures=job["consecutive_failures"],
        trigger=trigger,
        host=host,
        started_at=now,
        slot_at=job["slot_at"],
    )


_ORDER = (moment(jobs.c.next_run_at).asc().nulls_first(), jobs.c.id)


def _due(*, by: datetime) -> sa.ColumnElement[bool]:
    # What somebody wrote that is no time is due, too: the run puts a time in its place.
    due_at = moment(jobs.c.next_run_at)
    return sa.or_(due_at.is_(None), due_at <= moment(sa.literal(by, UtcTime())))


def _claim(
    connection: Connection,
    wanted: list[sa.ColumnElement[bool]],
    trigger: Trigger,
    *,
    now: datetime,
    lease: timedelta,
    host: str,
) -> Claim | None:
    run_id = uuid4().hex
    free = (
        sa.select(jobs.c.id)
        .where(jobs.c.claim_run_id.is_(None), *wanted)
        .order_by(*_ORDER)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        sa.update(jobs)
        .where(jobs.c.id == free)
        .values(
            claim_run_id=run_id,
            lease_expires_at=now + lease,
            last_run_at=now,
            attempt=jobs.c.attempt + 1,
        )
        .returning(*jobs.c)
    )
    job = connection.execute(statement).mappings().one_or_none()
    if job is None:
        return None
    claim = as_claim(job, run_id, trigger, now=now, host=host)
    _open_run(connection, claim)
    return claim


def _open_run(connection: Connection, claim: Claim) -> None:
    connection.execute(
        runs.insert().values(
            id=claim.run_id,
            job_id=claim.job_id,
            job_name=claim.job_name,
            job_type=claim.job_type,
            bot_id=claim.bot_id,
            status=Status.RUNNING,
            started_at=claim.started_at,
            attempt=claim.attempt,
            trigger=claim.trigger,
            host=claim.host,
        )
    )


def _held(claim: Claim, *, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        jobs.c.id == claim.job_id,
        jobs.c.claim_run_id == claim.run_id,
        jobs.c.lease_expires_at > now,
    )


def _lost_claim(job: RowMapping, run: RowMapping | None, *, now: datetime) -> Claim:
    """Return the claim that a dead process held, from what it wrote when it took it."""
    trigger = Trigger(run["trigger"]) if run else Trigger.DUE
    started_at = run["started_at"] if run else now
    host = (run["host"] if run else None) or "an unknown host"
    return as_claim(job, job["claim_run_id"], trigger, now=started_at or now, host=host)


def _write(connection: Connection, claim: Claim, settlement: Settlement, *, now: datetime) -> None:
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == claim.job_id, jobs.c.claim_run_id == claim.run_id)
        .values(
            claim_run_id=None,
            lease_expires_at=None,
            # Somebody who set another time while the job ran wants it run at that time.
            next_run_at=sa.case(
                (_still_due(claim), sa.literal(settlement.next_run_at, UtcTime())),
                else_=jobs.c.next_run_at,
            ),
            slot_at=sa.case(
                (_still_due(claim), sa.literal(settlement.slot_at, UtcTime())), else_=None
            ),
            attempt=settlement.attempt,
            consecutive_failures=settlement.consecutive_failures,
            last_status=settlement.status,
        )
    )
    connection.execute(
        sa.update(runs)
        .where(runs.c.id == claim.run_id, runs.c.status == Status.RUNNING)
        .values(
            status=settlement.status,
            finished_at=now,
            duration_ms=milliseconds(now - claim.started_at),
            result_json=settlement.result,
            error_message=settlement.error_message,
        )
    )


def _still_due(claim: Claim) -> sa.ColumnElement[bool]:
    due_at = moment(sa.literal(claim.due_at, UtcTime()))
    return moment(jobs.c.next_run_at).is_not_distinct_from(due_at)


def _read_run(connection: Connection, run_id: str) -> Run:
    return as_run(connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one())
