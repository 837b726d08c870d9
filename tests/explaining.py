"""What a database does to answer: each statement that is really executed, with its plan."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from databases import is_sqlite
from psycopg.pq import TransactionStatus

from llm_maint.store.database import Database

READS = ("Seq Scan", "Index Only Scan", "Index Scan", "Bitmap Heap Scan")
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@dataclass
class Told:
    """A statement and what was done for it.

    `work` is the number of rows of jobs and runs that were looked at, on SQLite that of all steps
    of its machine; `scans` are the tables that were read from end to end.
    """

    statement: str
    scans: list[str] = field(default_factory=list)
    work: int = 0


@contextmanager
def explained(database: Database) -> Iterator[list[Told]]:
    """Give the statements that are executed from here on, as they come."""
    told: list[Told] = []
    database.close()  # what is open is not listened to
    with pytest.MonkeyPatch.context() as patch:
        if is_sqlite(database):
            patch.setattr(sqlite3, "connect", _listening(sqlite3.connect, told))
        else:
            patch.setattr(psycopg.Cursor, "execute", _explaining(psycopg.Cursor.execute, told))
        yield told
    database.close()


def _explaining(execute: Callable[..., Any], told: list[Told]) -> Callable[..., Any]:
    """Return how a cursor has each statement explained, as it does its work, and then does it."""

    def explain(cursor: Any, query: str, params: Any) -> None:  # noqa: ANN401
        begun = cursor.connection.info.transaction_status is not TransactionStatus.IDLE
        if begun:
            execute(cursor, "SAVEPOINT explained")
        execute(cursor, f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", params)
        (found,) = cursor.fetchall()
        if begun:
            execute(cursor, "ROLLBACK TO explained")
        told.append(Told(query))
        _read((found[0] if isinstance(found, tuple) else found["QUERY PLAN"])[0]["Plan"], told[-1])

    def explain_and_execute(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:  # noqa: ANN401
        for each in re.split(r";\s+(?=[A-Z]{4})", str(query)):
            if each.strip().startswith(VERBS):
                explain(cursor, each, params)
        return execute(cursor, query, params, **options)

    return explain_and_execute


def _read(node: Mapping[str, Any], told: Told) -> None:
    """Note what a node of a plan did, and those below it."""
    if node.get("Relation Name") in ("scheduled_jobs", "job_runs") and node["Node Type"] in READS:
        removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        rows = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
        told.work += round(rows * node["Actual Loops"])
    if node["Node Type"] == "Seq Scan":
        told.scans.append(node["Relation Name"])
    for below in node.get("Plans", ()):
        _read(below, told)


def _listening(
    connect: Callable[..., sqlite3.Connection], told: list[Told]
) -> Callable[..., sqlite3.Connection]:
    """Return how a connection is opened that tells what it does."""

    def connect_and_listen(*arguments: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401
        connection = connect(*arguments, **options)
        _listen_to_sqlite(connection, told)
        return connection

    return connect_and_listen


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
