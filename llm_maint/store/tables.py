"""The tables that llm-maint owns. The profile tables are the assistant's own: see `profiles`."""

from datetime import datetime
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from llm_maint.store.columns import JsonDocument, UtcTime, due_at
from llm_maint.store.dialect import OWN_SCHEMA


class Owned(SQLModel):
    """A table of ours; `database.schema` takes the place of the schema named here."""

    metadata: ClassVar[sa.MetaData] = sa.MetaData(schema=OWN_SCHEMA)


class SchemaVersion(Owned, table=True):
    """One row for each migration that was applied."""

    __tablename__ = "maintenance_schema"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    applied_at: datetime = Field(sa_type=UtcTime)


class ScheduledJob(Owned, table=True):
    """A job: what runs, how often, when next, and who holds it now.

    The columns up to `config_json` are the usual ones; a row with these alone is a good job.
    """

    __tablename__ = "scheduled_jobs"
    __table_args__ = (
        sa.CheckConstraint("interval_minutes > 0", name="scheduled_jobs_interval_minutes_check"),
    )

    id: str = Field(primary_key=True, sa_type=sa.Text)
    job_type: str = Field(sa_type=sa.Text)
    bot_id: str | None = Field(default=None, sa_type=sa.Text)
    enabled: bool = Field(sa_column_kwargs={"server_default": sa.true()})
    interval_minutes: int = Field(sa_column_kwargs={"server_default": "60"})
    last_run_at: datetime | None = Field(default=None, sa_type=UtcTime)
    next_run_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime | None = Field(
        sa_type=UtcTime, sa_column_kwargs={"server_default": sa.func.current_timestamp()}
    )
    config_json: dict[str, Any] | None = Field(default=None, sa_type=JsonDocument)
    name: str | None = Field(default=None, sa_type=sa.Text, unique=True)
    last_status: str | None = Field(default=None, sa_type=sa.Text)
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    consecutive_failures: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    claim_run_id: str | None = Field(default=None, sa_type=sa.Text)
    lease_expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    slot_at: datetime | None = Field(default=None, sa_type=UtcTime)
    cron: str | None = Field(default=None, sa_type=sa.Text)
    timezone: str | None = Field(default=None, sa_type=sa.Text)
    priority: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    misfire: str | None = Field(default=None, sa_type=sa.Text)
    grace_seconds: int | None = Field(default=None)
    jitter_seconds: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    timeout_seconds: int | None = Field(default=None)


class JobRun(Owned, table=True):
    """A run of a job. It names the job by itself, so that it outlives it."""

    __tablename__ = "job_runs"
    id: str = Field(primary_key=True, sa_type=sa.Text)
    job_id: str = Field(sa_type=sa.Text)
    bot_id: str | None = Field(default=None, sa_type=sa.Text)
    status: str = Field(sa_type=sa.Text)
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)
    duration_ms: int | None = Field(default=None, sa_type=sa.BigInteger)
    result_json: dict[str, Any] | None = Field(default=None, sa_type=JsonDocument)
    error_message: str | None = Field(default=None, sa_type=sa.Text)
    job_name: str | None = Field(default=None, sa_type=sa.Text)
    job_type: str | None = Field(default=None, sa_type=sa.Text)
    attempt: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    trigger: str = Field(sa_type=sa.Text, sa_column_kwargs={"server_default": "due"})
    host: str | None = Field(default=None, sa_type=sa.Text)
    scheduled_for: datetime | None = Field(default=None, sa_type=UtcTime)


