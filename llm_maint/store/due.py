"""Whether there is anything to do: one question to the database, and one answer."""

from llm_maint.store.driver import sqlite_time
from llm_maint.store.schema import LATEST

TYPE_CHECKING = False  # as `typing` has it, without the time that importing it costs a tick
if TYPE_CHECKING:
    from datetime import datetime

    from llm_maint.store.driver import Source

SEEN_MINUTES = 5
"""How often a host notes that it ticks; see `ticks`."""

FRESH_SECONDS = 30
"""How long a run is open to whoever comes; see `workers.FRESH`."""

DUE_AT_POSTGRESQL = "coalesce({time}, '-infinity'::timestamptz)"
DUE_AT_SQLITE = "coalesce(strftime('%Y-%m-%d %H:%M:%f', {time}), '')"
"""When a job is due, as it is indexed: no time, and on SQLite what is none, before all else."""

# In one go, the time that a lock is waited for included; what a session keeps, a pooler may not.
# Of the first job in the order of the index: where EXISTS asks for any that is due, the server
# takes it that a third of all are, and reads the table from end to end to find none.
_POSTGRESQL = f"""
BEGIN READ ONLY; SET LOCAL lock_timeout = '{{seconds}}s';
SELECT (SELECT max(version) FROM {{prefix}}maintenance_schema), (
  SELECT {DUE_AT_POSTGRESQL.format(time="next_run_at")} <= now()
  FROM {{prefix}}scheduled_jobs
  WHERE enabled AND claim_run_id IS NULL
  ORDER BY {DUE_AT_POSTGRESQL.format(time="next_run_at")}
  LIMIT 1
) OR EXISTS (
  SELECT FROM {{prefix}}scheduled_jobs
  WHERE claim_run_id IS NOT NULL
    AND (lease_expires_at <= now() OR last_run_at > now() - interval '{FRESH_SECONDS} seconds'
      OR (
        SELECT true FROM {{prefix}}maintenance_share_items
        WHERE run_id = claim_run_id AND worker IS NULL AND done_at IS NULL
        LIMIT 1
      )
    )
), EXISTS (
  SELECT FROM {{prefix}}maintenance_ticks
  WHERE host = {{host}} AND abs(extract(epoch FROM seen_at - now())) < {SEEN_MINUTES * 60}
);
COMMIT"""  # noqa: S608 of our own constants

_SQLITE = f"""
SELECT (SELECT max(version) FROM maintenance_schema), EXISTS (
  SELECT 1 FROM scheduled_jobs
  WHERE enabled = 1 AND claim_run_id IS NULL
    AND {DUE_AT_SQLITE.format(time="next_run_at")} <= strftime('%Y-%m-%d %H:%M:%f', :now)
) OR EXISTS (
  SELECT 1 FROM scheduled_jobs
  WHERE claim_run_id IS NOT NULL
    AND (lease_expires_at <= :now
      OR last_run_at > strftime('%Y-%m-%d %H:%M:%f', :now, '-{FRESH_SECONDS} seconds')
      OR EXISTS (
        SELECT 1 FROM maintenance_share_items
        WHERE run_id = claim_run_id AND worker IS NULL AND done_at IS NULL
      )
    )
), EXISTS (
  SELECT 1 FROM maintenance_ticks
  WHERE host = :host AND abs(julianday(seen_at) - julianday(:now)) < {SEEN_MINUTES}.0 / 1440
)"""  # noqa: S608 of our own constants


def anything_due(
    source: "Source", *, host: str, now: "datetime", seconds: int = 5
) -> tuple[bool, bool] | None:
    """Return whether a tick may have work, and whether this host was seen to tick just now.

    There is work where a job is due, or a dead process holds one; or a living one does, that
    shares its run with others, or may be about to.

    Args:
        source: the database; on PostgreSQL its clock decides.
        host: the name of this host.
        now: the present; on SQLite it decides.
        seconds: how long a lock is waited for; on SQLite the connection knows.

    Returns:
        None where the schema is not the one that this version works with.

    Raises:
        Error: of the driver, also where the schema has no tables of ours.

    """
    if source.is_postgresql:
        quoted = "'" + host.replace("'", "''") + "'"  # several statements take no parameters
        query = _POSTGRESQL.format(prefix=source.prefix, seconds=seconds, host=quoted)
        answer = source.connection.execute(query)
        while answer.description is None:
            answer.nextset()
    else:
        answer = source.connection.execute(_SQLITE, {"now": sqlite_time(now), "host": host})
    version, due, seen = answer.fetchone()
    return (bool(due), bool(seen)) if version == LATEST else None
