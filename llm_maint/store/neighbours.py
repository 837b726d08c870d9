"""Neighbours: memories that look alike, found by pgvector within the database."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.row import RowId
from llm_maint.store.dialect import is_postgresql
from llm_maint.store.memories import of_bot, portions_of, table_of
from llm_maint.store.vectors import COLUMN, split_type


def nearest_in_database(
    connection: Connection,
    entity: Entity,
    ids: Collection[RowId],
    *,
    threshold: float,
    neighbours: int,
) -> list[tuple[str, str, float]] | None:
    """Return pairs of memories that look alike by cosine, found by pgvector with the index it has.

    None where the database cannot say: it has no pgvector, or the column holds vectors of any
    length. Of each of the ids, the nearest `neighbours` are looked at.
    """
    table = table_of(connection, entity)
    if not is_postgresql(connection) or COLUMN not in table.columns:
        return None
    schema, kind = split_type(table.columns[COLUMN].type)
    if not kind.startswith(("vector(", "halfvec(")):
        return None
    _look_on(connection)
    one, other = table.clause.alias("one"), table.clause.alias("other")
    sign = f"OPERATOR({schema}.<=>)" if schema else "<=>"
    distance = other.c[COLUMN].op(sign, return_type=sa.Float())(one.c[COLUMN])
    beside = of_bot(connection, table, entity, of=other)
    near = (
        sa.select(sa.cast(other.c.id, sa.Text).label("id"), distance.label("distance"))
        .where(other.c[COLUMN].is_not(None), *beside)
        .order_by(distance)
        .limit(neighbours + 1)
        .lateral("near")
    )
    found: list[tuple[str, str, float]] = []
    mine = of_bot(connection, table, entity, of=one)
    for condition in portions_of(connection, table, entity, ids):
        wanted = sa.select(table.clause.c.id).where(*condition)
        query = (
            sa.select(sa.cast(one.c.id, sa.Text), near.c.id, 1 - near.c.distance)
            .select_from(one.join(near, sa.true()))
            .where(*mine, one.c.id.in_(wanted), one.c[COLUMN].is_not(None))
            .where(near.c.distance <= 1 - threshold)
        )
        found += [(a, b, float(c)) for a, b, c in connection.execute(query) if a != b]
    return found


INDEX_SETTINGS = {"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": "100"}
"""What is near by the index may be of another bot: then it looks on."""


def _look_on(connection: Connection) -> None:
    """Set how the index is searched, in this transaction, as far as the extension knows it."""
    for name, value in INDEX_SETTINGS.items():
        try:
            with connection.begin_nested():
                connection.execute(sa.select(sa.func.set_config(name, value, True)))
        except sa.exc.DBAPIError:  # an older one refuses what it does not know
            continue
