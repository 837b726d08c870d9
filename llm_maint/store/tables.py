"""The tables that llm-maint owns. The profile tables are the assistant's own: see `profiles`."""

from datetime import datetime
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from llm_maint.store.columns import JsonDocument, UtcTime
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
        sa.Index("scheduled_jobs_next_run_at_idx", "next_run_at"),
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


class JobRun(Owned, table=True):
    """A run of a job. It names the job by itself, so that it outlives it."""

    __tablename__ = "job_runs"
    __table_args__ = (
        sa.Index("job_runs_started_at_idx", "started_at"),
        sa.Index("job_runs_job_id_idx", "job_id", "started_at"),
    )

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


def _table(model: type[Owned]) -> sa.Table:
    return cast("sa.Table", vars(model)["__table__"])


schema_versions = _table(SchemaVersion)
jobs = _table(ScheduledJob)
runs = _table(JobRun)
plans = _table(MaintenancePlan)
journal = _table(JournalEntry)
profile_states = _table(ProfileState)
profile_tries = _table(ProfileTry)
profile_memory = _table(ProfileMemory)
profile_wear = _table(ProfileWear)
profile_pins = _table(ProfilePin)
