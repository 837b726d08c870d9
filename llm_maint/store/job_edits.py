"""Changing the scheduled jobs: add, edit, enable, remove."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.schedule import Cron
from llm_maint.errors import JobBusyError, UsageError
from llm_maint.store.jobs import find_job
from llm_maint.store.listing import CALLED, ScheduledJob
from llm_maint.store.tables import jobs


def add_job(
    connection: Connection,
    *,
    job_type: str,
    name: str,
    timing: Timing,
    bot_id: str | None,
    config: Mapping[str, Any],
    now: datetime,
    enabled: bool = True,
) -> ScheduledJob:
    """Add a job: one with an interval is due at once, one with a cron expression at its time.

    Raises:
        UsageError: a job of that name is there already.

    """
    if connection.execute(sa.select(jobs.c.id).where(_called(name)).limit(1)).first():
        raise UsageError(f"there is a job {name!r} already; give this one another --name")
    job_id = uuid4().hex
    connection.execute(
        jobs.insert().values(
            id=job_id,
            job_type=job_type,
            name=name,
            bot_id=bot_id,
            enabled=enabled,
            created_at=now,
            config_json=dict(config),
            **_columns_of(timing),
            **(_first_slot(job_id, timing, now=now) if isinstance(timing.schedule, Cron) else {}),
        )
    )
    return find_job(connection, job_id)


def edit_job(
    connection: Connection,
    job: ScheduledJob,
    *,
    timing: Timing,
    now: datetime,
    **columns: Any,  # noqa: ANN401 any column that is no part of the timing
) -> ScheduledJob:
    """Change a job. A new schedule counts from its last run; a run under way goes on.

    Raises:
        UsageError: another job has that name.

    """
    name = columns.get("name", job.name)
    same_name = sa.select(jobs.c.id).where(_called(name), jobs.c.id != job.id).limit(1)
    if name != job.name and connection.execute(same_name).first():
        raise UsageError(f"there is a job {name!r} already")
    changed = {**columns, **_columns_of(timing)}
    if timing.schedule != job.timing.schedule:
        changed |= _next_slot(job, timing, now=now)
    elif timing.jitter != job.timing.jitter:
        changed |= _same_slot(job, timing)
    connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(**changed))
    return find_job(connection, job.id)


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


def _called(name: str) -> sa.ColumnElement[bool]:
    return sa.literal_column(CALLED) == name


def _columns_of(timing: Timing) -> dict[str, Any]:
    schedule = timing.schedule
    when: dict[str, Any] = {"cron": None, "timezone": None}
    if isinstance(schedule, Cron):
        when |= {"cron": schedule.expression, "timezone": schedule.zone}
    else:
        when |= {"interval_minutes": schedule.interval // timedelta(minutes=1)}
    return {
        **when,
        "misfire": None if timing.misfire is Misfire.LATEST else timing.misfire,
        "grace_seconds": _seconds(timing.grace),
        "jitter_seconds": _seconds(timing.jitter),
        "priority": timing.priority,
        "timeout_seconds": _seconds(timing.timeout),
    }


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // timedelta(seconds=1)


def _next_slot(job: ScheduledJob, timing: Timing, *, now: datetime) -> dict[str, Any]:
    """Return the columns of the first slot of a new schedule that is still to come."""
    if job.last_run_at is None and not isinstance(timing.schedule, Cron):
        return {"next_run_at": None, "slot_at": None, "attempt": 0}  # a new job is due at once
    anchor = now if job.last_run_at is None else min(job.last_run_at, now)
    # A slot that was fired is never fired again, though the clock was set back since.
    after = max(now, job.last_run_at or now)
    return {**_due(job.id, timing, timing.schedule.next(anchor, after=after)), "attempt": 0}


def _same_slot(job: ScheduledJob, timing: Timing) -> dict[str, Any]:
    """Return the columns of the slot that is waited for, with another jitter.

    A retry stays as it is, and so does a slot that is being fired: it would be due again.
    """
    slot = job.slot_at or job.next_run_at
    if slot is None or job.claim_run_id is not None:
        return {}
    if job.attempt > 0 or job.next_run_at != job.timing.due_at(job.id, slot):
        return {}
    return _due(job.id, timing, slot)


def _first_slot(job_id: str, timing: Timing, *, now: datetime) -> dict[str, Any]:
    return _due(job_id, timing, timing.schedule.next(now, after=now))


def _due(job_id: str, timing: Timing, slot: datetime) -> dict[str, Any]:
    due_at = timing.due_at(job_id, slot)
    return {"next_run_at": due_at, "slot_at": None if due_at == slot else slot}
