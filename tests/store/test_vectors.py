"""Vectors are read from whatever column holds them, and kept of memories that have none."""

import json
import math
import struct
from array import array
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from building import memory
from databases import dump, is_sqlite, name_of, sql
from remembering import MEMORIES, NOVA, add_memory, make_table

from llm_maint.domain.entity import Entity
from llm_maint.store import vectors
from llm_maint.store.database import Database

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ONE, TWO = [0.25, -1.5, 3.0], [1.0, 0.0, 0.0]


def _packed(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _own(database: Database, entity: Entity = NOVA, **wanted: object) -> dict[str, bytes]:
    with database.read() as connection:
        return dict(vectors.own_vectors(connection, entity, **wanted))  # type: ignore[arg-type]


def _extension(database: Database, url: str, schema: str, *, on_path: bool) -> None:
    sql(database, f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    sql(database, f'CREATE EXTENSION vector SCHEMA "{schema}"')
    if on_path:
        path = f'public, "{schema}"'
        sql(database, f"ALTER DATABASE {name_of(url)} SET search_path = {path}")
        database.engine.dispose()


def test_a_column_of_plain_numbers(database: Database) -> None:
    """What migration 5 makes without pgvector: an array, or on SQLite packed bytes."""
    for row_id, numbers in (("m1", ONE), ("m2", TWO), ("m3", None)):
        value = numbers and (_packed(numbers) if is_sqlite(database) else numbers)
        add_memory(database, id=row_id, embedding=value)
    add_memory(database, id="m1", bot_id="max", embedding=None)
    assert _own(database) == {"m1": _packed(ONE), "m2": _packed(TWO)}
    assert _own(database, ids=["m2", "m3", "none"]) == {"m2": _packed(TWO)}
    assert _own(database, column="meaning_embedding") == {}
    assert _own(database, column="no such column") == {}
    assert _own(database, Entity.remembering("max")) == {}
    with database.read() as connection:
        assert sorted(vectors.ids_without(connection, NOVA, ["m1", "m3"])) == ["m3"]


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    "kind",
    [
        *("vector", "vector(3)", "halfvec", "halfvec(3)"),
        *("real[]", "double precision[]", "numeric[]", "json", "jsonb", "text", "varchar(200)"),
    ],
)
def test_each_type_that_may_hold_a_vector(database: Database, kind: str) -> None:
    """All come as packed floats of 32 bits."""
    sql(database, "CREATE EXTENSION vector")
    make_table(database, embedding=kind)
    for row_id, numbers in (("m1", ONE), ("m2", TWO)):
        text = json.dumps(numbers)
        value = text.replace("[", "{").replace("]", "}") if kind.endswith("[]") else text
        add_memory(database, id=row_id, embedding=value)
    assert _own(database) == {"m1": _packed(ONE), "m2": _packed(TWO)}
    assert _own(database, ids=["m2"]) == {"m2": _packed(TWO)}


@ONLY_POSTGRESQL
@pytest.mark.parametrize("kind", ["vector", "vector(3)", "halfvec(3)"])
@pytest.mark.parametrize("schema", ["extensions", "Odd one", "a.b"])
@pytest.mark.parametrize("on_path", [True, False])
def test_an_extension_in_a_schema_of_its_own(
    database: Database, database_url: str, kind: str, schema: str, *, on_path: bool
) -> None:
    """The type is found by the schema that it is in, whether statements look there or not."""
    _extension(database, database_url, schema, on_path=on_path)
    make_table(database, embedding=f'"{schema}".{kind}')
    add_memory(database, id="m1", embedding=json.dumps(ONE))
    assert _own(database) == {"m1": _packed(ONE)}


UNREADABLE = {
    "json": ['"no"', "7", "{}", "[]", '["a"]', "[[1, 2]]", "[null]", "null"],
    "text": ["no", "", "[1, 2", "[NaN]", "[Infinity]", "[1e999]", "{1,NULL}", "[1e300]"],
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in UNREADABLE.items() for value in values]
)
def test_what_is_no_vector_is_none(database: Database, kind: str, value: str) -> None:
    """It hides no other, and a number that 32 bits cannot hold would spoil every comparison."""
    make_table(database, embedding=kind)
    add_memory(database, id="m1", embedding=value)
    add_memory(database, id="m2", embedding=json.dumps(TWO))
    assert _own(database) == {"m2": _packed(TWO)}


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(
            ("real[]", each)
            for each in ("{1,NULL}", "{NaN,1}", "{Infinity}", "{}", "{{1,2},{3,4}}")
        ),
        *(("double precision[]", each) for each in ("{1e300}", "{NULL}", "{NaN}")),
        *(("text[]", each) for each in ("{a,b}", "{1,x}", "{}")),
        ("sparsevec(3)", "{1:1,3:2}/3"),
        ("bytea", "\\x0000803f"),
        ("boolean", "true"),
    ],
)
def test_what_is_no_vector_of_postgresql_is_none(database: Database, kind: str, value: str) -> None:
    """An array may hold NULL, or what is no number; another type holds nothing of the kind."""
    sql(database, "CREATE EXTENSION vector")
    make_table(database, embedding=kind)
    add_memory(database, id="m1", embedding=value)
    assert _own(database) == {}


