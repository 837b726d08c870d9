"""Migration 3: what was judged of each row, how often a model rewrote it, and pinned keys."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.store.columns import UtcTime
from llm_maint.store.dialect import OWN_SCHEMA

_own = sa.MetaData(schema=OWN_SCHEMA)

sa.Table(
    "maintenance_profile_memory",
    _own,
    sa.Column("entity_type", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, primary_key=True),
    sa.Column("judge", sa.Text, nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("judged", sa.Text, nullable=False),
    sa.Column("conflicts", sa.Text, nullable=False),
)
sa.Table(
    "maintenance_profile_wear",
    _own,
    sa.Column("entity_type", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, primary_key=True),
    sa.Column("row_id", sa.Text, primary_key=True),
    sa.Column("rewrites", sa.Integer, nullable=False),
)
sa.Table(
    "maintenance_profile_pins",
    _own,
    sa.Column("entity_type", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("pinned_at", UtcTime, nullable=False),
)


def apply(connection: Connection) -> None:
    """Create the tables."""
    _own.create_all(connection, checkfirst=False)
