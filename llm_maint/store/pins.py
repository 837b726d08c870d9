"""Pins: keys of one entity whose rows are protected."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.store.row_tables import profile_pins


def pins_of(connection: Connection, entity: Entity) -> frozenset[str]:
    """Return the pinned keys of an entity, as snake_case."""
    query = sa.select(profile_pins.c.key).where(*_of(entity))
    return frozenset(connection.execute(query).scalars())


def pin(connection: Connection, entity: Entity, key: str, *, now: datetime) -> bool:
    """Pin a key, given as snake_case; return False where it was pinned already."""
    if key in pins_of(connection, entity):
        return False
    new = profile_pins.insert().values(
        entity_type=entity.type, entity_id=entity.id, key=key, pinned_at=now
    )
    try:
        with connection.begin_nested():
            connection.execute(new)
    except sa.exc.IntegrityError:  # somebody else at the same moment
        return False
    return True


def unpin(connection: Connection, entity: Entity, key: str) -> bool:
    """Let a key go; return False where it was not pinned."""
    gone = connection.execute(
        sa.delete(profile_pins).where(*_of(entity), profile_pins.c.key == key)
    )
    return gone.rowcount > 0


def _of(entity: Entity) -> tuple[sa.ColumnElement[bool], ...]:
    return profile_pins.c.entity_type == entity.type, profile_pins.c.entity_id == entity.id
