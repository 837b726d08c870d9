"""Migration 5: a table of memories where there is none, and an assistant's own ones untouched."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from building import MORNING, NICK, day
from databases import add_profile, add_row, dump, is_sqlite, name_of, opened, schedule_all, sql
from remembering import COLUMNS, MEMORIES, NOVA, add_memory, make_table, memories_in

from llm_maint.errors import MaintError
from llm_maint.store import memories, pins
from llm_maint.store.database import Database
from llm_maint.store.migrations import MIGRATIONS
from llm_maint.store.schema import LATEST
from llm_maint.store.tables import schema_versions

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

VECTORS = ("embedding", "meaning_embedding")

OURS = {"maintenance_memory_vectors", "maintenance_memory_sightings", "maintenance_ticks"}


@pytest.fixture
def old(database_url: str) -> Iterator[Database]:
    """Return a database of version 4 that somebody has worked with."""
    database = opened(database_url)
    with database.write() as connection:
        for number, migration in enumerate(MIGRATIONS[:4], start=1):
            migration(connection)
            connection.execute(schema_versions.insert().values(version=number, applied_at=MORNING))
    add_profile(database, summary="as it was")
    add_row(database, "color", '"blue"')
    schedule_all(database, now=MORNING)
    with database.write() as connection:
        pins.pin(connection, NICK, "color", now=MORNING)
    yield database
    database.close()


def _upgraded(database: Database) -> None:
    assert database.upgrade(now=day(1)) == (4, LATEST)
    database.greeted(lambda: MORNING)


def _columns(database: Database, table: str = MEMORIES) -> dict[str, str]:
    """Return the type of each column."""
    query = "SELECT name, type FROM pragma_table_info(:name)"
    if not is_sqlite(database):
        query = (
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(:name) AND attnum > 0"
        )
    return {row[0]: row[1] for row in sql(database, query, name=table)}


def _rows(database: Database) -> dict[str, list[str]]:
    found = dump(database)
    del found["maintenance_schema"]
    return found


def test_an_upgrade_loses_nothing(old: Database) -> None:
    """Every row of every table is to the byte what it was; the new tables are empty."""
    before = _rows(old)
    _upgraded(old)
    after = _rows(old)
    assert [after.pop(name) for name in (*OURS, MEMORIES)] == [[]] * 4
    assert after == before
    assert old.upgrade(now=day(2)) == (LATEST, LATEST)


def test_memories_are_made_where_there_are_none(old: Database) -> None:
    """In the shape that most assistants have: one table for all bots, named by bot and id."""
    _upgraded(old)
    assert set(_columns(old)) == {
        *COLUMNS,
        *VECTORS,
        *("intent", "stakes", "emotional_charge", "recurrence_keywords", "meaning_updated_at"),
    }
    with old.read() as connection:
        key = sa.inspect(connection).get_pk_constraint(MEMORIES)["constrained_columns"]
        assert memories.bots(connection) == []
    assert key == ["bot_id", "id"]
    add_memory(old)
    add_memory(old, bot_id="max")
    assert len(memories_in(old)) == 1


def test_a_vector_is_a_blob_or_a_plain_array(old: Database) -> None:
    """Without pgvector anything of numbers does."""
    _upgraded(old)
    kind = "BLOB" if is_sqlite(old) else "real[]"
    assert [_columns(old)[name] for name in VECTORS] == [kind, kind]


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    ("schema", "path", "kind"),
    [
        pytest.param("public", "public", "vector", id="where all tables are"),
        pytest.param("extensions", "public, extensions", "vector", id="on the search path"),
        pytest.param("extensions", "public", "real[]", id="where no statement finds it"),
    ],
)
def test_a_vector_is_pgvectors_where_it_is_found(
    old: Database, database_url: str, schema: str, path: str, kind: str
) -> None:
    """The extension's own type, if its name is enough."""
    sql(old, f"CREATE SCHEMA IF NOT EXISTS {schema}")
    sql(old, f"CREATE EXTENSION vector SCHEMA {schema}")
    sql(old, f"ALTER DATABASE {name_of(database_url)} SET search_path = {path}")
    old.engine.dispose()
    _upgraded(old)
    assert [_columns(old)[name] for name in VECTORS] == [kind, kind]


