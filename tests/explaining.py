"""What a database does to answer: each statement that is really executed, with its plan."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from databases import is_sqlite

from llm_maint.store.database import Database

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@dataclass
class Told:
    """A statement and what was done for it.

    `work` is the number of rows that were looked at, on SQLite that of its machine's steps;
    `scans` are the tables that were read from end to end.
    """

    statement: str
    scans: list[str] = field(default_factory=list)
    work: int = 0


@contextmanager
def explained(database: Database) -> Iterator[list[Told]]:
    """Give the statements that are executed from here on, as they come."""
    told: list[Told] = []
    listen = _listen_to_sqlite if is_sqlite(database) else _listen_to_postgresql

    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 either driver's
        listen(connection, told)

    database.engine.dispose()
    sa.event.listen(database.engine, "connect", connected)
    yield told
    sa.event.remove(database.engine, "connect", connected)
    database.engine.dispose()


def _listen_to_postgresql(connection: "psycopg.Connection[Any]", told: list[Told]) -> None:
    class Explaining(psycopg.Cursor[Any]):
        """Has each statement explained, as it does its work, and then done."""

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:  # noqa: ANN401
            texts = _ENDS.split(str(query)) if params is None else [str(query)]
            asks = [text for text in texts if text.strip().startswith(VERBS)]
            told.extend(_explained(connection, text, params) for text in asks)
            return super().execute(query, params, **options)

    connection.cursor_factory = Explaining


_ENDS = re.compile(r";\s+(?=[A-Z]{3})")


def _explained(connection: "psycopg.Connection[Any]", text: str, params: Any) -> Told:  # noqa: ANN401
    with connection.transaction(force_rollback=True), psycopg.Cursor(connection) as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", params)
        (found,) = cursor.fetchall()
    told = Told(text)
    _read(found[0][0]["Plan"], told)
    return told


def _read(node: Mapping[str, Any], told: Told) -> None:
    """Note what a node of a plan did, and those below it."""
    if node["Node Type"] in ("Seq Scan", "Index Only Scan", "Index Scan", "Bitmap Heap Scan"):
        removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        rows = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
        told.work += round(rows * node["Actual Loops"])
    if node["Node Type"] == "Seq Scan":
        told.scans.append(node["Relation Name"])
    for below in node.get("Plans", ()):
        _read(below, told)


def _listen_to_sqlite(connection: sqlite3.Connection, told: list[Told]) -> None:
    explaining = False

    def begin(statement: str) -> None:
        nonlocal explaining
        if not explaining and statement.strip().startswith(VERBS):
            told.append(Told(statement))
            explaining = True
            try:
                told[-1].scans.extend(_scans(connection, statement))
            finally:
                explaining = False

    def step() -> int:
        if told and not explaining:
            told[-1].work += 1
        return 0

    connection.set_trace_callback(begin)
    connection.set_progress_handler(step, 1)


def _scans(connection: sqlite3.Connection, statement: str) -> list[str]:
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    lines = [str(line[3]).split() for line in plan]
    return [words[1] for words in lines if words[0] == "SCAN" and "USING" not in words]
