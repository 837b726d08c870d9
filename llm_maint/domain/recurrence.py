"""Themes that come up again and again: which memories bear the tag `recurring`, which no more.

A theme is a word's stem that is told of on several days or in several sessions. The tag is no
evidence for itself: only texts, times and sessions are looked at, so a second run changes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import floor
from typing import Any

from llm_maint.domain.loss_guard import ROUNDING
from llm_maint.domain.memory import Memory
from llm_maint.domain.theme_words import as_written, themes_of, words_in

RECURRING = "recurring"
"""The tag of memories whose theme recurs; they are never pruned while they bear it."""

MOST_TAGGED = 0.3
"""A tag that more than this share of the memories bear tells little, and much is never pruned."""

FEW = 20
"""Memories in which any word may stand and be a theme: shares of a small store say little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """When a theme recurs; from the settings `memory.recurrence_*`.

    On at least `threshold` days, or in as many sessions, within `window` before now; None is for
    ever, in which a theme can never end: the tag keeps the memories that speak for it. A word of
    more than `max_share` of the memories, and of more than `FEW` and `threshold`, is no theme, and
    at most `top` are taken: so a quarter of a store is tagged at most, where three days alone would
    tag nearly all of a large one (`benchmarks/memories/themes.py`).
    """

    threshold: int = 3
    max_share: float = 0.2
    top: int = 12
    window: timedelta | None = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Theme:
    """What recurs: the word as most write it, on how many occasions, and in which memories."""

    word: str
    occasions: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """The themes of a store, the memories that should bear the tag, and those whose tags change.

    `to_tag` do not bear it yet, and can; `to_untag` bear it, written just so, and it holds no
    longer.
    """

    themes: tuple[Theme, ...]
    ids: frozenset[str]
    to_tag: tuple[str, ...]
    to_untag: tuple[str, ...]
    memories: int

    @property
    def share(self) -> float:
        """How many of the memories bear the tag afterwards."""
        return len(self.ids) / self.memories if self.memories else 0.0

    @property
    def warning(self) -> str | None:
        """What to tell where too many are tagged for the tag to mean anything."""
        if self.share <= MOST_TAGGED:
            return None
        return (
            f"{len(self.ids)} of {self.memories} memories ({self.share:.0%}) are tagged "
            f"{RECURRING}, which keeps them from being pruned: raise memory.recurrence_threshold"
        )

    def retagged(self, memory: Memory) -> Memory:
        """Return a memory with the tag added or taken off; all its other tags stay as they are."""
        if memory.id not in self.ids:
            return memory.with_tags([tag for tag in memory.tags if tag != RECURRING])
        return memory if is_recurring(memory) else memory.with_tags([*memory.tags, RECURRING])

    def sparing(self, protected: Iterable[str]) -> "Recurring":
        """Return it without the tags of memories that nothing changes; they never fade either."""
        spared = frozenset(protected)
        return replace(
            self,
            to_tag=tuple(i for i in self.to_tag if i not in spared),
            to_untag=tuple(i for i in self.to_untag if i not in spared),
        )

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "memories": self.memories,
            "recurring": len(self.ids),
            "share": self.share,
            "tagged": len(self.to_tag),
            "untagged": len(self.to_untag),
            "themes": [
                {"word": each.word, "occasions": each.occasions, "memories": len(each.ids)}
                for each in self.themes
            ],
            "warning": self.warning,
        }


def recurring(
    memories: Sequence[Memory],
    settings: Recurrence,
    *,
    names: Collection[str],
    sightings: Mapping[str, Collection[date]],
    now: datetime,
) -> Recurring:
    """Return the themes that recur, and which memories get or lose the tag.

    Args:
        memories: all memories of a bot.
        settings: when a theme recurs.
        names: of the bot and of whom it serves: no themes.
        sightings: further days on which what a memory says was told, by its id: those of the
            duplicates that went into it.
        now: when; days after it are not counted.

    """
    by_word = _by_word(memories)
    silent = _silent(memories, names)
    by_stem = _by_stem(by_word, silent)
    told = _Told(memories, sightings, settings.window, today=now.astimezone(UTC).date())
    share = floor(settings.max_share * len(memories) + ROUNDING)
    most = max(settings.threshold, FEW, share)
    found = [
        (-occasions, len(places), stem)
        for stem, places in by_stem.items()
        if len(places) <= most and (occasions := told.occasions(places)) >= settings.threshold
    ]
    taken = sorted(found)[: settings.top]
    words = _words(by_word, {stem for *_, stem in taken})
    themes = tuple(
        Theme(words[stem], -occasions, tuple(memories[i].id for i in sorted(by_stem[stem])))
        for occasions, _, stem in taken
    )
    ids = frozenset(row_id for theme in themes for row_id in theme.ids)
    can = [memory for memory in memories if memory.takes_tags]
    return Recurring(
        themes=themes,
        ids=ids,
        to_tag=tuple(m.id for m in can if m.id in ids and not is_recurring(m)),
        to_untag=tuple(m.id for m in can if m.id not in ids and RECURRING in m.tags),
        memories=len(memories),
    )


def is_recurring(memory: Memory) -> bool:
    """Return whether a memory bears the tag, however it is written."""
    return any(tag.strip().casefold() == RECURRING for tag in memory.tags)


def _by_word(memories: Sequence[Memory]) -> Mapping[str, Sequence[int]]:
    """Return the places of the memories in which each word stands."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for place, memory in enumerate(memories):
        for word in set(words_in(memory.content)):
            found[word].append(place)
    return found


def _silent(memories: Iterable[Memory], names: Iterable[str]) -> frozenset[str]:
    """Return the stems that are no themes: of tags that are a word, and of names."""
    tags = [words_in(tag) for tag in {tag for memory in memories for tag in memory.tags}]
    words = {words[0] for words in tags if len(words) == 1}
    words.update([RECURRING], *map(words_in, names))
    return frozenset(stem for word in words for stem in themes_of(word))


def _by_stem(
    by_word: Mapping[str, Sequence[int]], silent: Collection[str]
) -> Mapping[str, Collection[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for word, places in by_word.items():
        for stem in themes_of(word):
            if stem not in silent:
                found[stem].update(places)
    return found


def _words(by_word: Mapping[str, Sequence[int]], stems: set[str]) -> Mapping[str, str]:
    """Return for each stem the word that most memories have of it."""
    found: dict[str, tuple[int, str]] = {}
    for word, places in by_word.items():
        for stem in stems.intersection(themes_of(word)):
            mostly = (-len(places), as_written(stem, word))
            found[stem] = min(found.get(stem, mostly), mostly)
    return {stem: word for stem, (_, word) in found.items()}


class _Told:
    """On which days, and in which sessions, memories were told."""

    def __init__(
        self,
        memories: Sequence[Memory],
        sightings: Mapping[str, Collection[date]],
        window: timedelta | None,
        *,
        today: date,
    ) -> None:
        self._days: list[Collection[date]] = []
        self._sessions: list[str | None] = []
        for memory in memories:
            created = memory.created_at and memory.created_at.astimezone(UTC).date()
            days = {*([created] if created else []), *sightings.get(memory.id, ())}
            counted = {d for d in days if d <= today and (window is None or today - d <= window)}
            self._days.append(counted)
            self._sessions.append(memory.session if created is None or created in counted else None)

    def occasions(self, places: Collection[int]) -> int:
        """Return on how many days, or in how many sessions if these are more."""
        days = {day for place in places for day in self._days[place]}
        sessions = {self._sessions[place] for place in places} - {None}
        return max(len(days), len(sessions))
