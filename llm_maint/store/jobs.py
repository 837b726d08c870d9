"""The scheduled jobs as people administer them: list, find, add, enable, remove."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from llm_maint.domain.nearest import unknown
from llm_maint.errors import JobBusyError, UnknownNameError, UsageError
from llm_maint.store.tables import jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledJob:
    """A row of `scheduled_jobs`; `name` falls back to the job type."""

    id: str
    name: str
    job_type: str
    bot_id: str | None
    enabled: bool
    interval: timedelta
    last_run_at: datetime | None
    next_run_at: datetime | None
    last_status: str | None
    consecutive_failures: int
    config: Mapping[str, Any] | None
    claim_run_id: str | None
    lease_expires_at: datetime | None

    def is_running(self, *, now: datetime) -> bool:
        """Return whether a process holds the job; one that died holds it until its lease ends."""
        if self.claim_run_id is None or self.lease_expires_at is None:
            return False
        return self.lease_expires_at > now


def all_jobs(connection: Connection) -> list[ScheduledJob]:
    """Return every job, in the order of their names."""
    rows = connection.execute(sa.select(jobs)).mappings()
    return sorted(map(_as_job, rows), key=lambda job: (job.name, job.id))


def find_job(connection: Connection, name: str) -> ScheduledJob:
    """Return the job of a name, an id or a unique start of an id.

    Raises:
        UnknownNameError: there is none, or more than one.

    """
    found = all_jobs(connection)
    for matches in (
        [job for job in found if job.id == name],
        [job for job in found if job.name == name],
        [job for job in found if name and job.id.startswith(name)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(job.id[:8] for job in matches)
            raise UnknownNameError(f"more than one job is called {name!r}: give its id ({ids})")
    raise unknown("job", name, (job.name for job in found))


def add_job(
    connection: Connection,
    *,
    job_type: str,
    name: str,
    interval: timedelta,
    bot_id: str | None,
    config: Mapping[str, Any],
    now: datetime,
    enabled: bool = True,
) -> ScheduledJob:
    """Add a job that is due at once.

    Raises:
        UsageError: a job of that name is there already.

    """
    if any(job.name == name for job in all_jobs(connection)):
        raise UsageError(f"there is a job {name!r} already; give this one another --name")
    job_id = uuid4().hex
    connection.execute(
        jobs.insert().values(
            id=job_id,
            job_type=job_type,
            name=name,
            bot_id=bot_id,
            enabled=enabled,
            interval_minutes=interval // timedelta(minutes=1),
            created_at=now,
            config_json=dict(config),
        )
    )
    return find_job(connection, job_id)


def set_enabled(connection: Connection, job: ScheduledJob, *, enabled: bool) -> None:
    """Let a job run when it is due, or not."""
    connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(enabled=enabled))


def remove_job(connection: Connection, job: ScheduledJob, *, now: datetime) -> None:
    """Remove a job that is not running; its past runs stay.

    Raises:
        JobBusyError: it is running.

    """
    free = sa.or_(jobs.c.claim_run_id.is_(None), jobs.c.lease_expires_at <= now)
    statement = sa.delete(jobs).where(jobs.c.id == job.id, free)
    if connection.execute(statement).rowcount == 0:
        raise JobBusyError(f"{job.name} is running now; remove it when it has ended")


def interval_of(row: Mapping[Any, Any] | RowMapping) -> timedelta:
    """Return a job's interval; an hour where SQLite let somebody write something else."""
    minutes = row["interval_minutes"]
    if not isinstance(minutes, int) or minutes <= 0:
        return timedelta(hours=1)
    return timedelta(minutes=min(minutes, _LONGEST_MINUTES))


_LONGEST_MINUTES = 100 * 366 * 24 * 60


def config_of(row: Mapping[Any, Any] | RowMapping) -> Mapping[str, Any] | None:
    """Return a job's configuration; None where the row holds something that is no JSON object."""
    config = row["config_json"]
    if config is None:
        return {}
    return config if isinstance(config, dict) else None


def _as_job(row: RowMapping) -> ScheduledJob:
    return ScheduledJob(
        id=row["id"],
        name=row["name"] or row["job_type"],
        job_type=row["job_type"],
        bot_id=row["bot_id"],
        enabled=row["enabled"],
        interval=interval_of(row),
        last_run_at=row["last_run_at"],
        next_run_at=row["next_run_at"],
        last_status=row["last_status"],
        consecutive_failures=row["consecutive_failures"],
        config=config_of(row),
        claim_run_id=row["claim_run_id"],
        lease_expires_at=row["lease_expires_at"],
    )
