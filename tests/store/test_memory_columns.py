"""Columns of memories as assistants have them: odd types and values are read, and put back."""

from typing import Any

import pytest
import sqlalchemy as sa
from building import MORNING, day
from consolidating import occasion
from databases import dump, is_sqlite, name_of, sql
from remembering import (
    COLUMNS,
    MEMORIES,
    NOVA,
    add_memory,
    applied,
    make_table,
    memories_in,
    merging,
    planned,
)

from llm_maint.domain.reply import Proposal
from llm_maint.errors import DataError
from llm_maint.store import memories, undo
from llm_maint.store.database import Database

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _undo_restores(database: Database, *proposals: Proposal) -> dict[str, Any]:
    """Consolidate, undo, and undo that, each to the byte; return the images in between."""
    before = dump(database, MEMORIES)
    _, plan_id = applied(database, planned(database, *proposals))
    after = dump(database, MEMORIES)
    assert after != before
    found = {row.id: dict(row.image) for row in memories_in(database, whole=True).values()}
    undone = undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before
    assert not undone.altered
    undo.undo_plan(database, undone.plan_id, occasion())
    assert dump(database, MEMORIES) == after
    return found


def test_a_memory_that_says_nothing_of_itself(database: Database) -> None:
    """All that may be NULL is None, or empty; it is merged and put back like any other."""
    make_table(database, session_id="text", pinned="boolean")
    nothing: dict[str, Any] = {"created_at": None, "updated_at": None}
    add_memory(database, None, id="m1", **nothing)
    add_memory(database, "Plays chess", id="m2", **nothing)
    add_memory(database, "Plays chess", id="m3", **nothing)
    found = memories_in(database)["m1"]
    assert (found.content, found.tags, found.source_message_ids) == ("", (), ())
    assert (found.importance, found.access_count, found.session) == (None, None, None)
    assert (found.last_accessed, found.created_at, found.updated_at) == (None, None, None)
    assert not found.is_marked
    assert set(_undo_restores(database)) == {"m1", "m2"}


def test_columns_that_a_table_lacks(database: Database) -> None:
    """An id and a text are a memory, and no other column is asked for."""
    make_table(database, without=set(COLUMNS) - {"bot_id", "id", "content"})
    for row_id in ("m1", "m2"):
        add_memory(database, id=row_id)
    assert set(memories_in(database)["m1"].image) == {"bot_id", "id", "content"}
    assert set(_undo_restores(database)) == {"m1"}


def test_columns_that_we_do_not_know_are_left_alone(database: Database) -> None:
    """A winner keeps its own, a row that comes back has them again, whatever they hold."""
    kind = "text" if is_sqlite(database) else "numeric(6, 3)[]"
    make_table(database, mood="text NOT NULL DEFAULT 'calm'", weights=kind)
    add_memory(database, id="m1", mood="happy", weights="{1.500,NULL}", access_count=1)
    add_memory(database, id="m2", mood="sad", weights="{2.000}", access_count=2)
    after = _undo_restores(database)["m1"]
    assert (after["mood"], after["weights"]) == ("happy", "{1.500,NULL}")
    assert str(after["access_count"]) == "3"


def test_a_column_that_the_database_computes_follows_by_itself(database: Database) -> None:
    """It is neither written nor in the way, when its source changes and comes back."""
    kind = "VIRTUAL" if is_sqlite(database) else "STORED"
    make_table(database, more=f"size integer GENERATED ALWAYS AS (length(content)) {kind}")
    for row_id, text in (("m1", "Plays chess"), ("m2", "Chess on Tuesdays"), ("m3", "Hello")):
        add_memory(database, text, id=row_id)
    before = dump(database, MEMORIES)
    _, plan_id = applied(database, merging(database, "Plays chess on Tuesdays", "m1", "m2"))
    assert sql(database, f"SELECT size FROM {MEMORIES} WHERE id = 'm1'") == [(23,)]
    undone = undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before
    assert not undone.altered
    undo.undo_plan(database, undone.plan_id, occasion())
    assert sql(database, f"SELECT size FROM {MEMORIES} WHERE id = 'm1'") == [(23,)]


@pytest.mark.parametrize("time", ["timestamp", "timestamp with time zone", "timestamp(3)", "text"])
def test_times_with_and_without_a_zone(database: Database, time: str) -> None:
    """Without one it is UTC; a winner takes the earliest and the latest as they are written."""
    make_table(database, last_accessed=time, created_at=time, updated_at=time)
    for row_id, number in (("m1", 3), ("m2", 4), ("m3", 2)):
        moment = f"2026-01-0{number} 10:00:00"
        times = dict.fromkeys(("created_at", "updated_at", "last_accessed"), moment)
        add_memory(database, id=row_id, **times)
    found = memories_in(database)
    assert [found[i].created_at for i in ("m1", "m2", "m3")] == [MORNING, day(1), day(-1)]
    applied(database, planned(database, ids=["m1", "m2"]))
    one = memories_in(database)["m2"]
    assert (one.created_at, one.updated_at, one.last_accessed) == (MORNING, day(1), day(1))
    _undo_restores(database)


