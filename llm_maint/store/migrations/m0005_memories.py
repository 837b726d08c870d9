"""Migration 5: memories where an assistant has none yet; vectors and sightings of them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from llm_maint.store.columns import RawType
from llm_maint.store.dialect import OWN_SCHEMA, is_postgresql

_own = sa.MetaData(schema=OWN_SCHEMA)

sa.Table(
    "maintenance_memory_vectors",
    _own,
    sa.Column("bot_id", sa.Text, primary_key=True),
    sa.Column("row_id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)
sa.Table(
    "maintenance_memory_sightings",
    _own,
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("bot_id", sa.Text, primary_key=True),
    sa.Column("row_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Index("maintenance_memory_sightings_row_idx", "bot_id", "row_id"),
)

MEMORIES = "memories"
"""One table for all bots; an assistant may have a table of its own for each, `nova_memories`."""


def apply(connection: Connection) -> None:
    """Create our own tables and, where there are no memories in any shape, a table of them."""
    _own.create_all(connection, checkfirst=False)
    names = _visible_tables(connection)
    if not any(name == MEMORIES or name.endswith(f"_{MEMORIES}") for name in names):
        memory_table(connection).create(connection)


def memory_table(connection: Connection) -> sa.Table:
    """Return the table of memories in the shape that assistants have it.

    Vectors are pgvector's where the extension is there, else a plain array; on SQLite a blob.
    """
    postgres = is_postgresql(connection)
    time = sa.DateTime() if postgres else sa.Text()
    json = postgresql.JSON() if postgres else sa.Text()
    vector: sa.types.TypeEngine[Any] = sa.LargeBinary()
    if postgres:
        vector = RawType("vector") if _has_pgvector(connection) else postgresql.ARRAY(sa.REAL())
    return sa.Table(
        MEMORIES,
        sa.MetaData(),
        sa.Column("bot_id", sa.String(100), primary_key=True),
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("tags", json),
        sa.Column("importance", sa.REAL),
        sa.Column("source_message_ids", json),
        sa.Column("access_count", sa.Integer, server_default="0"),
        sa.Column("last_accessed", time),
        sa.Column("intent", sa.Text),
        sa.Column("stakes", sa.Text),
        sa.Column("emotional_charge", sa.REAL),
        sa.Column("recurrence_keywords", json),
        sa.Column("meaning_updated_at", time),
        sa.Column("created_at", time),
        sa.Column("updated_at", time),
        sa.Column("embedding", vector),
        sa.Column("meaning_embedding", vector),
    )


def _visible_tables(connection: Connection) -> list[str]:
    # Of views too, which take the name as well; SQLite knows no case in names.
    query = "SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view')"
    if is_postgresql(connection):
        query = """
            SELECT relname FROM pg_class
            WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(oid)
            """
    return list(connection.execute(sa.text(query)).scalars())


def _has_pgvector(connection: Connection) -> bool:
    # Its type must be found by its name, too: an extension may be in a schema of its own. A table
    # of that name is a type as well, but none of the kind `b`.
    query = "SELECT 1 FROM pg_type WHERE oid = to_regtype('vector') AND typtype = 'b'"
    return connection.scalar(sa.text(query)) is not None
