"""Rows of every kind of column are compared, journalled and put back to the byte."""

from contextlib import closing
from typing import Any

import pytest
from consolidating import applied, occasion, planned, rows_of
from databases import ATTRIBUTES, dump, insert, is_sqlite, name_of, opened, sql

from llm_maint.domain.reply import Proposal
from llm_maint.store import undo
from llm_maint.store.database import Database

ROW = {
    "entity_type": "USER",
    "entity_id": "nick",
    "category": "fact",
    "key": "color",
    "value": '"blue"',
    "confidence": 0.8,
    "source": "inferred",
    "created_at": "2026-01-01 00:00:00",
    "updated_at": "2026-01-01 00:00:00",
}

POSTGRESQL_COLUMNS: dict[str, tuple[str, str]] = {
    "numeric": ("numeric", "1.100"),
    "numeric with a scale": ("numeric(12, 4)", "12345678.9000"),
    "not a number": ("double precision", "NaN"),
    "shortest float": ("double precision", "0.1"),
    "single float": ("real", "0.3333333"),
    "array": ("text[]", '{"a b",NULL,"c\\"d"}'),
    "array of arrays": ("integer[][]", "{{1,2},{3,4}}"),
    "bytes": ("bytea", "\\x00ff10"),
    "json": ("json", '{"a" : 1.10, "a": null}'),
    "jsonb": ("jsonb", '{"a": 1.10}'),
    "time with a zone": ("timestamp with time zone", "2026-01-03 10:00:00.123456+05:30"),
    "infinite time": ("timestamp with time zone", "infinity"),
    "time of two digits": ("timestamp(2) without time zone", "2026-01-03 10:00:00.12"),
    "date": ("date", "0044-03-15 BC"),
    "interval": ("interval", "1 mon -3 days +04:05:06"),
    "padded text": ("character(5)", "ab"),
    "uuid": ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "range": ("int4range", "[1,5)"),
    "enum of their own": ("mood", "so-so"),
    "domain": ("positive", "7"),
    "composite": ("pair", '(1,"x y")'),
    "text of odd characters": ("text", "tab\t new\nline 'quote' \\ é \U0001f600"),
    "network": ("inet", "192.168.0.1/24"),
    "bits": ("bit varying", "10101"),
}

POSTGRESQL_COLUMNS_OF_TIME = {
    name: POSTGRESQL_COLUMNS[name]
    for name in ("time with a zone", "time of two digits", "interval", "shortest float")
}

SQLITE_COLUMNS: dict[str, tuple[str, Any]] = {
    "blob": ("blob", b"\x00\xff\x10"),
    "empty blob": ("blob", b""),
    "bytes in a text column": ("text", b"abc"),
    "text in a blob column": ("blob", "abc"),
    "number in a text column": ("text", 1.1),
    "large integer": ("integer", 2**63 - 1),
    "text in an integer column": ("integer", "not a number"),
    "float that is whole": ("real", 3.0),
    "infinity": ("real", float("inf")),
    "number as text": ("text", "1.10"),
    "number of no type": ("", 1.1),
    "text with NUL": ("text", "a\x00b"),
    "json text": ("json", '{"a" : 1.10}'),
    "boolean": ("boolean", 1),
    "decimal": ("decimal(10, 2)", "1.10"),
}


ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _undo_restores(database: Database, columns: dict[str, tuple[str, Any]]) -> None:
    """Fold two rows and remove two others, each with these columns, then undo: all is as it was."""
    for name, (column, _) in columns.items():
        sql(database, f'ALTER TABLE {ATTRIBUTES} ADD COLUMN "{name}" {column}')
    odd = {name: value for name, (_, value) in columns.items()}
    newer = {**ROW, "updated_at": "2026-01-02 00:00:00"}
    for row in (
        {**ROW, "confidence": 0.9},
        newer,
        {**ROW, "key": "greeting"},
        {**ROW, "key": "hello"},
    ):
        insert(database, ATTRIBUTES, {**row, **odd})
    before = dump(database, ATTRIBUTES)
    removals = [Proposal("remove", "noise", (row_id,)) for row_id in (3, 4)]
    done, plan_id = applied(database, planned(database, *removals))
    assert (done.refused, [row.id for row in rows_of(database)]) == ((), [2])
    after = dump(database, ATTRIBUTES)
    undone = undo.undo_plan(database, plan_id, occasion())
    assert dump(database, ATTRIBUTES) == before
    undo.undo_plan(database, undone.plan_id, occasion())
    assert dump(database, ATTRIBUTES) == after


