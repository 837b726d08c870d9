"""Migration 4: slots, cron, priority and time-outs; what is due is indexed; shared runs."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.store.columns import UtcTime
from llm_maint.store.dialect import OWN_SCHEMA, is_postgresql

_own = sa.MetaData(schema=OWN_SCHEMA)

sa.Table(
    "maintenance_shares",
    _own,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, nullable=False, index=True),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tokens", sa.BigInteger, nullable=False, server_default="0"),
)
sa.Table(
    "maintenance_share_items",
    _own,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entity_type", sa.Text, nullable=False),
    sa.Column("entity_id", sa.Text, nullable=False),
    sa.Column("worker", sa.Text),
    sa.Column("done_at", UtcTime),
    sa.Column("document", sa.Text),
    sa.Index(
        "maintenance_share_items_free_idx",
        "run_id",
        "position",
        postgresql_where=sa.text("worker IS NULL AND done_at IS NULL"),
        sqlite_where=sa.text("worker IS NULL AND done_at IS NULL"),
    ),
)
sa.Table(
    "maintenance_share_workers",
    _own,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("lease_expires_at", UtcTime, nullable=False),
)

_JOB_COLUMNS = (
    "cron TEXT",
    "timezone TEXT",
    "priority INTEGER DEFAULT '0' NOT NULL",
    "misfire TEXT",
    "grace_seconds INTEGER",
    "jitter_seconds INTEGER DEFAULT '0' NOT NULL",
    "timeout_seconds INTEGER",
)
_DUE_AT = {
    True: "coalesce(next_run_at, '-infinity'::timestamptz)",
    False: "coalesce(strftime('%Y-%m-%d %H:%M:%f', next_run_at), '')",
}


def apply(connection: Connection) -> None:
    """Add the columns, the tables, and the indexes that find what is due among millions."""
    postgres = is_postgresql(connection)
    schema = connection.get_execution_options()["schema_translate_map"][OWN_SCHEMA]
    prefix = f'"{schema}".' if schema else ""
    jobs, runs = f"{prefix}scheduled_jobs", f"{prefix}job_runs"
    execute = connection.exec_driver_sql
    for column in _JOB_COLUMNS:
        execute(f"ALTER TABLE {jobs} ADD COLUMN {column}")
    execute(f"ALTER TABLE {runs} ADD COLUMN scheduled_for {'TIMESTAMPTZ' if postgres else 'TEXT'}")
    execute(f"DROP INDEX {prefix}scheduled_jobs_next_run_at_idx")
    if not postgres:  # the word is a time that does not stand still: no index can hold it
        execute("UPDATE scheduled_jobs SET next_run_at = NULL WHERE lower(next_run_at) = 'now'")
    enabled = "enabled" if postgres else "enabled = 1"
    execute(
        f"CREATE INDEX scheduled_jobs_due_idx ON {jobs} ({_DUE_AT[postgres]}) "
        f"WHERE {enabled} AND claim_run_id IS NULL"
    )
    execute(
        f"CREATE INDEX scheduled_jobs_lease_idx ON {jobs} (lease_expires_at) "
        "WHERE claim_run_id IS NOT NULL"
    )
    execute(
        f"CREATE UNIQUE INDEX job_runs_slot_idx ON {runs} (job_id, scheduled_for, attempt) "
        "WHERE scheduled_for IS NOT NULL"
    )
    newest = f"started_at DESC{' NULLS LAST' if postgres else ''}, id DESC"
    execute(f"DROP INDEX {prefix}job_runs_started_at_idx")
    execute(f"DROP INDEX {prefix}job_runs_job_id_idx")
    execute(f"CREATE INDEX job_runs_newest_idx ON {runs} ({newest})")
    execute(f"CREATE INDEX job_runs_job_idx ON {runs} (job_id, {newest})")
    _own.create_all(connection, checkfirst=False)
