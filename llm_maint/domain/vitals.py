"""What an installation is known to do: its ticks, jobs, plans and journal, as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from llm_maint.domain.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """A host that ticks; `seen_at` is noted every few minutes, see `store.ticks`."""

    host: str
    first_seen_at: datetime
    seen_at: datetime
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as an operator looks at it. `due_at` None is due now; `problem` is in its schedule."""

    id: str = ""
    name: str
    job_type: str
    enabled: bool
    due_at: datetime | None
    lease_expires_at: datetime | None = None
    is_claimed: bool = False
    last_run_at: datetime | None = None
    last_status: str | None = None
    last_success_at: datetime | None = None
    consecutive_failures: int = 0
    problem: str | None = None
    schedule: Schedule | None = None
    created_at: datetime | None = None

    def is_running(self, *, now: datetime) -> bool:
        """Return whether a living process has it."""
        return self.is_claimed and self.lease_expires_at is not None and self.lease_expires_at > now

    def is_due(self, *, now: datetime) -> bool:
        """Return whether a tick would take it."""
        return self.enabled and not self.is_claimed and (self.due_at is None or self.due_at <= now)

    def overdue(self, *, now: datetime) -> timedelta:
        """Return for how long it has been due; nothing where it is not, or nobody knows."""
        if self.due_at is None or not self.is_due(now=now):
            return timedelta(0)
        return now - self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """A plan that waits for a person."""

    id: str
    entity: str
    is_of_memories: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSize:
    """How much the plans and their before-images are: rows, bytes, and since when."""

    rows: int
    octets: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """All of it, read in one go. Of one job alone there is no journal."""

    now: datetime
    hosts: Sequence[HostSeen]
    jobs: Sequence[JobState]
    held: Sequence[HeldPlan]
    journal: JournalSize | None

    @property
    def last_tick(self) -> HostSeen | None:
        """The host that was seen to tick last."""
        return max(self.hosts, key=lambda seen: seen.seen_at, default=None)

    @property
    def last_success_at(self) -> datetime | None:
        """When a job last ended well."""
        return max((job.last_success_at for job in self.jobs if job.last_success_at), default=None)

    @property
    def next_due_at(self) -> datetime | None:
        """When the next job is due; the present for one that is. None where no job waits."""
        waiting = [job for job in self.jobs if job.enabled and not job.is_claimed]
        return min((max(job.due_at or self.now, self.now) for job in waiting), default=None)
