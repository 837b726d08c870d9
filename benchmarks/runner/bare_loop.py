"""The yardstick: a loop of bare psycopg with the two commits that one job takes, and no more.

`python bare_loop.py URL` does what is due in `bare_jobs` and ends, as a process of its own.
"""

import json
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg

LEASE, INTERVAL = timedelta(minutes=2), timedelta(hours=1)

TABLES = """
CREATE TABLE bare_jobs (
  id text PRIMARY KEY, job_type text NOT NULL, next_run_at timestamptz, last_run_at timestamptz,
  config jsonb, attempt int NOT NULL DEFAULT 0, last_status text,
  claim_run_id text, lease_expires_at timestamptz
);
CREATE INDEX ON bare_jobs (next_run_at, id) WHERE claim_run_id IS NULL;
CREATE TABLE bare_runs (
  id text PRIMARY KEY, job_id text NOT NULL, job_type text NOT NULL, status text NOT NULL,
  started_at timestamptz, finished_at timestamptz, duration_ms bigint, result jsonb, host text
);
CREATE INDEX ON bare_runs (started_at);
CREATE INDEX ON bare_runs (job_id, started_at);
"""
"""As many tables and indexes as a job of ours writes to."""

FILL = """
INSERT INTO bare_jobs (id, job_type, next_run_at, config)
SELECT 'job-' || n, 'noop', now() - n * interval '1 millisecond', '{"seconds": 0}'
FROM generate_series(0, %s - 1) AS n
"""

CLAIM = """
UPDATE bare_jobs SET claim_run_id = %s, lease_expires_at = %s, last_run_at = %s,
  attempt = attempt + 1
WHERE id = (
  SELECT id FROM bare_jobs WHERE claim_run_id IS NULL AND next_run_at <= %s
  ORDER BY next_run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *
"""
OPEN = """
INSERT INTO bare_runs (id, job_id, job_type, status, started_at, host)
VALUES (%s, %s, %s, 'running', %s, %s)
"""
SETTLE = """
UPDATE bare_jobs SET claim_run_id = NULL, lease_expires_at = NULL, next_run_at = %s, attempt = 0,
  last_status = 'success'
WHERE id = %s AND claim_run_id = %s
"""
CLOSE = """
UPDATE bare_runs SET status = 'success', finished_at = %s, duration_ms = %s, result = %s
WHERE id = %s AND status = 'running'
"""


def main() -> None:
    """Do what is due, one job after the other."""
    with psycopg.connect(sys.argv[1]) as connection:
        started, host = datetime.now(UTC), socket.gethostname()
        while _one(connection, started, host):
            pass


def _one(connection: psycopg.Connection[Any], started: datetime, host: str) -> bool:
    now, run = datetime.now(UTC), uuid4().hex
    job = connection.execute(CLAIM, (run, now + LEASE, now, started)).fetchone()
    if job is None:
        connection.rollback()
        return False
    connection.execute(OPEN, (run, job[0], job[1], now, host))
    connection.commit()
    result, ended = json.dumps({}), datetime.now(UTC)  # the job: it does nothing
    connection.execute(SETTLE, (ended + INTERVAL, job[0], run))
    taken = round((ended - now) / timedelta(milliseconds=1))
    connection.execute(CLOSE, (ended, taken, result, run))
    connection.commit()
    return True


if __name__ == "__main__":
    main()
