"""Jobs and runs as they are listed: read by the driver's own connection, without the toolkit.

These are the commands that people type most; a connection of the toolkit has such a connection in
it, see `dialect.source_of`, so there is one query and one reading of its rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Run
from llm_maint.domain.schedule import NEVER, Cron, Every, Schedule
from llm_maint.errors import UnknownNameError, UsageError
from llm_maint.store.driver import Source
from llm_maint.store.explained import misses_table
from llm_maint.store.schema import refuse_other
from llm_maint.store.values import legible
from llm_maint.store.words import Row, ask


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
    attempt: int = 0

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


def greeted(source: Source, place: str) -> datetime | None:
    """Return the database server's clock; None where the host's is the only one (SQLite).

    Raises:
        SchemaError: the schema is missing, older or newer than this version works with.

    """
    try:
        (answer,) = ask(source, "SELECT max(version) AS version, {clock} AS now FROM {schema}")
    except Exception as error:
        if not misses_table(error):
            raise
        answer = {"version": None, "now": None}
    refuse_other(answer["version"], place)
    now: datetime | None = answer["now"]
    return now


def all_jobs(source: Source) -> list[ScheduledJob]:
    """Return every job, in the order of their names."""
    rows = ask(source, "SELECT * FROM {jobs}")
    return sorted(map(as_job, rows), key=lambda job: (job.name, job.id))


def find_job(source: Source, name: str) -> ScheduledJob:
    """Return the job of a name, an id or a unique start of an id.

    Raises:
        UnknownNameError: there is none, or more than one.

    """
    for condition in (
        "id = {name}",
        f"{CALLED} = {{name}}",
        "{name} <> '' AND substr(id, 1, length({name})) = {name}",
    ):
        wanted = condition.replace("{name}", "CAST({name} AS text)")
        query = f"SELECT * FROM {{jobs}} WHERE {wanted} ORDER BY id LIMIT 10"  # noqa: S608
        matches = [as_job(row) for row in ask(source, query, name=name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(job.id[:8] for job in matches)
            raise UnknownNameError(f"more than one job is called {name!r}: give its id ({ids})")
    some = ask(source, f"SELECT {CALLED} AS name FROM {{jobs}} ORDER BY 1 LIMIT 1000")  # noqa: S608
    raise unknown("job", name, (row["name"] for row in some))


CALLED = "coalesce(nullif(name, ''), job_type)"
"""What a job is called."""


def tail(
    source: Source,
    *,
    limit: int,
    job_id: str | None = None,
    status: str | None = None,
) -> list[Run]:
    """Return the last runs, newest last.

    Args:
        source: an open connection.
        limit: at most so many.
        job_id: only of this job.
        status: only of this status.

    """
    wanted = {"job_id": job_id, "status": status}
    given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    conditions = " AND ".join(_CONDITIONS[name] for name in given) or "true"
    query = (
        f"SELECT * FROM {{runs}} WHERE {conditions} "  # noqa: S608 of our own conditions
        "ORDER BY started_at DESC {nulls_last}, id DESC LIMIT {limit}"
    )
    return [as_run(row) for row in ask(source, query, **given, limit=limit)][::-1]


_CONDITIONS = {
    "job_id": "job_id = {job_id}",
    "status": "status = {status}",
}


def timing_of(row: Row) -> tuple[Timing, str | None]:
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


def count_of(number: object) -> int:
    """Return a number of times; none where SQLite let somebody write something else."""
    return number if isinstance(number, int) else 0


def _seconds(seconds: object) -> timedelta | None:
    """Return a duration; None where there is none, or SQLite let somebody write something else."""
    if not isinstance(seconds, int) or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, _LONGEST_MINUTES * 60))


def _interval_of(row: Row) -> timedelta:
    """Return a job's interval; an hour where SQLite let somebody write something else."""
    minutes = row["interval_minutes"]
    if not isinstance(minutes, int) or minutes <= 0:
        return timedelta(hours=1)
    return timedelta(minutes=min(minutes, _LONGEST_MINUTES))


_LONGEST_MINUTES = 100 * 366 * 24 * 60


def config_of(row: Row) -> Mapping[str, Any] | None:
    """Return a job's configuration; None where the row holds something that is no JSON object."""
    config = row["config_json"]
    if config is None:
        return {}
    return config if isinstance(config, dict) else None


def as_job(row: Row) -> ScheduledJob:
    """Return a row of `scheduled_jobs` as a value."""
    timing, problem = timing_of(row)
    return ScheduledJob(
        id=row["id"],
        name=legible(row["name"] or row["job_type"]),
        job_type=row["job_type"],
        bot_id=row["bot_id"],
        enabled=row["enabled"],
        timing=timing,
        problem=problem,
        last_run_at=row["last_run_at"],
        next_run_at=row["next_run_at"],
        last_status=row["last_status"],
        consecutive_failures=count_of(row["consecutive_failures"]),
        config=config_of(row),
        claim_run_id=row["claim_run_id"],
        lease_expires_at=row["lease_expires_at"],
        slot_at=row["slot_at"],
        attempt=count_of(row["attempt"]),
    )


def as_run(row: Row) -> Run:
    """Return a row of `job_runs` as a value."""
    return Run(
        id=row["id"],
        job_id=row["job_id"],
        job_name=legible(row["job_name"] or row["job_type"] or row["job_id"]),
        job_type=row["job_type"] or "",
        bot_id=row["bot_id"],
        status=row["status"],
        attempt=row["attempt"],
        trigger=row["trigger"],
        host=row["host"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        duration_ms=row["duration_ms"],
        result=row["result_json"],
        error_message=row["error_message"],
        scheduled_for=row["scheduled_for"],
    )
