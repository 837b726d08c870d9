"""Years of history in minutes: a database as it is after millions of runs of a million jobs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from benchmarks.ours import Ours
from benchmarks.postgres import sql

RUNS, JOBS = 5_000_000, 1_000_000
"""Rows of the past, and jobs whose time is to come."""

HANDFUL = 5
"""Jobs that come due now and then: `due-0` and so on."""

DAYS = 29
"""Over which runs are spread: what is older would have been pruned."""

_POSTGRESQL = (
    """
    INSERT INTO scheduled_jobs (id, job_type, next_run_at, last_run_at, config_json)
    SELECT md5('job' || n), 'noop', now() + interval '1 day' + n * interval '10 milliseconds',
      now() - interval '1 hour', '{{}}'
    FROM generate_series(1, {jobs}) AS n
    """,
    """
    INSERT INTO job_runs (id, job_id, job_type, job_name, status, started_at, finished_at,
      duration_ms, result_json, host{slot})
    SELECT md5('run' || n), md5('job' || n % {jobs}), 'noop', 'noop', 'success', moment, moment, 12,
      '{{}}', 'host'{slot_value}
    FROM (SELECT n, now() - n * interval '{days} days' / {runs} AS moment
      FROM generate_series(1, {runs}) AS n) AS past
    """,
)

_NUMBERS = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {many}) "
)

_SQLITE = (
    _NUMBERS.replace("many", "jobs")
    + """
    INSERT INTO scheduled_jobs (id, job_type, next_run_at, last_run_at, config_json)
    SELECT printf('%032x', n * 2654435761 % 4294967296), 'noop',
      datetime('now', '1 day', (n / 100) || ' seconds'), datetime('now', '-1 hour'), '{{}}'
    FROM numbers
    """,
    _NUMBERS.replace("many", "runs")
    + """
    INSERT INTO job_runs (id, job_id, job_type, job_name, status, started_at, finished_at,
      duration_ms, result_json, host{slot})
    SELECT printf('%032x', n * 2654435761 % 4294967296),
      printf('%032x', (n % {jobs} + 1) * 2654435761 % 4294967296), 'noop', 'noop', 'success',
      moment, moment, 12, '{{}}', 'host'{slot_value}
    FROM (SELECT n, datetime('now', (-n * {days} * 86400.0 / {runs}) || ' seconds') AS moment
      FROM numbers)
    """,
)


def add_handful(place: Ours) -> None:
    """Add the jobs that come due now and then; they are not due yet."""
    for number in range(HANDFUL):
        place.sql(f"INSERT INTO scheduled_jobs (id, job_type) VALUES ('due-{number}', 'noop')")
    rest(place)


def rest(place: Ours) -> None:
    """Let none of them be due."""
    tomorrow = "datetime('now', '1 day')" if place.is_sqlite else "now() + interval '1 day'"
    place.sql(f"UPDATE scheduled_jobs SET next_run_at = {tomorrow} WHERE id LIKE 'due-%'")


def come_due(place: Ours, number: int) -> None:
    """Let one of them be due."""
    before = "datetime('now', '-1 seconds')" if place.is_sqlite else "now() - interval '1 second'"
    place.sql(f"UPDATE scheduled_jobs SET next_run_at = {before} WHERE id = 'due-{number}'")


def fill(place: Ours, *, scale: float) -> None:
    """Write the past and the future, then what a database does by itself: clean up, count."""
    slotted = place.has_column("job_runs", "scheduled_for")
    values = {
        "jobs": int(JOBS * scale),
        "runs": int(RUNS * scale),
        "days": DAYS,
        "slot": ", scheduled_for" if slotted else "",
        "slot_value": ", moment" if slotted else "",
    }
    if place.is_sqlite:
        _fill_sqlite(place, [statement.format(**values) for statement in _SQLITE])
    else:
        _fill_postgresql(place, [statement.format(**values) for statement in _POSTGRESQL])
    assert place.sql(_UNTIMED) == [(0,)], "what has no time is due"


_UNTIMED = "SELECT count(*) FROM scheduled_jobs WHERE next_run_at IS NULL"


def _fill_postgresql(place: Ours, statements: list[str]) -> None:
    for statement in statements:
        sql(place.url, statement)
    sql(place.url, "VACUUM (ANALYZE)")
    sql(place.url, "CHECKPOINT")


def _fill_sqlite(place: Ours, statements: list[str]) -> None:
    path = place.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = -1000000")  # a gigabyte, for the indexes
        for statement in statements:
            connection.execute("BEGIN")
            connection.execute(statement)
            connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def idle_in_transaction(place: Ours) -> Iterator[None]:
    """Hold a snapshot in a session that does nothing: dead rows from here on stay."""
    with psycopg.connect(place.url) as idle:
        idle.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        idle.execute("SELECT count(*) FROM maintenance_schema").fetchall()
        yield


def live_through(place: Ours, firings: int) -> None:
    """Leave the dead rows of jobs that ran every minute until now, each so many times.

    They are of the past, where whoever looks for what is due has to look, too.
    """
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for slot in range(firings, 0, -1):
            connection.execute(
                "UPDATE scheduled_jobs SET claim_run_id = md5(id || %s), "
                "lease_expires_at = now() + interval '2 minutes', last_run_at = now() "
                "WHERE id LIKE 'due-%%'",
                (slot,),
            )
            connection.execute(
                "UPDATE scheduled_jobs SET claim_run_id = NULL, lease_expires_at = NULL, "
                "next_run_at = now() - %s * interval '1 minute', last_status = 'success' "
                "WHERE id LIKE 'due-%%'",
                (slot,),
            )
    rest(place)
    place.sql("CHECKPOINT")
