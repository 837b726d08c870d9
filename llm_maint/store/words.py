"""Queries on our own tables, in the words of each database: one text, and how it is asked.

A claim and its record are all that a tick does between two jobs: by the driver's own connection,
for the toolkit would take longer over them than the database does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llm_maint.domain.settlement import storable
from llm_maint.store.driver import Source, sqlite_time
from llm_maint.store.values import read_document, read_time
from llm_maint.store.vocabulary import worded
from llm_maint.store.write_ahead import wait_for_disk

Row = Mapping[Any, Any]
"""A row by the names of its columns; times, documents and switches are values of Python."""

TIMES = frozenset(
    {
        *("created_at", "finished_at", "last_run_at", "lease_expires_at", "next_run_at"),
        *("first_seen_at", "opened_at", "scheduled_for", "seen_at", "slot_at", "started_at"),
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
            transaction starts helpers; for the others see `vocabulary`. A word that is not there
            is a value.
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
            worded(query, source.is_postgresql, source.prefix),
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
