"""Vectors of memories: read from the assistant's own column, and kept of those that have none.

A vector is handed out as packed little-endian float32, whatever the column holds: pgvector's types
or a plain array on PostgreSQL, a blob on SQLite, or a JSON list in either.
"""

import hashlib
import json
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.memory import Memory
from llm_maint.domain.row import RowId
from llm_maint.store.columns import RawType
from llm_maint.store.dialect import is_postgresql
from llm_maint.store.memories import portions_of, table_of
from llm_maint.store.row_tables import memory_vectors
from llm_maint.store.rows import pin_text_form
from llm_maint.store.user_tables import UserTable

COLUMN = "embedding"
"""What a memory says, as a vector."""

VECTORS = (COLUMN, "meaning_embedding")

BATCH = 2_000
"""Rows that are fetched at once: a vector has kilobytes."""


def own_vectors(
    connection: Connection,
    entity: Entity,
    *,
    ids: Iterable[RowId] | None = None,
    column: str = "embedding",
) -> Iterator[tuple[str, bytes]]:
    """Yield the vectors that a bot's memories have, by id; what cannot be read as one is none."""
    table = table_of(connection, entity)
    if column not in table.columns:
        return
    pin_text_form(connection)
    clause = table.clause
    vector, read = _readable(connection, table, column)
    for wanted in portions_of(connection, table, entity, ids):
        query = sa.select(sa.cast(clause.c.id, sa.Text), vector).select_from(clause)
        query = query.where(*wanted, clause.c[column].is_not(None))
        # Of this statement alone: of the connection, it would be of whatever is written after it.
        rows = connection.execute(query, execution_options={"yield_per": BATCH})
        for row_id, value in rows:
            packed = read(value)
            if packed:
                yield row_id, packed


def ids_without(connection: Connection, entity: Entity, ids: Iterable[RowId]) -> list[str]:
    """Return which of these memories have no vector of their own."""
    table = table_of(connection, entity)
    if COLUMN not in table.columns:
        return [str(row_id) for row_id in ids]
    clause = table.clause
    found: list[str] = []
    for wanted in portions_of(connection, table, entity, ids):
        none = clause.c[COLUMN].is_(None)
        query = sa.select(sa.cast(clause.c.id, sa.Text)).where(*wanted, none)
        found += connection.execute(query).scalars()
    return found


def kept_vectors(connection: Connection, entity: Entity, *, model: str) -> Mapping[str, bytes]:
    """Return the vectors that a model made of memories, by `digest` of their id and text."""
    query = sa.select(memory_vectors.c.digest, memory_vectors.c.vector).where(
        memory_vectors.c.bot_id == entity.id, memory_vectors.c.model == model
    )
    return {row.digest: row.vector for row in connection.execute(query)}


def keep_vectors(
    connection: Connection, entity: Entity, new: Iterable[tuple[Memory, bytes]], *, model: str
) -> None:
    """Keep the vectors that a model made of memories, in place of older ones."""
    rows = [
        {
            "bot_id": entity.id,
            "row_id": memory.id,
            "model": model,
            "digest": digest(memory),
            "vector": vector,
        }
        for memory, vector in new
    ]
    forget_vectors(connection, entity, [str(row["row_id"]) for row in rows])
    if rows:
        connection.execute(memory_vectors.insert(), rows)


def forget_vectors(connection: Connection, entity: Entity, ids: Sequence[str]) -> None:
    """Forget the vectors of memories that are gone, or have new ones."""
    for start in range(0, len(ids), BATCH):
        here = memory_vectors.c.row_id.in_(ids[start : start + BATCH])
        of = memory_vectors.c.bot_id == entity.id
        connection.execute(sa.delete(memory_vectors).where(of, here))


def digest(memory: Memory) -> str:
    """Return what tells whether a memory still says what a vector was made of."""
    return hashlib.sha256(json.dumps([memory.id, memory.content]).encode()).hexdigest()[:32]


def _readable(
    connection: Connection, table: UserTable, name: str
) -> tuple[sa.ColumnElement[Any], Callable[[Any], bytes]]:
    """Return the expression that reads the column, and the function that makes bytes of it."""
    column = table.clause.c[name]
    if not is_postgresql(connection):
        return column, _of_any
    schema, kind = split_type(table.columns[name].type)
    if kind.startswith(("vector", "halfvec")):
        real = sa.cast(column, RawType(f"{schema}.vector" if schema else "vector"))
        return _of_schema(schema, "vector_send", real), _of_pgvector
    if kind == "real[]":
        return sa.func.array_send(column), _of_array
    return sa.cast(column, sa.Text), _of_any


def split_type(kind: str) -> tuple[str, str]:
    """Return the schema of a type, as SQL writes it, empty where none is needed; and its name."""
    schema, _, name = kind.rpartition(".")
    return schema, name


def _of_schema(schema: str, name: str, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the call of a function in a schema, which is given as it is written in SQL."""
    plain = schema[1:-1].replace('""', '"') if schema[:1] == '"' else schema
    quoted = sa.sql.quoted_name(name, quote=True)
    return sa.sql.functions.Function(quoted, value, packagenames=(plain,) if plain else ())


def _of_pgvector(value: bytes) -> bytes:
    """Return a vector of pgvector's binary form: its length, a reserved number, then the floats."""
    (length,) = struct.unpack_from(">H", value)
    return _native(array("f", value[4 : 4 + 4 * length]))


def _of_array(value: bytes) -> bytes:
    """Return a vector of the binary form of an array: a head, then each number behind its size."""
    dimensions, has_null = struct.unpack_from(">2i", value)
    if dimensions != 1 or has_null:
        return b""
    return _finite(array("f", _native(array("f", value[_HEAD:])[1::2])))


_HEAD = 20
"""Bytes before the numbers of an array of one dimension."""


def _native(floats: "array[float]") -> bytes:
    """Return floats that came over the network in the order of bytes that we work with."""
    if sys.byteorder == "little":
        floats.byteswap()
    return floats.tobytes()


def _of_any(value: object) -> bytes:
    """Return a vector of a blob of floats, or of a list as text; nothing of anything else."""
    if isinstance(value, str):
        return _of_text(value)
    if not isinstance(value, bytes):
        return b""
    # Some keep JSON as bytes; floats may begin and end as it does, but are hardly JSON.
    is_text = value[:1] == b"[" and value[-1:] == b"]"
    found = _of_text(value) if is_text else b""
    return found or (_finite(array("f", value)) if len(value) % 4 == 0 else b"")


def _of_text(text: str | bytes) -> bytes:
    """Return a vector of a list in JSON, or of an array as PostgreSQL writes it."""
    if isinstance(text, str) and text.strip()[:1] == "{":
        text = f"[{text.strip()[1:-1]}]"
    try:
        return _finite(array("f", json.loads(text)))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return b""


def _finite(floats: "array[float]") -> bytes:
    """Return a vector, unless one of its numbers is none: it would spoil every comparison."""
    return floats.tobytes() if isfinite(sum(floats)) else b""
