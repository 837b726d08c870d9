"""Pins: what of one entity is protected: keys of a profile as snake_case, ids of memories."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.store.row_tables import profile_pins


def pins_of(connection: Connection, entity: Entity) -> frozenset[str]:
    """Return what is pinned of an entity."""
    query = sa.select(profile_pins.c.key).where(*_of(entity))
    return frozenset(connection.execute(query).scalars())


def pin(connection: Connection, entity: Entity, key: str, *, now: datetime) -> bool:
    """Pin a key or a memory; return False where it was pinned already."""
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


def pin_all(connection: Connection, entity: Entity, ids: Iterable[str], *, now: datetime) -> None:
    """Pin many memories; whoever does so holds the bot's lock."""
    new = sorted(set(ids) - pins_of(connection, entity))
    named = {"entity_type": entity.type, "entity_id": entity.id, "pinned_at": now}
    if new:
        connection.execute(profile_pins.insert(), [{**named, "key": row_id} for row_id in new])


def unpin_all(connection: Connection, entity: Entity, ids: Iterable[str]) -> None:
    """Let many memories go."""
    wanted = sorted(ids)
    for start in range(0, len(wanted), BATCH):
        here = profile_pins.c.key.in_(wanted[start : start + BATCH])
        connection.execute(sa.delete(profile_pins).where(*_of(entity), here))


BATCH = 500
"""Ids that one statement names."""


def unpin(connection: Connection, entity: Entity, key: str) -> bool:
    """Let a key go; return False where it was not pinned."""
    gone = connection.execute(
        sa.delete(profile_pins).where(*_of(entity), profile_pins.c.key == key)
    )
    return gone.rowcount > 0


def _of(entity: Entity) -> tuple[sa.ColumnElement[bool], ...]:
    return profile_pins.c.entity_type == entity.type, profile_pins.c.entity_id == entity.id
