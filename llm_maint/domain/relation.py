"""Which rows are related: it proposes what travels together to a model.

Rows are related as far as they share words of key and value, a rare word far more than a common one
(the square of the inverse document frequency). Related rows are kept in one request as long as
there is room.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from llm_maint.domain.clusters import Clusters, packed
from llm_maint.domain.orders import speaks_to_model
from llm_maint.domain.row import Row, RowId
from llm_maint.domain.wording import content_of, snake_case

STEM_CHARS = 6
"""Words that begin alike are alike: hike, hiking, hikes."""

COMMON = 100
"""A word of more rows than this joins each only to so many neighbours: the work stays linear."""

NEIGHBOURS = 10
"""Rows on each side that a common word joins where a row has rarer words as well: so a fact that is
told in hundreds of rows, each with a date of its own, stays together."""

MOST_WORDS = 40
"""A long text is known by its rarest words."""

STRONG = 0.7
"""Rows that share so much of the shorter text meet in one request, in a further pass if need be.

On the data with truth, of 50 to 2,000 rows, this is true of at most 30 pairs of different facts.
"""

RELATIVES = 3
"""How many rows that are known already travel with a new one."""

FAINT = 0.2
"""Rows that share less than this are no relatives."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two rows by their places, how much of the shorter one they share, and how surely related."""

    pair: tuple[int, int]
    overlap: float
    weight: float
    one_key: bool = False

    @property
    def faint(self) -> bool:
        """Whether the two are no relatives: rows under one key always are."""
        return self.weight < FAINT and not self.one_key


class Relations:
    """The relations between some rows, or those of the new ones among them."""

    def __init__(
        self,
        rows: Sequence[Row],
        new: Collection[RowId] | None = None,
        links: Iterable[Link] | None = None,
    ) -> None:
        """Relate rows by their words; or by links between their places, known from elsewhere."""
        self.rows = rows
        self.links = list(links_by_words(rows, new) if links is None else links)

    def batches(self, *, size: int, most: int | None = None) -> list[tuple[Row, ...]]:
        """Return all rows in parts of at most `size`; related rows share one, side by side.

        Rows that read like orders to a model travel apart from all others. `most` bounds how many
        related rows are held together, where that is fewer than a part has.
        """
        orders = {place for place, row in enumerate(self.rows) if speaks_to_model(row)}
        clusters = Clusters(len(self.rows), size=min(most or size, size))
        for link in sorted(self.links, key=lambda link: (-link.weight, link.pair)):
            if orders.isdisjoint(link.pair) or orders.issuperset(link.pair):
                clusters.join(*link.pair)
        of_facts = [found for found in clusters.all() if orders.isdisjoint(found)]
        of_orders = [found for found in clusters.all() if not orders.isdisjoint(found)]
        parts = [*packed(of_facts, size=size), *packed(of_orders, size=size)]
        return [tuple(self.rows[i] for i in part) for part in parts]

    def relatives(self, new: Collection[RowId]) -> set[RowId]:
        """Return which rows travel with the new ones: the nearest of each that are not new."""
        others = ([i for i in near if i not in new] for near in self.kin(new).values())
        return {row_id for near in others for row_id in near[:RELATIVES]}

    def kin(self, ids: Collection[RowId]) -> Mapping[RowId, Mapping[RowId, Link]]:
        """Return the relatives of each of some new rows, the nearest first."""
        found: defaultdict[RowId, dict[RowId, Link]] = defaultdict(dict)
        for link in sorted(self.links, key=lambda link: (-link.weight, link.pair)):
            one, other = (self.rows[place].id for place in link.pair)
            for this, that in ((one, other), (other, one)):
                if not link.faint and this in ids:
                    found[this][that] = link
        return found

    def strong(self) -> Iterator[tuple[RowId, RowId]]:
        """Yield the pairs of rows that look like one fact."""
        for link in self.links:
            if link.overlap >= STRONG:
                yield self.rows[link.pair[0]].id, self.rows[link.pair[1]].id


