"""The essentials of an installation on one screen: what `status` shows, as a value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from llm_maint.domain.checkup import Check, State, worst_state
from llm_maint.domain.runs import Run
from llm_maint.domain.vitals import JobState, Vitals

TOKEN_DAYS = 14
"""Days of tokens that are shown, today included."""

ROW_DAYS = 7
"""Days of changes to rows that are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfTokens:
    """What runs that started on a day, by UTC, asked of the model and got from it."""

    day: date
    prompt: int = 0
    completion: int = 0

    @property
    def tokens(self) -> int:
        """In both directions."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that is shown. `jobs` are the most urgent first; `last_runs` are statuses by a job's id.

    A job has its last runs, oldest first, where it is shown with them. `patience` is how late a job
    may be before that is worth a word; `stale` is what is wrong with `--max-age`, None where that
    was not asked or nothing is; `failures` are the newest first.
    """

    database: str
    vitals: Vitals
    patience: timedelta
    checks: Sequence[Check]
    jobs: Sequence[JobState]
    last_runs: Mapping[str, Sequence[str]]
    tokens: Sequence[DayOfTokens]
    rows: Mapping[str, int]
    failures: Sequence[Run]
    stale: str | None = None

    @property
    def state(self) -> State:
        """The worst of the checks."""
        return worst_state(self.checks)

    def count(self, state: State) -> int:
        """Return how many checks ended so."""
        return sum(check.state is state for check in self.checks)


def every_day(found: Iterable[DayOfTokens], *, now: datetime) -> list[DayOfTokens]:
    """Return the last `TOKEN_DAYS` days up to now, also those of which nothing was found."""
    by_day = {each.day: each for each in found}
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(TOKEN_DAYS))]
    return [by_day.get(day, DayOfTokens(day=day)) for day in days]


def first_of(now: datetime) -> datetime:
    """Return the moment at which the first of those days began."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=TOKEN_DAYS - 1)


def by_urgency(jobs: Iterable[JobState], *, now: datetime) -> list[JobState]:
    """Return jobs, first those that fail, then by when they are due, last what is switched off."""
    return sorted(jobs, key=lambda job: _urgency(job, now=now))


def _urgency(job: JobState, *, now: datetime) -> tuple[int, int, datetime, str]:
    failing = job.enabled and (job.consecutive_failures > 0 or job.problem is not None)
    stuck = job.is_claimed and not job.is_running(now=now)
    if failing or stuck:
        rank = 0
    elif job.is_claimed or job.enabled:
        rank = 1
    else:
        rank = 2
    due = now if job.is_claimed or job.due_at is None else job.due_at
    return rank, -job.consecutive_failures, due, job.name
