"""How memories fade when nobody comes back to them: what may be pruned, and what never may.

The faded value is a view: it is worked out when it is asked for and written nowhere.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import floor
from typing import Any, NamedTuple

from llm_maint.domain.half_lives import folded
from llm_maint.domain.loss_guard import ALWAYS_ALLOWED_LOSSES, ROUNDING
from llm_maint.domain.memory import Memory
from llm_maint.domain.policy import Policy
from llm_maint.domain.recurrence import RECURRING, is_recurring

PROTECTED, IMPORTANT, RECENT = "protected", "important", "recent"
UNRATED, UNDATED = "unrated", "undated"

EXEMPTIONS = (PROTECTED, IMPORTANT, RECURRING, RECENT, UNRATED, UNDATED)
"""Why a memory is not pruned; of several reasons the first counts."""

FADED, ORPHANED = "faded", "orphaned"
"""Why a memory is pruned."""

EDGES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Where a report parts effective importance: a memory takes a half-life from one to the next."""

BUCKETS = (*(f"under {edge:g}" for edge in EDGES), f"{EDGES[-1]:g} or more", "unknown")
"""What a report counts: `unknown` is a memory without a time or an importance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """How memories fade and what is exempt; from the settings `memory.*`.

    `half_lives` are those of tags, as `half_lives.folded` writes them. All are above zero.
    """

    half_life: timedelta = timedelta(days=90)
    half_lives: Mapping[str, timedelta] = field(default_factory=dict)
    threshold: float = 0.05
    exempt_importance: float = 0.7
    grace: timedelta = timedelta(days=30)
    policy: Policy = field(default_factory=Policy)
    prunes_orphans: bool = False

    def half_life_of(self, memory: Memory) -> timedelta:
        """Return the longest half-life of its tags, the general one where none has its own."""
        own = (self.half_lives.get(folded(tag)) for tag in memory.tags)
        return max((found for found in own if found), default=self.half_life)


class Fate(StrEnum):
    """What becomes of a memory: every one of a report has exactly one of these."""

    KEPT = "kept"
    EXEMPT = "exempt"
    GOING = "going"
    WAITING = "waiting"


class Prunable(NamedTuple):
    """A memory that may be pruned: what is left of its importance, and why; most faded first."""

    effective: float
    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What has faded, and what a run that prunes would take; a run that prunes takes just that.

    `prunable` has the most faded first: the first of them go, the others wait for a later run.
    `exempt` counts by reason, `spared` those of them that have faded all the same. `orphans` is
    None where nobody knows which memories have lost their sources.
    """

    fates: Mapping[str, Fate]
    prunable: tuple[Prunable, ...]
    exempt: Mapping[str, int]
    spared: Mapping[str, int]
    orphans: tuple[str, ...] | None
    distribution: Mapping[str, int]

    @property
    def going(self) -> tuple[Prunable, ...]:
        """Those that go in this run."""
        return tuple(each for each in self.prunable if self.fates[each.id] is Fate.GOING)

    @property
    def waiting(self) -> tuple[Prunable, ...]:
        """Those that wait for a later run."""
        return tuple(each for each in self.prunable if self.fates[each.id] is Fate.WAITING)

    def accounting(self) -> dict[str, int]:
        """Return how many memories met each fate; the sum is the number of memories."""
        counted = Counter(self.fates.values())
        return {fate.value: counted[fate] for fate in Fate}

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "memories": len(self.fates),
            "accounting": self.accounting(),
            "exempt": dict(self.exempt),
            "spared": dict(self.spared),
            "orphans": None if self.orphans is None else len(self.orphans),
            "distribution": dict(self.distribution),
            "prunable": [
                {
                    "id": each.id,
                    "effective_importance": each.effective,
                    "reason": each.reason,
                    "fate": self.fates[each.id].value,
                }
                for each in self.prunable
            ],
        }


def effective_importance(memory: Memory, decay: Decay, *, now: datetime) -> float | None:
    """Return what is left of a memory's importance: half of it after each half-life.

    Its age counts from the latest of its access, update and creation, and is never below zero.
    None, which is unknown, without a time or an importance from 0 to 1: another scale, or none, is
    no reason to take something for unimportant.
    """
    age, importance = _age(memory, now=now), _rated(memory)
    if age is None or importance is None:
        return None
    return float(importance * 0.5 ** (age / decay.half_life_of(memory)))