def links_by_words(rows: Sequence[Row], new: Collection[RowId] | None = None) -> Iterator[Link]:
    """Yield the links of rows, or of the new ones among them, that share a telling word."""
    wanted = [place for place, row in enumerate(rows) if new is None or row.id in new]
    return _Words([subject_of(row) for row in rows]).links(wanted)


def subject_of(row: Row) -> frozenset[str]:
    """Return what a row is about: the beginnings of its words and, marked, what its key says."""
    stems = {stem for word in content_of(row.saying.whole) for stem in stems_of(word)}
    return frozenset({*stems, f":{_subject(row.key)}"} if row.key else stems)


def stems_of(word: str) -> Iterable[str]:
    """Return what stands for a folded word: its beginning, or pairs of letters without spaces."""
    if any(map(str.isdigit, word)):
        return [word]  # rarely alike by chance, and never by its beginning
    if UNSPACED.search(word):
        return map("".join, pairwise(word)) if len(word) > 1 else [word]
    return [word[:STEM_CHARS]]


# Scripts that write sentences without spaces: pairs of letters stand for words.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)

# What tells versions of one key apart: plan, current_plan, old_plan, plan_name.
_OF_A_VERSION = frozenset(
    "current new my old former previous latest now home name title status user users the".split()  # noqa: SIM905
)


def _subject(key: str) -> str:
    words = snake_case(key).split("_")
    return "_".join(word for word in words if word not in _OF_A_VERSION) or snake_case(key)


class _Words:
    """An index of the words of rows, and what each word weighs."""

    def __init__(self, features: Sequence[frozenset[str]]) -> None:
        self.places: defaultdict[str, list[int]] = defaultdict(list)
        for place, words in enumerate(features):
            for word in words:
                self.places[word].append(place)
        self.weight = {w: log(1 + len(features) / len(found)) for w, found in self.places.items()}
        self.features = [
            words if len(words) <= MOST_WORDS else frozenset(self._rarest(words, MOST_WORDS))
            for words in features
        ]
        self.total = [self._telling(words) for words in self.features]
        self.said = [self._sum(w for w in words if w[0] != ":") for words in self.features]

    def links(self, wanted: Sequence[int]) -> Iterator[Link]:
        """Yield the wanted rows with every row that shares a word rare enough to say something."""
        asked = set(wanted)
        for place in wanted:
            words = self.features[place]
            for other in self._candidates(place, words):
                if other == place or (other in asked and other > place):
                    continue
                common = words & self.features[other]
                shared, said = self._sum(common), self._sum(w for w in common if w[0] != ":")
                shorter = min(self.said[place], self.said[other])
                weight = self._telling(common) / min(self.total[place], self.total[other])
                # What is shared must be much as well: one common word of two says little.
                weight *= shared / (shared + 2)
                if not any(map(self._tells, common)) and any(map(self._tells, words)):
                    weight -= 1  # both say more than they share: they are joined last of all
                one_key = any(word[0] == ":" for word in common)
                yield Link((other, place), said / shorter if shorter else 0.0, weight, one_key)

    def _candidates(self, place: int, words: frozenset[str]) -> set[int]:
        telling = {word for word in words if self._tells(word)}
        found: set[int] = set()
        for word in telling:
            found.update(self._around(place, word, COMMON))
        for word in self._rarest(words - telling, 1):
            found.update(self._around(place, word, NEIGHBOURS if telling else COMMON))
        return found

    def _tells(self, word: str) -> bool:
        return len(self.places[word]) <= COMMON

    def _around(self, place: int, word: str, number: int) -> list[int]:
        places = self.places[word]
        here = bisect_left(places, place)
        return places[max(0, here - number) : here + number]

    def _rarest(self, words: Iterable[str], number: int) -> list[str]:
        return sorted(words, key=lambda word: (len(self.places[word]), word))[:number]

    def _telling(self, words: Iterable[str]) -> float:
        # The square: one rare word tells more than many common ones.
        return sum(self.weight[word] ** 2 for word in words)

    def _sum(self, words: Iterable[str]) -> float:
        return sum(self.weight[word] for word in words)