@ONLY_POSTGRESQL
def test_a_session_of_other_habits_changes_nothing(database: Database, database_url: str) -> None:
    """Times, numbers and the order of days are read in one form, whatever a database prefers."""
    make_table(database, updated_at="timestamp with time zone", importance="double precision")
    settings = {"timezone": "Asia/Kolkata", "datestyle": "ISO, DMY", "extra_float_digits": "-3"}
    for name, value in settings.items():
        sql(database, f"ALTER DATABASE {name_of(database_url)} SET {name} = '{value}'")
    database.engine.dispose()
    for row_id in ("m1", "m2"):
        stated = {"created_at": "2026-01-03 10:00:00", "updated_at": "2026-01-03 10:00:00+00"}
        add_memory(database, id=row_id, importance=0.123456789012, access_count=1, **stated)
    found = memories_in(database)["m1"]
    assert (found.created_at, found.updated_at) == (MORNING, MORNING)
    assert found.importance == 0.123456789012
    with database.read() as connection:
        assert [each.updated_at for each in memories.bots(connection)] == [MORNING]
    assert str(_undo_restores(database)["m1"]["updated_at"]) == "2026-01-03 10:00:00+00"


@pytest.mark.parametrize("column", ["created_at", "updated_at", "last_accessed"])
@pytest.mark.parametrize("time", ["infinity", "-infinity", "0044-03-15 10:00:00 BC", "soon"])
def test_a_time_that_is_none_names_its_memory(database: Database, column: str, time: str) -> None:
    """Nobody could say what it means: the error says which memory of which column."""
    if time == "soon" and not is_sqlite(database):
        make_table(database, **{column: "text"})
    add_memory(database, id="m1", **{column: time})
    add_memory(database, bot_id="max")
    with (
        database.read() as connection,
        pytest.raises(DataError, match=f"^memory m1: {column}: '.*' is not a time"),
    ):
        memories.memories_of(connection, NOVA)
    with database.read() as connection:  # and hides no other bot
        assert [each.entity.id for each in memories.bots(connection)] == ["max", "nova"]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        *(("real", value) for value in ("NaN", "Infinity", "-Infinity")),
        *(("text", value) for value in ("high", "", "1e999")),
    ],
)
def test_an_importance_that_is_no_number_is_unknown(
    database: Database, kind: str, written: str
) -> None:
    """It is None: any number counts for more; it is put back as it was."""
    make_table(database, importance=kind)
    add_memory(database, id="m1", importance=written, updated_at="2026-01-02")
    add_memory(database, id="m2", importance=0.25)
    add_memory(database, "Good morning", id="m3", importance=written)
    assert [row.importance for row in memories_in(database).values()] == [None, 0.25, None]
    after = _undo_restores(database, Proposal("remove", "a greeting", ("m3",)))
    assert float(after["m1"]["importance"]) == 0.25


@ONLY_SQLITE
def test_a_number_of_sqlite_may_be_infinite(database: Database) -> None:
    """Where it writes one of its own; and a count may be text."""
    infinite = float("inf")
    add_memory(database, id="m1", importance=infinite, access_count="many")
    add_memory(database, "plays chess on tuesdays", id="m2", importance=-infinite, access_count=3)
    found = memories_in(database)
    assert [row.importance for row in found.values()] == [None, None]
    assert found["m1"].access_count is None
    assert _undo_restores(database)["m1"]["access_count"] == 3


@pytest.mark.parametrize(
    ("kind", "written", "is_marked"),
    [
        ("boolean", True, True),
        ("boolean", False, False),
        ("integer", 1, True),
        ("integer", 0, False),
        ("text", "yes", True),
        ("text", "no", False),
        ("text", None, False),
    ],
)
@pytest.mark.parametrize("name", memories.MARKS)
def test_a_column_may_protect_a_memory(
    database: Database, name: str, kind: str, written: object, *, is_marked: bool
) -> None:
    """What an assistant pins itself is known by its column."""
    make_table(database, **{name: kind})
    add_memory(database, id="m1", **{name: written})  # type: ignore[arg-type]
    assert memories_in(database)["m1"].is_marked is is_marked


@pytest.mark.parametrize("name", memories.SESSIONS)
def test_a_column_may_name_the_conversation(database: Database, name: str) -> None:
    """It is told as text, be it a number."""
    make_table(database, **{name: "integer"})
    add_memory(database, id="m1", **{name: 7})  # type: ignore[arg-type]
    assert memories_in(database)["m1"].session == "7"


@pytest.mark.parametrize("kind", ["integer", "bigint", "uuid", "char(40)"])
def test_ids_need_not_be_text(database: Database, kind: str) -> None:
    """A memory is found by its number or UUID, changed, deleted and put back under it."""
    ids = ["9", "10", "11"]
    if kind in ("uuid", "char(40)"):
        ids = [f"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a{each:0>2}" for each in ids]
    make_table(database, id=f"{kind} PRIMARY KEY")
    for row_id in ids:
        add_memory(database, id=row_id, access_count=1)
    with database.read() as connection:
        found = memories.memories_of(connection, NOVA, ids=ids[:2])
        assert sorted(row.id for row in found) == sorted(ids[:2])
        assert memories.memory_named(connection, NOVA, ids[0]).id == ids[0]
    assert set(_undo_restores(database)) == {ids[0]}


def test_many_memories_are_named_at_once(database: Database) -> None:
    """More ids than one statement names come from as many as it takes; none is there twice."""
    rows = [{"b": "nova", "i": f"{number:04}", "c": f"Text {number}"} for number in range(1_201)]
    with database.write() as connection:
        insertion = f"INSERT INTO {MEMORIES} (bot_id, id, content) VALUES (:b, :i, :c)"
        connection.execute(sa.text(insertion), rows)
    with database.read() as connection:
        wanted = [row["i"] for row in rows[1:]]
        found = memories.memories_of(connection, NOVA, ids=[*wanted, "none"])
        assert [row.id for row in found] == wanted
        assert memories.memories_of(connection, NOVA, ids=[]) == []
