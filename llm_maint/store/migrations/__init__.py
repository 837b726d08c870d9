"""Numbered, forward-only migrations; all that are missing are applied in one transaction."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.errors import ForeignTableError, SchemaError
from llm_maint.store import dialect
from llm_maint.store.migrations import (
    m0001_first,
    m0002_tries,
    m0003_memory,
    m0004_slots,
    m0005_memories,
    m0006_ticks,
)
from llm_maint.store.row_tables import OWN_TABLES
from llm_maint.store.schema import LATEST
from llm_maint.store.tables import schema_versions

MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    m0001_first.apply,
    m0002_tries.apply,
    m0003_memory.apply,
    m0004_slots.apply,
    m0005_memories.apply,
    m0006_ticks.apply,
)
"""Number n is at place n - 1. A migration that has landed never changes."""

assert len(MIGRATIONS) == LATEST, "a migration has come: count on in store.schema"


def version(connection: Connection) -> int | None:
    """Return the number of the last migration applied, None where none was."""
    if not own_table_exists(connection, schema_versions.name):
        return None
    found: int | None = connection.scalar(sa.select(sa.func.max(schema_versions.c.version)))
    return found


def upgrade(connection: Connection, *, now: datetime) -> tuple[int, int]:
    """Apply what is missing; return the version before and after.

    Raises:
        SchemaError: tables of our names are there that we did not make, or the schema is newer.

    """
    one_at_a_time(connection)
    found = version(connection)
    check_can_upgrade(connection, found)
    for number in range((found or 0) + 1, LATEST + 1):
        MIGRATIONS[number - 1](connection)
        connection.execute(schema_versions.insert().values(version=number, applied_at=now))
    return found or 0, LATEST


def check_can_upgrade(connection: Connection, found: int | None) -> None:
    """Refuse to begin where the version that was found cannot become the latest.

    Raises:
        ForeignTableError: tables of our names are there that we did not make.
        SchemaError: the schema is newer.

    """
    if found is None:
        _refuse_foreign_tables(connection)
    if (found or 0) > LATEST:
        raise SchemaError(
            f"schema version {found} is newer than {LATEST}: install a newer llm-maint"
        )


def one_at_a_time(connection: Connection) -> None:
    """Let only one process at once set things up, until the transaction ends.

    Two hosts may do so. The lock is the transaction's, so a pooler may stand between; its number is
    arbitrary and ours. On SQLite there is only one writer at once.
    """
    if dialect.is_postgresql(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0x11_AA_17)))


def own_table_exists(connection: Connection, name: str) -> bool:
    """Return whether a table of ours is there, in the schema that the settings name."""
    schema = own_schema(connection)
    return sa.inspect(connection).has_table(name, schema=schema)


def own_schema(connection: Connection) -> str | None:
    """Return the schema of our tables; None = the search path."""
    translated: str | None = connection.get_execution_options()["schema_translate_map"][
        dialect.OWN_SCHEMA
    ]
    return translated


def _refuse_foreign_tables(connection: Connection) -> None:
    for name in (table.name for table in OWN_TABLES.sorted_tables):
        if own_table_exists(connection, name):
            mend = "SQLite has one room for all tables, so this file cannot be shared: rename it"
            if dialect.is_postgresql(connection):
                mend = 'set database.schema = "llm_maint" to keep our tables apart'
            raise ForeignTableError(
                f"a table {name} is there already and is not ours: it stays as it is; {mend}"
            )
