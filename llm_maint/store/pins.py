"""Pins: keys of one entity whose rows are protected."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.profile import Entity
from llm_maint.store.tables import profile_pins


def pins_of(connection: Connection, entity: Entity) -> frozenset[str]:
    """Return the pinned keys of an entity, as snake_case."""
    query = sa.select(profile_pins.c.key).where(
        profile_pins.c.entity_type == entity.type, profile_pins.c.entity_id == entity.id
    )
    return frozenset(connection.execute(query).scalars())