@ONLY_SQLITE
def test_sqlite_rows_come_back_to_the_byte(database: Database) -> None:
    """SQLite keeps any type in any column: each value comes back with its type."""
    _undo_restores(database, SQLITE_COLUMNS)


@ONLY_POSTGRESQL
def test_postgresql_rows_come_back_to_the_byte(database: Database) -> None:
    """Each type of PostgreSQL travels as its own text, and comes back the same."""
    sql(database, "CREATE TYPE mood AS ENUM ('fine', 'so-so')")
    sql(database, "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")
    sql(database, "CREATE TYPE pair AS (number integer, word text)")
    _undo_restores(database, POSTGRESQL_COLUMNS)


@ONLY_POSTGRESQL
def test_a_session_of_other_habits_changes_no_byte(database: Database, database_url: str) -> None:
    """A time zone, an order of days and a rounding set for a database do not reach our images."""
    settings = {"timezone": "Asia/Kolkata", "datestyle": "ISO, DMY", "extra_float_digits": "-3"}
    for name, value in settings.items():
        sql(database, f"ALTER DATABASE {name_of(database_url)} SET {name} = '{value}'")
    with closing(opened(database_url)) as habitual:
        _undo_restores(habitual, POSTGRESQL_COLUMNS_OF_TIME)


def test_json_null_is_not_sql_null(database: Database) -> None:
    """Both mean nothing and fold; each comes back as what it was."""
    for value, minute in (("null", 1), (None, 2), ("1.10", 3), ("1.1", 4), ('{"b":1, "a":2}', 5)):
        row = {**ROW, "value": value, "updated_at": f"2026-01-02 00:0{minute}:00"}
        insert(database, ATTRIBUTES, row)
    before = dump(database, ATTRIBUTES)
    _, plan_id = applied(database, planned(database))
    assert [row.image["value"] for row in rows_of(database)] == [None, "1.1", '{"b":1, "a":2}']
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, ATTRIBUTES) == before


def test_ids_may_be_text(database: Database) -> None:
    """An assistant that names its rows by text is served as well."""
    sql(database, f"DROP TABLE {ATTRIBUTES}")
    columns = ", ".join(f"{name} text" for name in ROW if name != "confidence")
    sql(database, f"CREATE TABLE {ATTRIBUTES} (id text PRIMARY KEY, confidence float, {columns})")
    for row_id in ("a-1", "b-2"):
        names, places = ", ".join(ROW), ", ".join(f":{name}" for name in ROW)
        insertion = f"INSERT INTO {ATTRIBUTES} (id, {names}) VALUES ('{row_id}', {places})"
        sql(database, insertion, **ROW)
    before = dump(database, ATTRIBUTES)
    _, plan_id = applied(database, planned(database))
    assert [row.id for row in rows_of(database)] == ["a-1"]
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, ATTRIBUTES) == before


def test_a_column_that_the_database_computes_follows_by_itself(database: Database) -> None:
    """A generated column is neither written nor in the way, when rows change and come back."""
    kind = "VIRTUAL" if is_sqlite(database) else "STORED"
    computed = f"GENERATED ALWAYS AS (confidence > 0.85) {kind}"
    sql(database, f"ALTER TABLE {ATTRIBUTES} ADD COLUMN sure boolean {computed}")
    _undo_restores(database, {})


@ONLY_POSTGRESQL
def test_an_id_that_the_database_always_gives_is_put_back(database: Database) -> None:
    """A row comes back with its own id, also where ids are `GENERATED ALWAYS AS IDENTITY`."""
    sql(database, f"ALTER TABLE {ATTRIBUTES} ALTER COLUMN id DROP DEFAULT")
    sql(database, f"ALTER TABLE {ATTRIBUTES} ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY")
    _undo_restores(database, {})


@ONLY_SQLITE
def test_bytes_that_are_no_text_are_read_as_they_are(database: Database) -> None:
    """SQLite lets bytes that are no UTF-8 pass for a text: they come back as they were."""
    for key in ("color", "color", "greeting"):
        insert(database, ATTRIBUTES, {**ROW, "key": key})
    sql(database, f"UPDATE {ATTRIBUTES} SET source = CAST(x'ff41' AS text)")
    before = _raw(database)
    _, plan_id = applied(database, planned(database, Proposal("remove", "noise", (3,))))
    assert len(_raw(database)) == 1
    undo.undo_plan(database, plan_id, occasion())
    assert _raw(database) == before


def _raw(database: Database) -> list[tuple[Any, ...]]:
    query = "SELECT id, typeof(source), hex(source)"
    return sql(database, f"{query} FROM {ATTRIBUTES} ORDER BY id")
