"""The schema: what a migration makes is what the tables say, and only what fits is worked with."""

from typing import Any

import pytest
import sqlalchemy as sa
from building import MORNING, NICK, day
from databases import add_row, dump, is_sqlite, opened, sql
from sqlalchemy.engine import Connection

from llm_maint.errors import DatabaseUnavailableError, SchemaError
from llm_maint.store import judgements, profiles
from llm_maint.store.database import Database
from llm_maint.store.migrations import m0001_first
from llm_maint.store.row_tables import OWN_TABLES
from llm_maint.store.schema import LATEST
from llm_maint.store.tables import schema_versions


# SQLAlchemy reads no indexes of expressions; their text is compared instead.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_a_fresh_schema_is_the_one_the_tables_declare(database: Database) -> None:
    """Columns, types, nullability, defaults, keys, constraints and indexes are the same."""
    with database.write(rolls_back=True) as connection:
        if is_sqlite(database):
            migrated, schema = _schema(connection, None), None
            names = [row[1] for row in connection.execute(sa.text(_SQLITE_INDEXES))]
            for name in names:
                connection.execute(sa.text(f"DROP INDEX {name}"))
            for table in OWN_TABLES.tables.values():
                connection.execute(sa.text(f"ALTER TABLE {table.name} RENAME TO old_{table.name}"))
        else:
            migrated, schema = _schema(connection, "public"), "declared"
            connection.execute(sa.text("CREATE SCHEMA declared"))
        declared = connection.execution_options(schema_translate_map={"maint": schema})
        OWN_TABLES.create_all(declared, checkfirst=False)
        assert _schema(connection, schema) == migrated
    assert len(migrated) == len(OWN_TABLES.tables) == 16


_SQLITE_INDEXES = "SELECT type, name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"


def _schema(connection: Connection, schema: str | None) -> dict[str, Any]:
    look = sa.inspect(connection)
    return {
        name: {
            "columns": [
                (each["name"], str(each["type"]), each["nullable"], each.get("default"))
                for each in look.get_columns(name, schema=schema)
            ],
            "key": look.get_pk_constraint(name, schema=schema)["constrained_columns"],
            "unique": [
                each["column_names"] for each in look.get_unique_constraints(name, schema=schema)
            ],
            "checks": [
                (each["name"], each["sqltext"])
                for each in look.get_check_constraints(name, schema=schema)
            ],
            "indexes": _indexes(connection, name, schema),
        }
        for name in (table.name for table in OWN_TABLES.tables.values())
    }


def _indexes(connection: Connection, table: str, schema: str | None) -> list[str]:
    """Return the definitions of a table's indexes, expressions and conditions included."""
    sqlite = connection.dialect.name == "sqlite"
    query = (
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = :t"
        if sqlite
        else "SELECT indexdef FROM pg_indexes WHERE tablename = :t AND schemaname = :s"
    )
    names = {"t": table} if sqlite else {"t": table, "s": schema}
    texts = connection.execute(sa.text(query), names).scalars()
    return sorted(text.replace(f" {schema}.", " ").replace('"', "") for text in texts)


def test_the_first_upgrade_makes_everything(database_url: str) -> None:
    """An empty database has no version; after the upgrade it has the latest, and all tables."""
    fresh = opened(database_url)
    assert fresh.version() is None
    assert fresh.upgrade(now=MORNING) == (0, LATEST)
    assert fresh.version() == LATEST
    fresh.greeted(lambda: MORNING)
    assert set(dump(fresh)) == {
        *(table.name for table in OWN_TABLES.tables.values()),
        "entity_profiles",
        "entity_profile_attributes",
        "memories",
    }
    fresh.close()


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    """An upgrade of the latest schema is a no-op."""
    before = dump(database)
    assert database.upgrade(now=day(1)) == (LATEST, LATEST)
    assert dump(database) == before