@ONLY_SQLITE
@pytest.mark.parametrize("kind", ["blob", "text", "json", ""])
def test_sqlite_holds_bytes_or_a_list_in_any_column(database: Database, kind: str) -> None:
    """Packed floats, JSON as text, and JSON as bytes, however long it is."""
    make_table(database, embedding=kind)
    add_memory(database, id="m1", embedding=_packed(ONE))
    add_memory(database, id="m2", embedding=json.dumps(ONE))
    for row_id, text in (("m3", "[0.25, -1.5, 3.0]"), ("m4", "[0.25, -1.5, 3.00]")):
        add_memory(database, id=row_id, embedding=text.encode())
    for row_id, wrong in (("m5", b""), ("m6", b"abc"), ("m7", 7), ("m8", 1.5)):
        add_memory(database, id=row_id, embedding=wrong)
    add_memory(database, id="m9", embedding=_packed([math.nan, 1.0]))
    begins_so = array("f", [0.0])
    begins_so.frombytes(b"[ab]")
    add_memory(database, id="m10", embedding=begins_so.tobytes()[4:])
    add_memory(database, id="m11", embedding=b"[ab]" + _packed(TWO) + b"cde]")
    found = _own(database)
    assert {name: found[name] for name in ("m1", "m2", "m3", "m4")} == dict.fromkeys(
        ("m1", "m2", "m3", "m4"), _packed(ONE)
    )
    assert set(found) == {"m1", "m2", "m3", "m4", "m10", "m11"}


@ONLY_POSTGRESQL
def test_a_session_of_other_habits_rounds_nothing(database: Database, database_url: str) -> None:
    """Every bit of a plain array is read, however a database likes its numbers written."""
    sql(database, f"ALTER DATABASE {name_of(database_url)} SET extra_float_digits = -3")
    database.engine.dispose()
    numbers = [0.1, 1 / 3, 123456.789]
    add_memory(database, id="m1", embedding=numbers)
    assert _own(database) == {"m1": _packed(numbers)}


def test_reading_vectors_changes_nothing_for_what_comes_after(database: Database) -> None:
    """In a transaction that has read vectors, rows can be written as before."""
    add_memory(database, id="m1", embedding=None)
    with database.write() as connection:
        assert list(vectors.own_vectors(connection, NOVA)) == []
        done = connection.execute(sa.text(f"DELETE FROM {MEMORIES}"))
        assert done.rowcount == 1
        vectors.keep_vectors(connection, NOVA, [(memory("m1"), b"1234")], model="e")
    assert dump(database, MEMORIES)[MEMORIES] == []


def test_vectors_that_a_model_made_are_kept(database: Database) -> None:
    """By bot, model, and the digest of what they were made of; newer ones replace older ones."""
    first, second = memory("m1", "Plays chess"), memory("m2", "Plays go")
    maxs = Entity.remembering("max")

    def keep(entity: Entity, *new: tuple[object, bytes], model: str = "e") -> None:
        with database.write() as connection:
            vectors.keep_vectors(connection, entity, new, model=model)  # type: ignore[arg-type]

    def kept(entity: Entity = NOVA, model: str = "e") -> dict[str, bytes]:
        with database.read() as connection:
            return dict(vectors.kept_vectors(connection, entity, model=model))

    keep(NOVA, (first, b"1111"), (second, b"2222"))
    keep(maxs, (first, b"3333"))
    assert kept() == {vectors.digest(first): b"1111", vectors.digest(second): b"2222"}
    assert kept(maxs) == {vectors.digest(first): b"3333"}
    assert kept(model="another") == {}
    again = first.with_text("Plays chess on Tuesdays")
    keep(NOVA, (again, b"4444"))
    assert kept() == {vectors.digest(again): b"4444", vectors.digest(second): b"2222"}
    keep(NOVA, (second, b"5555"), model="another")
    assert set(kept()) == {vectors.digest(again)}
    assert kept(model="another") == {vectors.digest(second): b"5555"}
    keep(NOVA)
    with database.write() as connection:
        vectors.forget_vectors(connection, NOVA, ["m1", "m2", "none"])
    assert (kept(), kept(model="another")) == ({}, {})
    assert kept(maxs) == {vectors.digest(first): b"3333"}


def test_a_digest_is_of_the_id_and_the_text_alone() -> None:
    """Tags and times say nothing new; two memories of one text have a vector each."""
    one = memory("m1", "Plays chess")
    assert vectors.digest(one) == vectors.digest(memory("m1", "Plays chess", tags=("a",)))
    others = [memory("m2", "Plays chess"), memory("m1", "Plays go"), memory("m1P", "lays chess")]
    assert vectors.digest(one) not in map(vectors.digest, others)
    assert len(vectors.digest(memory("m1", "\u00fc \U0001f600"))) == 32
