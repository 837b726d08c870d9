"""The scheduled jobs as people see them: listed, and found by a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.nearest import unknown
from llm_maint.domain.schedule import NEVER, Cron, Every, Schedule
from llm_maint.errors import UnknownNameError, UsageError
from llm_maint.store.tables import jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledJob:
    """A row of `scheduled_jobs`; `name` falls back to the job type."""

    id: str
    name: str
    job_type: str
    bot_id: str | None
    enabled: bool
    timing: Timing
    problem: str | None
    last_run_at: datetime | None
    next_run_at: datetime | None
    last_status: str | None
    consecutive_failures: int
    config: Mapping[str, Any] | None
    claim_run_id: str | None
    lease_expires_at: datetime | None
    slot_at: datetime | None = None

    def slots(self, count: int, *, now: datetime) -> list[datetime]:
        """Return when the job is due next, and the regular times after that."""
        times = [now if self.next_run_at is None else self.next_run_at]
        slot = self.slot_at or times[0]
        while len(times) < count and slot != NEVER:
            slot = self.timing.schedule.next(slot, after=max(slot, now))
            times.append(self.timing.due_at(self.id, slot))
        return [time for time in times if time != NEVER]

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
    for wanted in (
        jobs.c.id == name,
        called == name,
        jobs.c.id.startswith(name or "-", autoescape=True),
    ):
        query = sa.select(jobs).where(wanted).order_by(jobs.c.id).limit(10)
        matches = [_as_job(row) for row in connection.execute(query).mappings()]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(job.id[:8] for job in matches)
            raise UnknownNameError(f"more than one job is called {name!r}: give its id ({ids})")
    names = connection.execute(sa.select(called).order_by(called).limit(1_000)).scalars()
    raise unknown("job", name, names)


called = sa.func.coalesce(sa.func.nullif(jobs.c.name, ""), jobs.c.job_type)
"""What a job is called."""


def timing_of(row: Mapping[Any, Any] | RowMapping) -> tuple[Timing, str | None]:
    """Return how a job is scheduled, and what is wrong with that where somebody wrote nonsense.

    The interval then takes the place of a cron expression that is none.
    """
    schedule: Schedule = Every(_interval_of(row))
    misfire, problem = Misfire.LATEST, None
    try:
        if row["cron"] is not None:
            schedule = Cron.parse(str(row["cron"]), str(row["timezone"] or "UTC"))
        misfire = Misfire(row["misfire"] or Misfire.LATEST)
    except (UsageError, ValueError) as error:
        problem = f"the schedule of the job: {error}"
    timing = Timing(
        schedule=schedule,
        misfire=misfire,
        grace=_seconds(row["grace_seconds"]),
        jitter=_seconds(row["jitter_seconds"]) or timedelta(0),
        priority=row["priority"] if isinstance(row["priority"], int) else 0,
        timeout=_seconds(row["timeout_seconds"]),
    )
    return timing, problem


def _seconds(seconds: object) -> timedelta | None:
    """Return a duration; None where there is none, or SQLite let somebody write something else."""
    if not isinstance(seconds, int) or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, _LONGEST_MINUTES * 60))


def _interval_of(row: Mapping[Any, Any] | RowMapping) -> timedelta:
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
    timing, problem = timing_of(row)
    return ScheduledJob(
        id=row["id"],
        name=row["name"] or row["job_type"],
        job_type=row["job_type"],
        bot_id=row["bot_id"],
        enabled=row["enabled"],
        timing=timing,
        problem=problem,
        last_run_at=row["last_run_at"],
        next_run_at=row["next_run_at"],
        last_status=row["last_status"],
        consecutive_failures=row["consecutive_failures"],
        config=config_of(row),
        claim_run_id=row["claim_run_id"],
        lease_expires_at=row["lease_expires_at"],
        slot_at=row["slot_at"],
    )