def test_the_first_schema_that_landed_is_upgraded_without_loss(database_url: str) -> None:
    """A database of version 1 with rows in it gets what is new, and keeps the rest to the byte."""
    old = opened(database_url)
    with old.write() as connection:
        m0001_first.apply(connection)
        connection.execute(schema_versions.insert().values(version=1, applied_at=MORNING))
    add_row(old, "color", '"blue"')
    with old.write() as connection:
        rows = profiles.attributes_of(connection, NICK)
        judgements_of_the_past = sa.text(
            "INSERT INTO maintenance_profile_states VALUES ('user', 'nick', 'abc', :at)"
        )
        connection.execute(judgements_of_the_past, {"at": "2026-01-03 10:00:00"})
    before = dump(old)
    assert old.upgrade(now=day(1)) == (1, LATEST)
    old.greeted(lambda: MORNING)
    after = dump(old)
    for later in ("tries", "memory", "wear", "pins"):
        assert after.pop(f"maintenance_profile_{later}") == []
    for later in ("shares", "share_items", "share_workers", "ticks"):
        assert after.pop(f"maintenance_{later}") == []
    for later in ("maintenance_memory_vectors", "maintenance_memory_sightings", "memories"):
        assert after.pop(later) == []
    del after["maintenance_schema"]
    assert after == {name: rows for name, rows in before.items() if name != "maintenance_schema"}
    with old.read() as connection:
        assert profiles.attributes_of(connection, NICK) == rows
        assert judgements.judged_fingerprint(connection, NICK) == "abc"
    old.close()


def test_an_upgrade_that_fails_leaves_nothing(database_url: str) -> None:
    """All migrations are one transaction: after an error the database is as empty as before."""
    fresh = opened(database_url)
    sql(fresh, "CREATE TABLE maintenance_plans (id integer PRIMARY KEY)")
    with pytest.raises((sa.exc.DBAPIError, SchemaError), match="maintenance_plans"):
        fresh.upgrade(now=MORNING)
    assert set(dump(fresh)) == {"maintenance_plans"}
    fresh.close()


def test_a_newer_schema_is_refused(database: Database) -> None:
    """A schema of a newer version is neither worked with nor upgraded."""
    sql(database, "INSERT INTO maintenance_schema VALUES (99, '2026-01-01 00:00:00+00')")
    before = dump(database)
    with pytest.raises(SchemaError, match="newer llm-maint"):
        database.greeted(lambda: MORNING)
    with pytest.raises(SchemaError, match="newer llm-maint"):
        database.upgrade(now=day(1))
    assert dump(database) == before


@pytest.mark.parametrize(
    ("preparation", "message"),
    [
        pytest.param("DROP TABLE maintenance_schema", "llm-maint init", id="missing"),
        pytest.param("DELETE FROM maintenance_schema", "llm-maint init", id="empty"),
        pytest.param("DELETE FROM maintenance_schema WHERE version > 1", "db upgrade", id="older"),
    ],
)
def test_a_schema_that_does_not_fit_says_what_to_do(
    database: Database, preparation: str, message: str
) -> None:
    """A missing or older schema is refused, and the message names the command that mends it."""
    sql(database, preparation)
    with pytest.raises(SchemaError, match=message):
        database.greeted(lambda: MORNING)


def test_a_missing_file_is_an_error_and_stays_missing(tmp_path_factory: Any) -> None:  # noqa: ANN401
    """Only what may create a database does: a mistyped path makes neither file nor folder."""
    folder = tmp_path_factory.mktemp("home")
    missing = opened(f"sqlite:///{folder}/deep/memory.db", create=False)
    with pytest.raises(DatabaseUnavailableError, match="llm-maint init"):
        missing.greeted(lambda: MORNING)
    with pytest.raises(DatabaseUnavailableError, match="llm-maint init"):
        missing.upgrade(now=MORNING)
    missing.close()
    assert list(folder.iterdir()) == []


def test_a_new_file_is_its_owners_alone(tmp_path_factory: Any) -> None:  # noqa: ANN401
    """A memory is private: a file of our making can be read by its owner only."""
    path = tmp_path_factory.mktemp("home") / "deep" / "memory.db"
    fresh = opened(f"sqlite:///{path}")
    fresh.upgrade(now=MORNING)
    fresh.close()
    assert path.stat().st_mode & 0o777 == 0o600
