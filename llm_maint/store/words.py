"""Queries on our own tables, in the words of each database: one text, and how it is asked.

A claim and its record are all that a tick does between two jobs: by the driver's own connection,
for the toolkit would take longer over them than the database does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from llm_maint.domain.settlement import storable
from llm_maint.store.driver import Source, sqlite_time, wait_for_disk
from llm_maint.store.due import DUE_AT_POSTGRESQL, DUE_AT_SQLITE
from llm_maint.store.values import read_document, read_time

Row = Mapping[Any, Any]
"""A row by the names of its columns; times, documents and switches are values of Python."""

TIMES = frozenset(
    {
        *("created_at", "finished_at", "last_run_at", "lease_expires_at", "next_run_at"),
        *("opened_at", "scheduled_for", "slot_at", "started_at"),
    }
)
DOCUMENTS = frozenset({"config_json", "result_json"})
SWITCHES = frozenset({"enabled"})


def ask(source: Source, query: str, **values: Any) -> Sequence[Row]:  # noqa: ANN401 any column's
    """Return the rows that a query finds, or that a change returns.

    Args:
        source: an open connection.
        query: its words in braces: `{jobs}`, `{runs}` and the like are our tables; `{waiting}` and
            `{due}` say what is due, by the value `due_by`; `{as_read}` that a job is as it was when
            its `{row_version}` was read; `{for_update}` and `{skip_locked}` lock rows where the
            database locks rows; `{serially}` is a query of its own, after which none in the
            transaction starts helpers; for the others see `_Words`. A word that is not there is a
            value.
        values: by their words; times are aware.

    """
    (found,) = ask_together(source, (query, values))
    return found.rows


def change(source: Source, query: str, **values: Any) -> int:  # noqa: ANN401 any column's
    """Change rows; return how many."""
    (found,) = ask_together(source, (query, values))
    return found.changed


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows that a query found, and how many it changed."""

    rows: Sequence[Row]
    changed: int


Query = tuple[str, Mapping[str, Any]]
"""A text as `ask` takes it, and its values."""


def ask_together(source: Source, *queries: Query, ends: bool = False) -> list[Answer]:
    """Return what each query comes to; on a server they make the way there and back together.

    Args:
        source: an open connection.
        queries: in their order.
        ends: whether they end the transaction that `transaction` began; what is asked after them
            is in another.

    """
    ends = ends and bool(source.begins)
    asked = [
        (
            _worded(query, source.is_postgresql, source.prefix),
            {name: _written(source, value) for name, value in values.items()},
        )
        for query, values in queries
    ]
    first = "" if source.is_begun else source.begins
    source.is_begun = bool(source.begins)
    if source.is_postgresql:
        answers = _asked_of_server(source, first, asked, ends=ends)
    else:
        answers = _asked_of_file(source, first, asked, ends=ends)
    source.is_begun = source.is_begun and not ends
    return answers


_Asked = list[tuple[str, dict[str, Any]]]


def _asked_of_file(source: Source, first: str, asked: _Asked, *, ends: bool) -> list[Answer]:
    execute = source.connection.execute
    if first:
        execute(first)
    answers = [_answer(source, execute(text, given)) for text, given in asked]
    if ends:
        execute("COMMIT")
    return answers


def _asked_of_server(source: Source, first: str, asked: _Asked, *, ends: bool) -> list[Answer]:
    if not first and len(asked) == 1 and not ends:
        return [_answer(source, source.connection.execute(*asked[0]))]
    from psycopg import ClientCursor

    # Values are put in by the driver, on this side: the server takes several queries at once only
    # where none of them has any.
    spelled = ClientCursor(source.connection)
    texts = [spelled.mogrify(text, given) for text, given in asked]
    before, after = [first] if first else [], ["COMMIT"] if ends else []
    cursor = source.connection.execute("; ".join([*before, *texts, *after]))
    for _ in first.split("; ") if first else ():
        cursor.nextset()
    answers = []
    for _ in texts:
        answers.append(_answer(source, cursor))
        cursor.nextset()
    return answers


def _answer(source: Source, cursor: Any) -> Answer:  # noqa: ANN401 of either driver
    if source.is_postgresql:  # whose driver has read the values
        found = cursor.pgresult  # its own description of the columns takes longer than all the rows
        names = [found.fname(place).decode() for place in range(found.nfields)]
        rows = [dict(zip(names, row, strict=True)) for row in cursor] if names else []
        return Answer(rows, cursor.rowcount)
    if cursor.description is None:
        return Answer((), cursor.rowcount)
    names = [column[0] for column in cursor.description]
    rows = [
        {name: _meaning(name, value) for name, value in zip(names, row, strict=True)}
        for row in cursor
    ]
    return Answer(rows, cursor.rowcount)


def document(value: Any) -> str | None:  # noqa: ANN401 any JSON value
    """Return a value as JSON that every database can hold."""
    return None if value is None else json.dumps(storable(value), ensure_ascii=False)


@contextmanager
def transaction(source: Source, *, seconds: int, writes: bool = True) -> Iterator[Source]:
    """Open a transaction; it commits at the end. After an error close the connection.

    It begins with the first query. On PostgreSQL the commit does not wait for the disk where the
    value `{unwaited}` was returned by a query, on SQLite, where it writes a log, if `source.waits`
    is made false. Whatever is committed after it, and waits, takes it along: logs are written in
    order.

    Args:
        source: a connection of our own, outside transactions.
        seconds: how long a lock is waited for; on SQLite the connection knows.
        writes: whether it may write.

    """
    execute = source.connection.execute
    source.waits = writes
    if source.is_postgresql:
        kind = "READ WRITE" if writes else "READ ONLY"
        source.begins = (
            f"BEGIN ISOLATION LEVEL READ COMMITTED {kind}; SET LOCAL lock_timeout = '{seconds}s'"
        )
    else:
        source.begins = "BEGIN IMMEDIATE" if writes else "BEGIN"
    yield source
    if source.is_begun:
        execute("COMMIT")
    source.begins, source.is_begun = "", False
    if source.relaxed and source.waits:
        wait_for_disk(source)


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
def _worded(query: str, is_postgresql: bool, prefix: str) -> str:  # noqa: FBT001 to be cached
    return query.format_map(_Words(is_postgresql=is_postgresql, prefix=prefix))


def _written(source: Source, value: Any) -> Any:  # noqa: ANN401 any column's
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a naive time: every time has a zone here")
        return value if source.is_postgresql else sqlite_time(value)
    return value


def _meaning(name: str, value: Any) -> Any:  # noqa: ANN401 any column's
    if name in TIMES:
        return read_time(value)
    if name in DOCUMENTS:
        return read_document(value)
    return bool(value) if name in SWITCHES else value
