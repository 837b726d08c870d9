"""An entity's rows wherever they are kept: attributes of a profile, or memories of a bot."""

from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.plan import Plan
from llm_maint.domain.row import Image, Row
from llm_maint.store import memories, profiles
from llm_maint.store.user_tables import UserTable, user_table


def table_of(connection: Connection, entity: Entity) -> UserTable:
    """Return the table that holds an entity's rows."""
    if entity.has_memories:
        return memories.table_of(connection, entity)
    return user_table(connection, profiles.ATTRIBUTES)


def as_row(image: Image, entity: Entity) -> Row:
    """Return a row's image as a value."""
    return memories.as_memory(image) if entity.has_memories else profiles.as_attribute(image)


def rows_to_write(connection: Connection, plan: Plan) -> Sequence[Row]:
    """Return the rows that a plan may write as they now are, locked, with all their columns.

    The lock is what two processes at one entity have in common: the second waits here.
    """
    if not plan.entity.has_memories:
        return profiles.attributes_of(connection, plan.entity, lock=True)
    memories.lock_bot(connection, plan.entity)
    ids = [row.id for row in plan.rows]
    return memories.memories_of(connection, plan.entity, ids=ids, whole=True, lock=True)


def rows_named(connection: Connection, entity: Entity, ids: Iterable[str]) -> Sequence[Row]:
    """Return an entity's rows; of memories, which may be many, only those with these ids."""
    if entity.has_memories:
        return memories.memories_of(connection, entity, ids=ids)
    return profiles.attributes_of(connection, entity)


def narrowed(before: Image, after: Image) -> tuple[Image, Image]:
    """Return a change of a memory without the columns that are neither changed nor telling.

    A vector is a hundred times what is written, and the journal would keep it twice.
    """
    names = [name for name in before if name in TELLING or after[name] != before[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


TELLING = ("bot_id", "id", "content", "created_at")
"""The columns by which a memory is known again."""
