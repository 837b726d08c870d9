"""The scheduled jobs as people administer them: find, add, enable, remove."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.errors import JobBusyError, UsageError
from llm_maint.store import dialect, listing
from llm_maint.store.listing import ScheduledJob
from llm_maint.store.tables import jobs


def all_jobs(connection: Connection) -> list[ScheduledJob]:
    """Return every job, in the order of their names."""
    return listing.all_jobs(dialect.source_of(connection))


def find_job(connection: Connection, name: str) -> ScheduledJob:
    """Return the job of a name, an id or a unique start of an id.

    Raises:
        UnknownNameError: there is none, or more than one.

    """
    return listing.find_job(all_jobs(connection), name)


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
