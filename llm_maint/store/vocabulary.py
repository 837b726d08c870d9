"""What each database calls things: the words that a query of `words` may hold, and its values."""

from functools import lru_cache

from llm_maint.store.due import DUE_AT_POSTGRESQL, DUE_AT_SQLITE

# A time is the same whatever its form: written by hand, or one that Python cannot hold.
_HELD_POSTGRESQL = (
    "CASE WHEN {time} < '0001-01-01 00:00:00+00' THEN '0001-01-01 00:00:00+00' ELSE {time} END"
)
_SAME_POSTGRESQL = "({time} IS NOT DISTINCT FROM CAST({before} AS timestamptz))"
_SAME_SQLITE = "(strftime('%Y-%m-%d %H:%M:%f', {time}) IS strftime('%Y-%m-%d %H:%M:%f', {before}))"


CLAIMED = (
    *("job_type", "bot_id", "enabled", "interval_minutes", "next_run_at", "config_json", "name"),
    *("attempt", "consecutive_failures", "claim_run_id", "slot_at", "cron", "timezone", "priority"),
    *("misfire", "grace_seconds", "jitter_seconds", "timeout_seconds"),
)
"""Columns of a job that a claim depends on: all but its id and what only people read."""

# As hexadecimal digits, for a text need not be one that Python can read.
_VERSION_SQLITE = " || ',' || ".join(f"typeof({name}) || hex({name})" for name in CLAIMED)


class _Words(dict[str, str]):
    """The words of a database; any other is a value, by its mark."""

    def __init__(self, *, is_postgresql: bool, prefix: str) -> None:
        mark = "%({})s" if is_postgresql else ":{}"
        due_at = DUE_AT_POSTGRESQL if is_postgresql else DUE_AT_SQLITE
        held = _HELD_POSTGRESQL if is_postgresql else "{time}"
        as_read_time = _HELD_POSTGRESQL.format(time="next_run_at") if is_postgresql else ":due_at"
        same = _SAME_POSTGRESQL if is_postgresql else _SAME_SQLITE
        still_due = same.format(time="next_run_at", before=mark.format("due_at"))
        slot = held.format(time="slot_at")
        same_slot = same.format(time=slot, before=mark.format("claimed_slot"))
        waiting = f"enabled{'' if is_postgresql else ' = 1'} AND claim_run_id IS NULL"
        due = f"{due_at.format(time='next_run_at')} <= {due_at.format(time=mark.format('due_by'))}"
        super().__init__(
            jobs=f"{prefix}scheduled_jobs",
            runs=f"{prefix}job_runs",
            schema=f"{prefix}maintenance_schema",
            shares=f"{prefix}maintenance_shares",
            share_items=f"{prefix}maintenance_share_items",
            share_workers=f"{prefix}maintenance_share_workers",
            clock="clock_timestamp()" if is_postgresql else "NULL",
            waiting=waiting,
            due_at=due_at.format(time="next_run_at"),
            due=due,
            time_as_read=as_read_time,
            still_due=still_due,
            same_slot=same_slot,
            row_version="CAST(xmin AS text)" if is_postgresql else _VERSION_SQLITE,
            as_read=(
                "xmin = CAST(%(row_version)s AS xid)"
                if is_postgresql
                else f"({_VERSION_SQLITE}) = :row_version"
            ),
            for_update="FOR UPDATE" if is_postgresql else "",
            skip_locked="FOR UPDATE SKIP LOCKED" if is_postgresql else "",
            serially=(
                "SET LOCAL max_parallel_workers_per_gather = 0" if is_postgresql else "SELECT 1"
            ),
            unwaited=("set_config('synchronous_commit', 'off', true)" if is_postgresql else "NULL"),
            nulls_last="NULLS LAST" if is_postgresql else "",  # as they are on SQLite
            json="jsonb" if is_postgresql else "text",
            time="timestamptz" if is_postgresql else "text",
        )
        self._mark = mark

    def __missing__(self, name: str) -> str:
        return self._mark.format(name)


@lru_cache
def worded(query: str, is_postgresql: bool, prefix: str) -> str:  # noqa: FBT001 to be cached
    """Return a query in the words of a database; `prefix` stands before our tables."""
    return query.format_map(_Words(is_postgresql=is_postgresql, prefix=prefix))
