"""Claims, outcomes and runs, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from llm_maint.domain.firing import Timing
from llm_maint.domain.schedule import Every
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
    """What started a run: its schedule, or a person. What else is written there is the first."""

    DUE = "due"
    MANUAL = "manual"

    @classmethod
    def _missing_(cls, _value: object) -> Self:
        return cls.DUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job held by this process until its lease ends; `run_id` is the fencing token.

    `due_at` is when the job was due, None for "due now"; `slot_at` is the slot that this stands
    for, where it is another: one that is tried again, or due a little later by jitter. `attempt`
    counts the tries at a slot, this one included. `config` is None where `config_json` is no JSON
    object; `problem` is what is wrong with the schedule that somebody wrote into the row.
    """

    run_id: str
    job_id: str
    job_name: str
    job_type: str
    bot_id: str | None
    config: Mapping[str, Any] | None
    timing: Timing
    due_at: datetime | None
    attempt: int
    consecutive_failures: int
    trigger: Trigger
    host: str
    started_at: datetime
    slot_at: datetime | None = None
    problem: str | None = None

    @property
    def retries(self) -> bool:
        """Whether the slot was tried before."""
        return self.attempt > 1 and self.slot_at is not None

    @property
    def due_slot(self) -> datetime:
        """The slot that was due. Whoever writes quite another time into the row makes it one.

        On the grid of an interval it is a whole minute: cron's ticks come at the minute, and one
        that is quicker than the last must not miss a slot by its milliseconds.
        """
        due_at = self.due_at or self.started_at
        if self.slot_at is not None:
            jittered = self.due_at is not None and self.timing.may_be_due_at(self.slot_at, due_at)
            if self.retries or jittered:
                return self.slot_at
        on_grid = isinstance(self.timing.schedule, Every)
        return due_at.replace(second=0, microsecond=0) if on_grid else due_at

    @property
    def scheduled_for(self) -> datetime | None:
        """The slot that the run fires; None where a person started it."""
        return None if self.trigger is Trigger.MANUAL else self.slot or self.due_slot

    @property
    def slot(self) -> datetime | None:
        """The slot to run for; None where the job skips what it missed."""
        if self.retries or self.trigger is Trigger.MANUAL:
            return self.due_slot
        return self.timing.fires_for(self.due_slot, now=self.started_at)


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
    """There was nothing this version could do for the job, or it is `expected` to be skipped."""

    reason: str
    expected: bool = False


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
    scheduled_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended, and the exit code it asks for; `expected` where it needs no telling."""

    run: Run
    exit_code: ExitCode
    expected: bool = False


def moment_of(run: Run) -> datetime:
    """Return when a run ended or, where it has not, began; the first of all times where neither."""
    return run.finished_at or run.started_at or datetime.min.replace(tzinfo=UTC)
