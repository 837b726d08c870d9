"""What each database calls things: the words that a query of `words` may hold, and its values."""

from functools import lru_cache

from llm_maint.store.due import DUE_AT_POSTGRESQL, DUE_AT_SQLITE, SEEN_MINUTES

CLAIMED = (
    *("job_type", "bot_id", "enabled", "interval_minutes", "next_run_at", "config_json", "name"),
    *("attempt", "consecutive_failures", "claim_run_id", "slot_at", "cron", "timezone", "priority"),
    *("misfire", "grace_seconds", "jitter_seconds", "timeout_seconds"),
)
"""Columns of a job that a claim depends on: all but its id and what only people read."""

# As hexadecimal digits, for a text need not be one that Python can read.
_VERSION_SQLITE = " || ',' || ".join(f"typeof({name}) || hex({name})" for name in CLAIMED)

# A time is the same whatever its form: written by hand, or one that Python cannot hold.
_HELD_POSTGRESQL = (
    "CASE WHEN {time} < '0001-01-01 00:00:00+00' THEN '0001-01-01 00:00:00+00' ELSE {time} END"
)
_SAME_POSTGRESQL = "({time} IS NOT DISTINCT FROM CAST({before} AS timestamptz))"
_SAME_SQLITE = "(strftime('%Y-%m-%d %H:%M:%f', {time}) IS strftime('%Y-%m-%d %H:%M:%f', {before}))"

_TABLES = {
    "jobs": "scheduled_jobs",
    "runs": "job_runs",
    "schema": "maintenance_schema",
    "shares": "maintenance_shares",
    "share_items": "maintenance_share_items",
    "share_workers": "maintenance_share_workers",
    "ticks": "maintenance_ticks",
    "plans": "maintenance_plans",
    "journal": "maintenance_journal",
}
_POSTGRESQL = {
    "clock": "clock_timestamp()",
    "waiting": "enabled AND claim_run_id IS NULL",
    "due_at": DUE_AT_POSTGRESQL.format(time="next_run_at"),
    "due": " <= ".join(DUE_AT_POSTGRESQL.format(time=t) for t in ("next_run_at", "%(due_by)s")),
    "time_as_read": _HELD_POSTGRESQL.format(time="next_run_at"),
    "still_due": _SAME_POSTGRESQL.format(time="next_run_at", before="%(due_at)s"),
    "same_slot": _SAME_POSTGRESQL.format(
        time=_HELD_POSTGRESQL.format(time="slot_at"), before="%(claimed_slot)s"
    ),
    "row_version": "CAST(xmin AS text)",
    "as_read": "xmin = CAST(%(row_version)s AS xid)",
    "for_update": "FOR UPDATE",
    "skip_locked": "FOR UPDATE SKIP LOCKED",
    "serially": "SET LOCAL max_parallel_workers_per_gather = 0",
    "unwaited": "set_config('synchronous_commit', 'off', true)",
    "nulls_last": "NULLS LAST",  # as they are on SQLite
    "no_longer_fresh": (
        f"abs(extract(epoch FROM excluded.seen_at - noted.seen_at)) > {SEEN_MINUTES * 60}"
    ),
    "json": "jsonb",
    "time": "timestamptz",
}
_SQLITE = {
    "clock": "NULL",
    "waiting": "enabled = 1 AND claim_run_id IS NULL",
    "due_at": DUE_AT_SQLITE.format(time="next_run_at"),
    "due": " <= ".join(DUE_AT_SQLITE.format(time=t) for t in ("next_run_at", ":due_by")),
    "time_as_read": ":due_at",
    "still_due": _SAME_SQLITE.format(time="next_run_at", before=":due_at"),
    "same_slot": _SAME_SQLITE.format(time="slot_at", before=":claimed_slot"),
    "row_version": _VERSION_SQLITE,
    "as_read": f"({_VERSION_SQLITE}) = :row_version",
    "for_update": "",
    "skip_locked": "",
    "serially": "SELECT 1",
    "unwaited": "NULL",
    "nulls_last": "",
    "no_longer_fresh": (
        "abs(julianday(excluded.seen_at) - coalesce(julianday(noted.seen_at), 0)) "
        f"> {SEEN_MINUTES}.0 / 1440"
    ),
    "json": "text",
    "time": "text",
}


class _Words(dict[str, str]):
    """The words of a database; any other is a value, by its mark."""

    def __init__(self, *, is_postgresql: bool, prefix: str) -> None:
        super().__init__(_POSTGRESQL if is_postgresql else _SQLITE)
        self.update({word: f"{prefix}{table}" for word, table in _TABLES.items()})
        self._mark = "%({})s" if is_postgresql else ":{}"

    def __missing__(self, name: str) -> str:
        return self._mark.format(name)


@lru_cache
def worded(query: str, is_postgresql: bool, prefix: str) -> str:  # noqa: FBT001 to be cached
    """Return a query in the words of a database; `prefix` stands before our tables."""
    return query.format_map(_Words(is_postgresql=is_postgresql, prefix=prefix))
