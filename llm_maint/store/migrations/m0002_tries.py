"""Migration 2: which entities were asked about to no end, so that they do not come first again."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.store.columns import UtcTime
from llm_maint.store.dialect import OWN_SCHEMA

_own = sa.MetaData(schema=OWN_SCHEMA)

sa.Table(
    "maintenance_profile_tries",
    _own,
    sa.Column("entity_type", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, primary_key=True),
    sa.Column("tried_at", UtcTime, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
)


def apply(connection: Connection) -> None:
    """Create the table."""
    _own.create_all(connection, checkfirst=False)
