"""Migration 1: jobs, runs, plans, the journal; the profile tables where there are none yet."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from llm_maint.store.columns import JsonDocument, UtcTime
from llm_maint.store.dialect import OWN_SCHEMA, is_postgresql

# A copy of `tables` as it was at this version: a migration that has landed never changes.
_own = sa.MetaData(schema=OWN_SCHEMA)

sa.Table(
    "maintenance_schema",
    _own,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("applied_at", UtcTime, nullable=False),
)
sa.Table(
    "scheduled_jobs",
    _own,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job_type", sa.Text, nullable=False),
    sa.Column("bot_id", sa.Text),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("interval_minutes", sa.Integer, nullable=False, server_default="60"),
    sa.Column("last_run_at", UtcTime),
    sa.Column("next_run_at", UtcTime),
    sa.Column("created_at", UtcTime, server_default=sa.func.current_timestamp()),
    sa.Column("config_json", JsonDocument),
    sa.Column("name", sa.Text, unique=True),
    sa.Column("last_status", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("consecutive_failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("claim_run_id", sa.Text),
    sa.Column("lease_expires_at", UtcTime),
    sa.Column("slot_at", UtcTime),
    sa.CheckConstraint("interval_minutes > 0", name="scheduled_jobs_interval_minutes_check"),
    sa.Index("scheduled_jobs_next_run_at_idx", "next_run_at"),
)
sa.Table(
    "job_runs",
    _own,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("bot_id", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sa.Column("duration_ms", sa.BigInteger),
    sa.Column("result_json", JsonDocument),
    sa.Column("error_message", sa.Text),
    sa.Column("job_name", sa.Text),
    sa.Column("job_type", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
    sa.Column("trigger", sa.Text, nullable=False, server_default="due"),
    sa.Column("host", sa.Text),
    sa.Index("job_runs_started_at_idx", "started_at"),
    sa.Index("job_runs_job_id_idx", "job_id", "started_at"),
)
sa.Table(
    "maintenance_plans",
    _own,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("entity_type", sa.Text, nullable=False),
    sa.Column("entity_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("reverts", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("applied_at", UtcTime),
    sa.Column("document", sa.Text),
    sa.Index("maintenance_plans_entity_idx", "entity_type", "entity_id", "created_at"),
)
sa.Table(
    "maintenance_journal",
    _own,
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("before_image", sa.Text),
    sa.Column("after_image", sa.Text),
)
sa.Table(
    "maintenance_profile_states",
    _own,
    sa.Column("entity_type", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("judged_at", UtcTime, nullable=False),
)


def apply(connection: Connection) -> None:
    """Create our own tables, and the assistant's profile tables where they do not exist."""
    schema = connection.get_execution_options()["schema_translate_map"][OWN_SCHEMA]
    if schema and not sa.inspect(connection).has_schema(schema):
        connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    _own.create_all(connection, checkfirst=False)
    present = sa.inspect(connection)
    profiles = profile_tables(postgres=is_postgresql(connection))
    missing = [table for table in profiles.sorted_tables if not present.has_table(table.name)]
    if missing:  # else not even the enum type: an assistant may keep its types as text
        profiles.create_all(connection, tables=missing, checkfirst=True)


def profile_tables(*, postgres: bool) -> sa.MetaData:
    """Return the profile tables in the shape that assistants have them."""
    metadata = sa.MetaData()
    # Times without a zone mean UTC. JSON is text on SQLite: under the affinity of a column declared
    # JSON a number would lose digits.
    time = sa.DateTime() if postgres else sa.Text()
    json = postgresql.JSON() if postgres else sa.Text()
    kind = postgresql.ENUM("USER", "BOT", name="entitytype") if postgres else sa.String(4)
    sa.Table(
        "entity_profiles",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity_type", kind, nullable=False),
        sa.Column("entity_id", sa.String(100), nullable=False),
        sa.Column("email", sa.String(255)),
        sa.Column("display_name", sa.String(100)),
        sa.Column("description", sa.String(500)),
        sa.Column("color", sa.String(20)),
        sa.Column("avatar", sa.Text),
        sa.Column("avatar_render", sa.Text),
        sa.Column("summary", sa.Text),
        sa.Column("summary_updated_at", time),
        sa.Column("created_at", time),
        sa.Column("updated_at", time),
        sa.UniqueConstraint("entity_type", "entity_id"),
        sqlite_autoincrement=True,
    )
    sa.Table(
        "entity_profile_attributes",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity_type", kind, nullable=False),
        sa.Column("entity_id", sa.String(100), nullable=False),
        sa.Column("category", sa.String(50), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("value", json),
        sa.Column("confidence", sa.Float),
        sa.Column("source", sa.String(50)),
        sa.Column("source_message_id", sa.String(100)),
        sa.Column("created_at", time),
        sa.Column("updated_at", time),
        sa.Index("entity_profile_attributes_entity_idx", "entity_type", "entity_id"),
        sqlite_autoincrement=True,  # an undone row wants its own id back: never give it to another
    )
    return metadata