class MaintenanceShare(Owned, table=True):
    """A run that other processes may share in, and what it has spent on the model so far."""

    __tablename__ = "maintenance_shares"

    run_id: str = Field(primary_key=True, sa_type=sa.Text)
    job_id: str = Field(sa_type=sa.Text, index=True)
    opened_at: datetime = Field(sa_type=UtcTime)
    calls: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    tokens: int = Field(default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"})


class MaintenanceShareItem(Owned, table=True):
    """An entity of a shared run: who took it, and what came of it."""

    __tablename__ = "maintenance_share_items"

    run_id: str = Field(primary_key=True, sa_type=sa.Text)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    entity_type: str = Field(sa_type=sa.Text)
    entity_id: str = Field(sa_type=sa.Text)
    worker: str | None = Field(default=None, sa_type=sa.Text)
    done_at: datetime | None = Field(default=None, sa_type=UtcTime)
    document: str | None = Field(default=None, sa_type=sa.Text)


class MaintenanceShareWorker(Owned, table=True):
    """A process that shares in another's run; what it took is taken back after its lease."""

    __tablename__ = "maintenance_share_workers"

    id: str = Field(primary_key=True, sa_type=sa.Text)
    run_id: str = Field(sa_type=sa.Text, index=True)
    host: str = Field(sa_type=sa.Text)
    lease_expires_at: datetime = Field(sa_type=UtcTime)


class MaintenanceTick(Owned, table=True):
    """A host that ticks, and when it was last seen to."""

    __tablename__ = "maintenance_ticks"

    host: str = Field(primary_key=True, sa_type=sa.Text)
    first_seen_at: datetime = Field(sa_type=UtcTime)
    seen_at: datetime = Field(sa_type=UtcTime)
    version: str = Field(sa_type=sa.Text)


class MaintenancePlan(Owned, table=True):
    """A plan that was applied or is held, an import, or an undo: whatever changed a user's rows."""

    __tablename__ = "maintenance_plans"
    __table_args__ = (
        sa.Index("maintenance_plans_entity_idx", "entity_type", "entity_id", "created_at"),
    )

    id: str = Field(primary_key=True, sa_type=sa.Text)
    kind: str = Field(sa_type=sa.Text)
    status: str = Field(sa_type=sa.Text)
    entity_type: str = Field(sa_type=sa.Text)
    entity_id: str = Field(sa_type=sa.Text)
    run_id: str | None = Field(default=None, sa_type=sa.Text)
    reverts: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime = Field(sa_type=UtcTime)
    applied_at: datetime | None = Field(default=None, sa_type=UtcTime)
    document: str | None = Field(default=None, sa_type=sa.Text)


class JournalEntry(Owned, table=True):
    """One row of the user as it was before and after a plan; JSON text, exact to the byte."""

    __tablename__ = "maintenance_journal"

    plan_id: str = Field(primary_key=True, sa_type=sa.Text)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    table_name: str = Field(sa_type=sa.Text)
    row_id: str = Field(sa_type=sa.Text)
    effect: str = Field(sa_type=sa.Text)
    before_image: str | None = Field(default=None, sa_type=sa.Text)
    after_image: str | None = Field(default=None, sa_type=sa.Text)


def table_of(model: type[Owned]) -> sa.Table:
    """Return the table of a model, for building statements."""
    return cast("sa.Table", vars(model)["__table__"])


schema_versions = table_of(SchemaVersion)
jobs = table_of(ScheduledJob)
runs = table_of(JobRun)
shares = table_of(MaintenanceShare)
share_items = table_of(MaintenanceShareItem)
share_workers = table_of(MaintenanceShareWorker)
ticks = table_of(MaintenanceTick)
plans = table_of(MaintenancePlan)
journal = table_of(JournalEntry)

waiting = sa.and_(jobs.c.enabled, jobs.c.claim_run_id.is_(None))
"""Jobs that a tick may claim; a query that says it in this way is answered by the index below."""

sa.Index(
    "scheduled_jobs_due_idx",
    due_at(jobs.c.next_run_at),
    postgresql_where=waiting,
    sqlite_where=waiting,
)

held = jobs.c.claim_run_id.is_not(None)
"""Jobs that some process is running, or was when it died."""

sa.Index(
    "scheduled_jobs_lease_idx", jobs.c.lease_expires_at, postgresql_where=held, sqlite_where=held
)

fires = runs.c.scheduled_for.is_not(None)
"""Runs that fire a slot. No try of a slot happens twice; see `claims.record` for interruptions."""

free_items = sa.and_(share_items.c.worker.is_(None), share_items.c.done_at.is_(None))
"""Entities of shared runs that nobody has taken."""

sa.Index(
    "maintenance_share_items_free_idx",
    share_items.c.run_id,
    share_items.c.position,
    postgresql_where=free_items,
    sqlite_where=free_items,
)

for _dialect, _newest in (
    ("postgresql", runs.c.started_at.desc().nulls_last()),
    ("sqlite", runs.c.started_at.desc()),
):
    _order = (_newest, runs.c.id.desc())
    sa.Index("job_runs_newest_idx", *_order).ddl_if(dialect=_dialect)
    sa.Index("job_runs_job_idx", runs.c.job_id, *_order).ddl_if(dialect=_dialect)

sa.Index(
    "job_runs_slot_idx",
    runs.c.job_id,
    runs.c.scheduled_for,
    runs.c.attempt,
    unique=True,
    postgresql_where=fires,
    sqlite_where=fires,
)
