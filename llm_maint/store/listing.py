"""Jobs and runs as they are listed: read by the driver's own connection, without the toolkit.

These are the commands that people type most; a connection of the toolkit has such a connection in
it, see `dialect.source_of`, so there is one query and one reading of its rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Run
from llm_maint.domain.schedule import NEVER, Cron, Every, Schedule
from llm_maint.errors import UnknownNameError, UsageError
from llm_maint.store.driver import Source, sqlite_time
from llm_maint.store.explained import misses_table
from llm_maint.store.schema import refuse_other
from llm_maint.store.values import read_document, read_time

Row = Mapping[Any, Any]
"""A row by the names of its columns; times, documents and switches are values of Python."""

TIMES = frozenset(
    {
        *("created_at", "finished_at", "last_run_at", "lease_expires_at", "next_run_at"),
        *("scheduled_for", "slot_at", "started_at"),
    }
)
DOCUMENTS = frozenset({"config_json", "result_json"})
SWITCHES = frozenset({"enabled"})


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


def greeted(source: Source, place: str) -> datetime | None:
    """Return the database server's clock; None where the host's is the only one (SQLite).

    Raises:
        SchemaError: the schema is missing, older or newer than this version works with.

    """
    clock = "clock_timestamp()" if source.is_postgresql else "NULL"
    query = f"SELECT max(version) AS version, {clock} AS now FROM {source.prefix}maintenance_schema"  # noqa: S608
    try:
        (answer,) = source.rows(query)
    except Exception as error:
        if not misses_table(error):
            raise
        answer = {"version": None, "now": None}
    refuse_other(answer["version"], place)
    now: datetime | None = answer["now"]
    return now


def all_jobs(source: Source) -> list[ScheduledJob]:
    """Return every job, in the order of their names."""
    rows = _read(source, f"SELECT * FROM {source.prefix}scheduled_jobs")  # noqa: S608
    return sorted(map(as_job, rows), key=lambda job: (job.name, job.id))


def find_job(source: Source, name: str) -> ScheduledJob:
    """Return the job of a name, an id or a unique start of an id.

    Raises:
        UnknownNameError: there is none, or more than one.

    """
    mark = f"CAST({source.mark('name')} AS text)"
    table = f"{source.prefix}scheduled_jobs"
    for condition in (
        f"id = {mark}",
        f"{CALLED} = {mark}",
        f"{mark} <> '' AND substr(id, 1, length({mark})) = {mark}",
    ):
        query = f"SELECT * FROM {table} WHERE {condition} ORDER BY id LIMIT 10"  # noqa: S608
        matches = [as_job(row) for row in _read(source, query, name=name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(job.id[:8] for job in matches)
            raise UnknownNameError(f"more than one job is called {name!r}: give its id ({ids})")
    some = source.rows(f"SELECT {CALLED} AS name FROM {table} ORDER BY 1 LIMIT 1000")  # noqa: S608
    raise unknown("job", name, (row["name"] for row in some))


CALLED = "coalesce(nullif(name, ''), job_type)"
"""What a job is called."""


def tail(
    source: Source,
    *,
    limit: int,
    job_id: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
) -> list[Run]:
    """Return the last runs, newest last.

    Args:
        source: an open connection.
        limit: at most so many.
        job_id: only of this job.
        status: only of this status.
        since: only those started or finished at or after this moment.

    """
    wanted = {"job_id": job_id, "status": status, "since": _as_written(source, since)}
    given = {name: value for name, value in wanted.items() if value is not None}
    marks = {name: source.mark(name) for name in (*given, "limit")}
    conditions = " AND ".join(_CONDITIONS[name].format(**marks) for name in given)
    last = "NULLS LAST" if source.is_postgresql else ""  # as they are on SQLite
    query = (
        f"SELECT * FROM {source.prefix}job_runs {'WHERE' if given else ''} {conditions} "  # noqa: S608
        f"ORDER BY started_at DESC {last}, id DESC LIMIT {marks['limit']}"
    )
    return [as_run(row) for row in _read(source, query, **given, limit=limit)][::-1]


_CONDITIONS = {
    "job_id": "job_id = {job_id}",
    "status": "status = {status}",
    "since": "(started_at >= {since} OR finished_at >= {since})",
}


def _as_written(source: Source, moment: datetime | None) -> datetime | str | None:
    return moment if source.is_postgresql or moment is None else sqlite_time(moment)


def _read(source: Source, query: str, **values: Any) -> Sequence[Row]:  # noqa: ANN401 any column's
    """Return rows with the values that their columns mean."""
    rows = source.rows(query, **values)
    if source.is_postgresql:
        return rows  # the driver has read them
    return [{name: _meaning(name, value) for name, value in row.items()} for row in rows]


def _meaning(name: str, value: Any) -> Any:  # noqa: ANN401 any column's
    if name in TIMES:
        return read_time(value)
    if name in DOCUMENTS:
        return read_document(value)
    return bool(value) if name in SWITCHES else value


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


def as_run(row: Row) -> Run:
    """Return a row of `job_runs` as a value."""
    return Run(
        id=row["id"],
        job_id=row["job_id"],
        job_name=row["job_name"] or row["job_type"] or row["job_id"],
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
