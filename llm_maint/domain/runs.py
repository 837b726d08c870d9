"""Claims, outcomes and runs, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from llm_maint.errors import ExitCode


class Status(StrEnum):
    """The status of a run; text in the database, never an enum there."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    ABANDONED = "abandoned"


class Trigger(StrEnum):
    """What started a run: its schedule, or a person."""

    DUE = "due"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job held by this process until its lease ends; `run_id` is the fencing token.

    `due_at` is when the job was due, None for "due now"; `slot_at` is the slot of the grid that
    failed and is tried again, None for a first try; `attempt` counts the tries at a slot, this one
    included. `config` is None where `config_json` is no JSON object.
    """

    run_id: str
    job_id: str
    job_name: str
    job_type: str
    bot_id: str | None
    config: Mapping[str, Any] | None
    interval: timedelta
    due_at: datetime | None
    attempt: int
    consecutive_failures: int
    trigger: Trigger
    host: str
    started_at: datetime
    slot_at: datetime | None = None

    @property
    def slot(self) -> datetime:
        """The slot of the grid that this run is for."""
        return self.slot_at or self.due_at or self.started_at


@dataclass(frozen=True, slots=True)
class Success:
    """The job did its work. `held` tells that a plan waits for review."""

    result: Mapping[str, Any] = field(default_factory=dict)
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The job failed; `result` is what it did all the same."""

    error: str
    transient: bool
    exit_code: ExitCode = ExitCode.JOB_FAILED
    result: Mapping[str, Any] | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was nothing this version could do for the job."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A signal ended the run: the claim is handed back and the attempt not counted."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The process that held the claim died; its lease ran out."""


Outcome = Success | Failure | Skipped | Interrupted | Abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A row of the history of runs."""

    id: str
    job_id: str
    job_name: str
    job_type: str
    bot_id: str | None
    status: str
    attempt: int
    trigger: str
    host: str | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    result: Mapping[str, Any] | None
    error_message: str | None
