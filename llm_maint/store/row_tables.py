"""Our tables about the user's rows: what was judged, tried, worn and pinned, and what we found out.

The first ones are older than memories and named after profiles; a bot's memories are kept in them
as the entity type `memory`.
"""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from llm_maint.store.columns import UtcTime
from llm_maint.store.tables import Owned, table_of


class ProfileState(Owned, table=True):
    """The fingerprint of an entity's rows when they were last judged."""

    __tablename__ = "maintenance_profile_states"

    entity_type: str = Field(primary_key=True, sa_type=sa.Text)
    entity_id: str = Field(primary_key=True, sa_type=sa.Text)
    fingerprint: str = Field(sa_type=sa.Text)
    judged_at: datetime = Field(sa_type=UtcTime)


class ProfileTry(Owned, table=True):
    """An entity that was asked about since it was last judged, and how often to no end."""

    __tablename__ = "maintenance_profile_tries"

    entity_type: str = Field(primary_key=True, sa_type=sa.Text)
    entity_id: str = Field(primary_key=True, sa_type=sa.Text)
    tried_at: datetime = Field(sa_type=UtcTime)
    tries: int = Field()


class ProfileMemory(Owned, table=True):
    """What a judge has said of an entity: JSON lists of the rows it knows, and of conflicts."""

    __tablename__ = "maintenance_profile_memory"

    entity_type: str = Field(primary_key=True, sa_type=sa.Text)
    entity_id: str = Field(primary_key=True, sa_type=sa.Text)
    judge: str = Field(sa_type=sa.Text)
    asked_at: datetime = Field(sa_type=UtcTime)
    judged: str = Field(sa_type=sa.Text)
    conflicts: str = Field(sa_type=sa.Text)


class ProfileWear(Owned, table=True):
    """How often a model's text was written into a row."""

    __tablename__ = "maintenance_profile_wear"

    entity_type: str = Field(primary_key=True, sa_type=sa.Text)
    entity_id: str = Field(primary_key=True, sa_type=sa.Text)
    row_id: str = Field(primary_key=True, sa_type=sa.Text)
    rewrites: int = Field()


class ProfilePin(Owned, table=True):
    """A key of one entity whose rows are protected; as snake_case."""

    __tablename__ = "maintenance_profile_pins"

    entity_type: str = Field(primary_key=True, sa_type=sa.Text)
    entity_id: str = Field(primary_key=True, sa_type=sa.Text)
    key: str = Field(primary_key=True, sa_type=sa.Text)
    pinned_at: datetime = Field(sa_type=UtcTime)


class MemoryVector(Owned, table=True):
    """The vector that a model made of a memory that has none: packed little-endian float32."""

    __tablename__ = "maintenance_memory_vectors"

    bot_id: str = Field(primary_key=True, sa_type=sa.Text)
    row_id: str = Field(primary_key=True, sa_type=sa.Text)
    model: str = Field(sa_type=sa.Text)
    digest: str = Field(sa_type=sa.Text)
    vector: bytes = Field(sa_type=sa.LargeBinary)


class MemorySighting(Owned, table=True):
    """A day on which a memory was told by a copy that has become a part of it.

    It holds as long as the plan that made it so is applied, and when that is too old to be undone.
    """

    __tablename__ = "maintenance_memory_sightings"

    plan_id: str = Field(primary_key=True, sa_type=sa.Text)
    bot_id: str = Field(primary_key=True, sa_type=sa.Text)
    row_id: str = Field(primary_key=True, sa_type=sa.Text)
    day: date = Field(primary_key=True, sa_type=sa.Date)


profile_states = table_of(ProfileState)
profile_tries = table_of(ProfileTry)
profile_memory = table_of(ProfileMemory)
profile_wear = table_of(ProfileWear)
profile_pins = table_of(ProfilePin)
memory_vectors = table_of(MemoryVector)
memory_sightings = table_of(MemorySighting)

sa.Index(
    "maintenance_memory_sightings_row_idx", memory_sightings.c.bot_id, memory_sightings.c.row_id
)

OWN_TABLES = Owned.metadata
"""All tables of ours, these and those of `tables`."""
