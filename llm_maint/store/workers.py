"""Processes that share in the run of another: joining it, keeping their part, leaving."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.runs import Claim, Trigger
from llm_maint.errors import ClaimLostError
from llm_maint.store.due import FRESH_SECONDS
from llm_maint.store.queue import as_claim
from llm_maint.store.tables import free_items, held, jobs, runs, share_items, share_workers, shares

FRESH = timedelta(seconds=FRESH_SECONDS)
"""How long a run is open to whoever comes; later on to hosts that have no process at it yet.

Ticks of several hosts, or started together, share a run; the next ticks of the same host, while it
goes on, do not pile up behind one model server.
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that shares in the run of another; `claim` is the claim of that one."""

    id: str
    claim: Claim


def join(
    connection: Connection,
    *,
    now: datetime,
    lease: timedelta,
    host: str,
    job_id: str | None = None,
    but: Sequence[str] = (),
) -> Worker | None:
    """Take part in a run that is open to this host; None where there is none.

    Only in one of the job `job_id`, if given; in none of those of `but`.
    """
    query = (
        sa.select(jobs, runs.c.trigger)
        .join(shares, shares.c.run_id == jobs.c.claim_run_id)
        .join(runs, runs.c.id == jobs.c.claim_run_id)
        .where(held, jobs.c.lease_expires_at > now, _open_to(host, now=now))
        .where(_one_is_free)
        .order_by(jobs.c.priority.desc(), shares.c.opened_at)
        .limit(1)
    )
    if job_id is not None:
        query = query.where(jobs.c.id == job_id)
    if but:
        query = query.where(shares.c.run_id.not_in(but))
    job = connection.execute(query).mappings().one_or_none()
    if job is None:
        return None
    worker = uuid4().hex
    values = {"id": worker, "run_id": job["claim_run_id"], "host": host}
    connection.execute(share_workers.insert().values(**values, lease_expires_at=now + lease))
    trigger = Trigger(job["trigger"])
    claim = as_claim(job, job["claim_run_id"], trigger, now=job["last_run_at"], host=host)
    return Worker(worker, claim)


def may_open(connection: Connection, job_types: Sequence[str], *, now: datetime) -> bool:
    """Return whether some job has just begun and has not told yet whether it shares its run."""
    query = (
        sa.select(jobs.c.id)
        .where(held, jobs.c.lease_expires_at > now, jobs.c.last_run_at > now - FRESH)
        .where(jobs.c.job_type.in_(job_types))
        .where(~sa.exists().where(shares.c.run_id == jobs.c.claim_run_id))
    )
    return connection.execute(query.limit(1)).first() is not None


def renew(connection: Connection, worker: Worker, *, now: datetime, lease: timedelta) -> bool:
    """Let the lease of a worker begin anew; return whether its run still goes on."""
    statement = (
        sa.update(share_workers)
        .where(share_workers.c.id == worker.id, share_workers.c.lease_expires_at > now)
        .where(sa.exists().where(jobs.c.claim_run_id == worker.claim.run_id))
        .values(lease_expires_at=now + lease)
    )
    return connection.execute(statement).rowcount == 1


def fence(connection: Connection, worker: Worker, *, now: datetime) -> None:
    """Refuse to commit for a worker that outlived its lease, or its run.

    Raises:
        ClaimLostError: what it had taken may be somebody else's by now.

    """
    query = (
        sa.select(share_workers.c.id)
        .join(jobs, jobs.c.claim_run_id == share_workers.c.run_id)
        .where(share_workers.c.id == worker.id, share_workers.c.lease_expires_at > now)
        .where(jobs.c.lease_expires_at > now)
        .with_for_update(of=share_workers)
    )
    if connection.execute(query).one_or_none() is None:
        raise ClaimLostError


def leave(connection: Connection, worker: Worker) -> None:
    """Hand back what a worker had taken and not done."""
    connection.execute(
        sa.update(share_items)
        .where(share_items.c.run_id == worker.claim.run_id, share_items.c.worker == worker.id)
        .where(share_items.c.done_at.is_(None))
        .values(worker=None)
    )
    connection.execute(sa.delete(share_workers).where(share_workers.c.id == worker.id))


# Of the first alone: asked whether any exists, the server may read them all.
_one_is_free = (
    sa.select(sa.true())
    .where(share_items.c.run_id == shares.c.run_id, free_items)
    .limit(1)
    .correlate(shares)
    .scalar_subquery()
)


def _open_to(host: str, *, now: datetime) -> sa.ColumnElement[bool]:
    """Return whether a run, joined with its share, is open to a host; see `FRESH`."""
    at_it = sa.exists().where(
        share_workers.c.run_id == shares.c.run_id,
        share_workers.c.host == host,
        share_workers.c.lease_expires_at > now,
    )
    return sa.or_(shares.c.opened_at > now - FRESH, ~sa.or_(at_it, runs.c.host == host))
