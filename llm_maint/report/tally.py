"""Runs counted by period: what the charts are drawn from, in room for a year of them."""

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from statistics import median

from llm_maint.domain.entity import MEMORY, Entity
from llm_maint.domain.run_facts import RunFacts

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)

HOURLY, DAILY = timedelta(days=3), timedelta(days=100)
"""Up to these spans a period is an hour, then a day, then a week: bars as a page has room for."""

LEAST_HOURS, LEAST_DAYS = 12, 10
"""Periods that are drawn at least, as far as the window goes back: one bar alone says nothing."""

TOLD_FAILURES = 10

ENDED = ("success", "failed")
"""Runs that came to their end by themselves: how long others took says nothing of the job."""


@dataclass(slots=True)
class Period:
    """An hour, a day or a week, by its beginning."""

    start: datetime
    statuses: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    durations: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[Entity, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """Runs from `since` to `now`, by period, and in all.

    `jobs` are how often each ran; `durations` of each, in milliseconds, over the whole window;
    `first_sizes` are the rows of an entity before its first run.
    """

    since: datetime
    now: datetime
    length: timedelta = HOUR
    periods: list[Period] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    durations: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    first_sizes: dict[Entity, int] = field(default_factory=dict)
    failures: deque[RunFacts] = field(default_factory=lambda: deque(maxlen=TOLD_FAILURES))

    @property
    def runs(self) -> int:
        """How many there were."""
        return self.statuses.total()

    def sizes(self) -> dict[Entity, list[int | None]]:
        """Return the rows of each entity at the end of each period, None before the first run."""
        known: dict[Entity, list[int | None]] = {}
        for number, period in enumerate(self.periods):
            for entity in period.sizes:
                known.setdefault(entity, [None] * number)
            for entity, rows in known.items():
                rows.append(period.sizes.get(entity, rows[-1] if rows else None))
        return known

    def by_period(self, value: Callable[[Period], int]) -> list[int]:
        """Return a value of each period."""
        return [value(period) for period in self.periods]


def tally(
    facts: Iterable[RunFacts],
    *,
    since: datetime,
    now: datetime,
    concerns: Callable[[Entity], bool] = lambda _: True,
) -> Tally:
    """Return the runs of a window, counted.

    Args:
        facts: the runs that started since then, oldest first.
        since: when the window begins; the periods begin with the first run.
        now: when it ends.
        concerns: whose sizes are counted.

    """
    found = Tally(since=since, now=now)
    starts: list[datetime] = []
    for each in facts:
        if each.started_at is None:
            continue
        if not starts:
            starts = _begin(found, each.started_at)
        place = max(bisect_right(starts, each.started_at) - 1, 0)
        _add(found, found.periods[place], each, concerns)
    return found


def _begin(found: Tally, first: datetime) -> list[datetime]:
    found.length, starts = periods(found.since, first, found.now)
    found.periods = [Period(start) for start in starts]
    return starts


def periods(since: datetime, first: datetime, now: datetime) -> tuple[timedelta, list[datetime]]:
    """Return how long the periods of a window are, and when each begins; in UTC.

    Args:
        since: when the window begins.
        first: when its first run started.
        now: when it ends.

    """
    span = now - min(first, now)
    length = HOUR if span <= HOURLY else DAY if span <= DAILY else WEEK
    least = {HOUR: LEAST_HOURS, DAY: LEAST_DAYS}.get(length, 1)
    start = _floor(max(min(first, now - (least - 1) * length), min(since, first)), length)
    return length, [start + length * n for n in range((now - start) // length + 1)]


def _floor(moment: datetime, length: timedelta) -> datetime:
    """Return the beginning of a period; weeks begin on Mondays."""
    moment = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if length == HOUR:
        return moment
    return moment.replace(hour=0) - (DAY * moment.weekday() if length == WEEK else timedelta(0))


def _add(found: Tally, period: Period, facts: RunFacts, concerns: Callable[[Entity], bool]) -> None:
    found.jobs[facts.job_name] += 1
    found.calls += _sane(facts.calls)
    for each in (period, found):
        each.statuses[facts.status] += 1
        each.prompt_tokens += _sane(facts.prompt_tokens)
        each.completion_tokens += _sane(facts.completion_tokens)
        if facts.duration_ms is not None and facts.status in ENDED:
            each.durations[facts.job_name].append(_sane(facts.duration_ms))
    if facts.status in ("failed", "abandoned"):
        found.failures.appendleft(facts)
    for size in facts.sizes:
        entity = Entity(size.entity_type, size.entity_id)
        if concerns(entity):
            before = size.rows if size.before is None else size.before
            period.sizes[entity] = _sane(size.rows)
            found.first_sizes.setdefault(entity, _sane(before))


def _sane(number: int) -> int:
    """Return a number that can be drawn: somebody may have written any into a result."""
    return min(max(number, 0), _MOST)


_MOST = 10**15


def middle(durations: Sequence[int]) -> float:
    """Return the median."""
    return median(durations)


def high(durations: Sequence[int]) -> float:
    """Return the 95th percentile: what 95 of 100 runs did not exceed (nearest rank)."""
    return sorted(durations)[ceil(0.95 * len(durations)) - 1]


def is_of_memories(entity: Entity) -> bool:
    """Return whether the rows of an entity are memories."""
    return entity.type == MEMORY
