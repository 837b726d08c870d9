"""Orphans: memories whose every source message is gone from the assistant's own table."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.memory import Memory
from llm_maint.domain.nearest import unknown
from llm_maint.errors import ConfigurationError
from llm_maint.store.user_tables import user_table, visible_tables

BATCH = 10_000
"""Messages that are fetched at once."""


def orphans_of(
    connection: Connection, memories: Iterable[Memory], *, table: str
) -> frozenset[str] | None:
    """Return the ids of memories that name messages of which none is there any more.

    None without a table of messages: then nobody knows. A memory that names no message has not
    lost any.

    Raises:
        ConfigurationError: there is no such table, or it has no ids.

    """
    if not table:
        return None
    names = visible_tables(connection)
    if table not in names:
        raise ConfigurationError(f"memory.messages_table: {unknown('table', table, names)}")
    messages = user_table(connection, table)
    if "id" not in messages.columns:
        raise ConfigurationError(f"memory.messages_table: {table} has no column id")
    named = {
        memory.id: frozenset(map(str, memory.source_message_ids))
        for memory in memories
        if memory.source_message_ids
    }
    wanted = frozenset[str]().union(*named.values())
    query = sa.select(sa.cast(messages.clause.c.id, sa.Text)).select_from(messages.clause)
    rows = connection.execute(query, execution_options={"yield_per": BATCH}).scalars()
    there = {row_id for row_id in rows if row_id in wanted}
    return frozenset(row_id for row_id, ids in named.items() if ids.isdisjoint(there))