def exemption(memory: Memory, decay: Decay, *, now: datetime) -> str | None:
    """Return why a memory may not be pruned, one of `EXEMPTIONS`; None where nothing forbids it."""
    age = _age(memory, now=now)
    if decay.policy.protects(memory):
        return PROTECTED
    if memory.importance is not None and memory.importance >= decay.exempt_importance:
        return IMPORTANT
    if is_recurring(memory):
        return RECURRING
    if age is not None and age < decay.grace:
        return RECENT
    if _rated(memory) is None:
        return UNRATED
    return UNDATED if age is None else None


def decayed(
    memories: Iterable[Memory],
    decay: Decay,
    *,
    now: datetime,
    allowed: int | None,
    orphans: Collection[str] | None,
) -> Report:
    """Return what has faded by now, and what of it may go in this run.

    Args:
        memories: all memories of a bot.
        decay: how they fade.
        now: when.
        allowed: how many may go at most, `allowed_losses` say; None is no limit.
        orphans: memories whose every source message is gone; None where nobody knows.

    """
    gone = frozenset(orphans or ())
    seen = [
        _Seen(
            memory.id,
            effective_importance(memory, decay, now=now),
            exemption(memory, decay, now=now),
        )
        for memory in _as_rated(memories)
    ]
    faded = {s.id for s in seen if s.effective is not None and s.effective < decay.threshold}
    candidates = faded | gone if decay.prunes_orphans else faded
    prunable = sorted(
        Prunable(each.effective, each.id, FADED if each.id in faded else ORPHANED)
        for each in seen
        if each.id in candidates and each.effective is not None and each.exempt is None
    )
    limit = len(prunable) if allowed is None else max(allowed, 0)
    return Report(
        fates={each.id: Fate.EXEMPT if each.exempt else Fate.KEPT for each in seen}
        | {each.id: Fate.GOING for each in prunable[:limit]}
        | {each.id: Fate.WAITING for each in prunable[limit:]},
        prunable=tuple(prunable),
        exempt=_counted(EXEMPTIONS, (each.exempt for each in seen)),
        spared=_counted(EXEMPTIONS, (each.exempt for each in seen if each.id in faded)),
        orphans=None if orphans is None else tuple(each.id for each in seen if each.id in gone),
        distribution=_counted(BUCKETS, (_bucket(each.effective) for each in seen)),
    )


def allowed_losses(unprotected: int, lost_recently: int, ratio: float) -> int:
    """Return how many memories may still go, within the window that `loss_guard` guards.

    Args:
        unprotected: unprotected memories that are there now. Copies buy no right to lose something
            else: of memories that state one `fact`, count one.
        lost_recently: what went in the last seven days, by whatever job.
        ratio: the share that may go in any seven days; `ALWAYS_ALLOWED_LOSSES` always may.

    """
    of_all = floor(ratio * (unprotected + lost_recently) + ROUNDING)
    return max(0, max(ALWAYS_ALLOWED_LOSSES, of_all) - lost_recently)


def _age(memory: Memory, *, now: datetime) -> timedelta | None:
    times = (memory.last_accessed, memory.updated_at, memory.created_at)
    touched = max((time for time in times if time is not None), default=None)
    return None if touched is None else max(now - touched, timedelta(0))


def _rated(memory: Memory) -> float | None:
    # What is not a number is not from 0 to 1 either.
    importance = memory.importance
    return importance if importance is not None and 0 <= importance <= 1 else None


def _as_rated(memories: Iterable[Memory]) -> list[Memory]:
    """Return the memories; where all are of importance 0, nobody has rated any of them.

    It is what a column says that nobody writes, and no reason to take everything for unimportant.
    """
    found = list(memories)
    if any(memory.importance != 0 for memory in found):
        return found
    return [replace(memory, importance=None) for memory in found]


class _Seen(NamedTuple):
    id: str
    effective: float | None
    exempt: str | None


def _counted(names: Iterable[str], found: Iterable[str | None]) -> dict[str, int]:
    counted = Counter(found)
    return {name: counted[name] for name in names}


def _bucket(effective: float | None) -> str:
    return BUCKETS[-1] if effective is None else BUCKETS[bisect_right(EDGES, effective)]
