"""Migration 6: the hosts that tick, and when each was last seen to."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.store.columns import UtcTime
from llm_maint.store.dialect import OWN_SCHEMA

_own = sa.MetaData(schema=OWN_SCHEMA)

sa.Table(
    "maintenance_ticks",
    _own,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("first_seen_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
)


def apply(connection: Connection) -> None:
    """Create the table."""
    _own.create_all(connection, checkfirst=False)