@ONLY_POSTGRESQL
def test_a_table_named_vector_is_no_type_of_vectors(old: Database) -> None:
    """Each table is a type of its rows as well; vectors are no such rows."""
    sql(old, "CREATE TABLE vector (id integer, name text)")
    _upgraded(old)
    assert _columns(old)["embedding"] == "real[]"


TABLES = [MEMORIES, "nova_memories"]


@pytest.mark.parametrize("name", TABLES)
def test_memories_that_are_there_are_left_as_they_are(old: Database, name: str) -> None:
    """In whichever shape: no table is made beside them, no column altered, no row written."""
    make_table(old, name, more="mood text DEFAULT 'calm'")
    add_memory(old, table=name)
    before, shape = _rows(old), _columns(old, name)
    _upgraded(old)
    after = _rows(old)
    for ours in OURS:
        del after[ours]
    assert (after, _columns(old, name)) == (before, shape)
    assert len(memories_in(old, NOVA)) == 1


@pytest.mark.parametrize(
    "made",
    [
        pytest.param("CREATE TABLE {} (id integer, picture text)", id="another table"),
        pytest.param("CREATE VIEW {} AS SELECT 1 AS id", id="a view"),
    ],
)
@pytest.mark.parametrize("name", TABLES)
def test_what_is_named_so_keeps_its_name(old: Database, name: str, made: str) -> None:
    """The name is taken, whatever it is taken for; nothing is made, and it stays."""
    sql(old, made.format(name))
    before = set(_everything(old))
    _upgraded(old)
    assert {n for n in set(_everything(old)) - before if not n.startswith("maintenance_")} == set()


def test_names_of_tables_in_capitals(old: Database) -> None:
    """SQLite knows no case in names, so "Memories" is it; PostgreSQL does, and it is another."""
    sql(old, 'CREATE TABLE "Memories" (bot_id text, id text, content text)')
    sql(old, "INSERT INTO \"Memories\" VALUES ('nova', 'm1', 'Plays chess')")
    _upgraded(old)
    assert len(memories_in(old)) == (1 if is_sqlite(old) else 0)
    assert len(sql(old, 'SELECT * FROM "Memories"')) == 1


def _everything(database: Database) -> list[Any]:
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    if not is_sqlite(database):
        query = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v')"
    return [name for (name,) in sql(database, query)]


@ONLY_POSTGRESQL
def test_a_partitioned_table_is_there(old: Database) -> None:
    """So is one whose rows are in its partitions alone."""
    make_table(old, more="PRIMARY KEY (bot_id, id)", end="PARTITION BY LIST (bot_id)")
    sql(old, f"CREATE TABLE nova_memories PARTITION OF {MEMORIES} FOR VALUES IN ('nova')")
    add_memory(old)
    _upgraded(old)
    assert len(memories_in(old)) == 1


@ONLY_POSTGRESQL
def test_a_schema_that_nobody_looks_into_holds_no_memories(old: Database) -> None:
    """What no statement finds is not there: then a table is made where statements look."""
    sql(old, "CREATE SCHEMA elsewhere")
    make_table(old, f"elsewhere.{MEMORIES}")
    _upgraded(old)
    assert sql(old, f"SELECT count(*) FROM public.{MEMORIES}") == [(0,)]


def test_an_upgrade_that_dies_leaves_version_4(old: Database) -> None:
    """Nothing of it is there, neither our tables nor theirs."""
    sql(old, "CREATE TABLE maintenance_memory_sightings (id integer)")
    before = dump(old)
    with pytest.raises((sa.exc.DBAPIError, MaintError)):
        old.upgrade(now=day(1))
    assert dump(old) == before
    assert old.version() == 4
