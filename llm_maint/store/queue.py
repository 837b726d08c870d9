"""The queue of jobs: what is due, in which order, and claiming it."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from llm_maint.domain.firing import Misfire
from llm_maint.domain.runs import Claim, Status, Trigger
from llm_maint.store import listing
from llm_maint.store.columns import UtcTime, due_at
from llm_maint.store.dialect import insert_unless_there
from llm_maint.store.tables import jobs, runs, waiting

PAGE = 100
"""Jobs that are put in order at once: however many are due, each claim costs the same."""


class Tick:
    """What one tick claims: the jobs that are due when it begins, each once, one after the other.

    Higher priorities come first, then what was tried least, then what has been due for longest. One
    that kills its process each time so keeps the others waiting only once.
    """

    def __init__(
        self, *, due_by: datetime, lease: timedelta, host: str, job_id: str | None = None
    ) -> None:
        """Begin a tick.

        Args:
            due_by: only jobs due by then, so that a tick ends however long its jobs take.
            lease: how long a claim holds unless it is renewed.
            host: who claims.
            job_id: only this job, if it is due.

        """
        self._due_by = due_by
        self._lease = lease
        self._host = host
        self._job_id = job_id
        self._page: deque[str] = deque()
        self._read_at: datetime | None = None
        self._done: set[str] = set()

    def claim_next(self, connection: Connection, *, now: datetime) -> Claim | None:
        """Claim the next job and open its run; None where none is due any more.

        Args:
            connection: a write transaction; the claim holds when it commits.
            now: the present.

        """
        while self._find(connection, now):
            wanted = [jobs.c.id == self._page.popleft(), *_due(by=self._due_by)]
            claim = _claim(
                connection, wanted, Trigger.DUE, now=now, lease=self._lease, host=self._host
            )
            if claim is not None:
                if not _is_made_up_for(claim, by=self._due_by):
                    self._done.add(claim.job_id)
                return claim
        return None

    def _find(self, connection: Connection, now: datetime) -> bool:
        """See to it that the page holds jobs, and that what became due since has its turn."""
        if self._read_at is None or now - self._read_at > _STALE:
            self._page.clear()
        if not self._page:
            self._page.extend(self._in_order(connection))
            self._read_at = now
        return bool(self._page)

    def _in_order(self, connection: Connection) -> list[str]:
        wanted = _due(by=self._due_by)
        if self._job_id is not None:
            wanted.append(jobs.c.id == self._job_id)
        size = PAGE
        while True:
            query = sa.select(jobs.c.id).where(*wanted).order_by(*_ORDER).limit(size)
            found = list(connection.execute(query).scalars())
            fresh = [job_id for job_id in found if job_id not in self._done]
            if fresh or len(found) < size:
                return fresh
            size *= 4  # a page of jobs that became due again while they ran


_STALE = timedelta(seconds=1)


def claim_now(
    connection: Connection, job_id: str, *, now: datetime, lease: timedelta, host: str
) -> Claim | None:
    """Claim one job, due or not, enabled or not; None where another process holds it."""
    wanted = [jobs.c.id == job_id, jobs.c.claim_run_id.is_(None)]
    return _claim(connection, wanted, Trigger.MANUAL, now=now, lease=lease, host=host)


def next_due_at(connection: Connection) -> datetime | None:
    """Return when the next enabled job is due, None where there is none or one is due now."""
    query = sa.select(jobs.c.next_run_at).where(waiting).order_by(due_at(jobs.c.next_run_at))
    found: datetime | None = connection.execute(query.limit(1)).scalar_one_or_none()
    return found


def due(connection: Connection, *, now: datetime, job_id: str | None = None) -> list[Claim]:
    """Return the jobs that are due, as claims that nobody holds: for a dry run."""
    query = sa.select(jobs).where(*_due(by=now))
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
    timing, problem = listing.timing_of(job)
    return Claim(
        run_id=run_id,
        job_id=job["id"],
        job_name=job["name"] or job["job_type"],
        job_type=job["job_type"],
        bot_id=job["bot_id"],
        config=listing.config_of(job),
        timing=timing,
        due_at=job["next_run_at"],
        attempt=job["attempt"],
        consecutive_failures=job["consecutive_failures"],
        trigger=trigger,
        host=host,
        started_at=now,
        slot_at=job["slot_at"],
        problem=problem,
    )


_ORDER = (jobs.c.priority.desc(), jobs.c.attempt, due_at(jobs.c.next_run_at), jobs.c.id)


def _due(*, by: datetime) -> list[sa.ColumnElement[bool]]:
    # What somebody wrote that is no time is due, too: the run puts a time in its place.
    return [waiting, due_at(jobs.c.next_run_at) <= due_at(sa.literal(by, UtcTime()))]


def _is_made_up_for(claim: Claim, *, by: datetime) -> bool:
    """Return whether a job has more slots that were missed, each of which is to be run."""
    if claim.timing.misfire is not Misfire.ALL or claim.slot is None:
        return False
    return claim.slot < claim.timing.following(claim.slot, now=claim.started_at) <= by


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
    free = sa.select(jobs.c.id).where(*wanted).with_for_update(skip_locked=True)
    statement = (
        sa.update(jobs)
        .where(jobs.c.id == free.scalar_subquery())
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
    run = {
        "id": claim.run_id,
        "job_id": claim.job_id,
        "job_name": claim.job_name,
        "job_type": claim.job_type,
        "bot_id": claim.bot_id,
        "status": Status.RUNNING,
        "started_at": claim.started_at,
        "attempt": claim.attempt,
        "trigger": claim.trigger,
        "host": claim.host,
        "scheduled_for": claim.scheduled_for,
    }
    if not insert_unless_there(connection, runs, run):
        # Somebody set the job back to a slot that it has fired for: a run, but no firing of it.
        connection.execute(runs.insert().values({**run, "scheduled_for": None}))
