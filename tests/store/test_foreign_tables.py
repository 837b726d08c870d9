"""Tables that are not ours: an assistant's own jobs, runs and profiles stay as they are."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from building import MORNING, NICK
from databases import ATTRIBUTES, PROFILES, dump, insert, is_sqlite, opened, sql

from llm_maint.errors import SchemaError
from llm_maint.store import profiles
from llm_maint.store.database import Database
from llm_maint.store.row_tables import OWN_TABLES

OUR_TABLES = {table.name for table in OWN_TABLES.tables.values()}


@pytest.fixture
def assistant(database_url: str) -> Iterator[Database]:
    """Return the empty database of an assistant."""
    fresh = opened(database_url)
    yield fresh
    fresh.close()


@pytest.mark.parametrize("name", ["scheduled_jobs", "job_runs", "maintenance_plans"])
def test_an_assistants_own_jobs_are_refused_and_untouched(assistant: Database, name: str) -> None:
    """A table of our name that we did not make is never altered; the message says what to do."""
    sql(assistant, f"CREATE TABLE {name} (id integer PRIMARY KEY, status text)")
    sql(assistant, f"INSERT INTO {name} VALUES (1, 'COMPLETED')")
    before = dump(assistant)
    mend = "rename it" if is_sqlite(assistant) else 'database.schema = "llm_maint"'
    with pytest.raises(SchemaError, match=f"table {name} .* {mend}"):
        assistant.upgrade(now=MORNING)
    assert dump(assistant) == before


ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""SQLite has no schemas and no types of its own."""


@ONLY_POSTGRESQL
def test_a_schema_of_our_own_keeps_tables_apart(database_url: str) -> None:
    """Beside an assistant's jobs ours live in `llm_maint`; the profiles are found in `public`."""
    theirs = opened(database_url)
    sql(theirs, "CREATE TYPE jobstatus AS ENUM ('PENDING', 'COMPLETED')")
    sql(theirs, "CREATE TABLE scheduled_jobs (id serial PRIMARY KEY, status jobstatus)")
    sql(theirs, "CREATE TABLE job_runs (id serial PRIMARY KEY, job_id integer)")
    sql(theirs, "INSERT INTO scheduled_jobs (status) VALUES ('COMPLETED')")
    _make_profiles(theirs, "timestamp")
    before = dump(theirs)
    ours = opened(database_url, schema="llm_maint")
    ours.upgrade(now=MORNING)
    ours.greeted(lambda: MORNING)
    with ours.read() as connection:
        look = sa.inspect(connection)
        assert set(look.get_table_names(schema="llm_maint")) == OUR_TABLES
        assert [row.key for row in profiles.attributes_of(connection, NICK)] == ["color"]
    assert dump(theirs, *before) == before
    assert theirs.version() is None
    for each in (ours, theirs):
        each.close()


@ONLY_POSTGRESQL
def test_profile_tables_are_made_beside_a_schema_of_our_own(database_url: str) -> None:
    """Where an assistant has no profiles yet, they are made on the search path, not in ours."""
    ours = opened(database_url, schema="llm_maint")
    ours.upgrade(now=MORNING)
    with ours.read() as connection:
        assert set(sa.inspect(connection).get_table_names(schema="public")) == {
            ATTRIBUTES,
            PROFILES,
            "memories",
        }
    ours.close()


def _make_profiles(database: Database, time: str) -> None:
    """Make profile tables of an assistant that has more columns than we know, and lacks some."""
    kind, number = "text", "integer PRIMARY KEY"
    if not is_sqlite(database):
        sql(database, "CREATE TYPE entitytype AS ENUM ('USER', 'BOT')")
        kind, number = "entitytype", "serial PRIMARY KEY"
    sql(
        database,
        f"CREATE TABLE {PROFILES} (id {number}, entity_type {kind}, entity_id varchar(100), "
        f"mood text DEFAULT 'calm', updated_at {time})",
    )
    sql(
        database,
        f"CREATE TABLE {ATTRIBUTES} (id {number}, entity_type {kind} NOT NULL, "
        f"entity_id varchar(100) NOT NULL, category varchar(50), key varchar(100), value json, "
        f"weight numeric(6, 3) DEFAULT 1.250, updated_at {time})",
    )
    row = {"entity_type": "USER", "entity_id": "nick", "updated_at": "2026-01-03 10:00:00"}
    insert(database, PROFILES, row)
    insert(database, ATTRIBUTES, {**row, "category": "fact", "key": "color", "value": '"blue"'})


@pytest.mark.parametrize("time", ["timestamp", "timestamp with time zone"])
def test_existing_profile_tables_are_kept_as_they_are(assistant: Database, time: str) -> None:
    """Profiles with more or fewer columns, enums or time zones are read in place, never altered."""
    _make_profiles(assistant, time)
    before = dump(assistant)
    shapes = _shapes(assistant)
    assistant.upgrade(now=MORNING)
    assert dump(assistant, ATTRIBUTES, PROFILES) == before
    assert _shapes(assistant) == shapes
    with assistant.read() as connection:
        (row,) = profiles.attributes_of(connection, NICK)
        (counted,) = profiles.entities(connection)
        head = profiles.head_of(connection, NICK)
    assert (row.key, row.value, row.confidence, row.source) == ("color", "blue", None, None)
    assert (row.updated_at, counted.updated_at) == (MORNING, MORNING)
    assert float(str(row.image["weight"])) == 1.25
    assert head is not None
    assert (head.summary, set(head.image)) == (None, {"id"})


def _shapes(database: Database) -> list[tuple[str, str, str, bool]]:
    with database.read() as connection:
        look = sa.inspect(connection)
        return [
            (table, each["name"], str(each["type"]), each["nullable"])
            for table in (ATTRIBUTES, PROFILES)
            for each in look.get_columns(table)
        ]


@ONLY_POSTGRESQL
def test_nothing_of_ours_is_left_beside_existing_profiles(assistant: Database) -> None:
    """An assistant that keeps entity types as text gets no enum type that nobody uses."""
    for table in (ATTRIBUTES, PROFILES):
        sql(assistant, f"CREATE TABLE {table} (id serial PRIMARY KEY, entity_type text)")
    assistant.upgrade(now=MORNING)
    assert sql(assistant, "SELECT typname FROM pg_type WHERE typtype = 'e'") == []
