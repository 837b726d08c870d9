"""Which memories look alike: by their vectors, by those of a server, or else by their words.

It proposes what a model is asked about, and decides nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.entity import Entity
from llm_maint.domain.memory import Memory
from llm_maint.domain.relation import STRONG, Link, links_by_words, subject_of
from llm_maint.domain.row import RowId
from llm_maint.errors import EmbeddingsUnavailableError, ModelFailedError, ModelReplyError
from llm_maint.store import neighbours, vectors

NEIGHBOURS = 10
"""Of each memory so many of the nearest are looked at; others are found through these."""

FEW = 500
"""So many new memories are looked up in a database that can; of more, all vectors are compared."""

NEARLY = 0.15
"""So much below the threshold two memories look alike if they share words as well: a value that has
changed, of one person, say."""

TEXTS = 1_000
"""Texts that are sent to be embedded before what came of them is kept."""


MANY, NEARLY_ALL = 1_000, 0.95
"""Of so many memories some are like no other; models whose vectors all lie near each other have
larger cosines, and want a higher threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How the memories of one bot are compared in one run; `advice` says which setting would help.

    It is no warning: a run that succeeds says nothing to cron.
    """

    context: JobContext
    entity: Entity
    meter: Meter
    advice: list[str] = field(default_factory=list)

    def links(self, rows: Sequence[Memory], new: AbstractSet[RowId]) -> list[Link]:
        """Return the links between rows that look alike, one of which is new.

        The server is asked for vectors that are missing, so no other request may be under way.

        Raises:
            MaintError: the server fails in a way that ends the run, or the budget is spent.

        """
        places: dict[RowId, int] = {row.id: place for place, row in enumerate(rows)}
        alike = _Alike(rows, self._threshold)
        if len(new) <= FEW and (links := self._in_database(places, new, alike)) is not None:
            return links
        of_row = self._own(places)
        made = self._made(rows, of_row, new)
        without = [row for row in rows if row.id not in of_row and row.id not in made]
        found = [*_by_vectors(of_row | made, places, new, alike)]
        self._tell_if_all_alike(found, len(rows))
        if any(row.id in new for row in without):
            found += _by_words(rows, {row.id for row in without}.intersection(new))
        return found

    def _tell_if_all_alike(self, links: Sequence[Link], count: int) -> None:
        """Say where the threshold tells little of vectors of this kind: it only costs."""
        linked = {place for link in links for place in link.pair}
        if count >= MANY and len(linked) > NEARLY_ALL * count:
            alike = f"{len(linked):,} of {count:,} memories look like another"
            self.advice.append(f"{alike}: raise memory.similarity_threshold ({self._threshold:g})")

    @property
    def _threshold(self) -> float:
        return self.context.settings.memory.similarity_threshold

    def _in_database(
        self, places: Mapping[RowId, int], new: Collection[RowId], alike: "_Alike"
    ) -> list[Link] | None:
        """Return the links that the database itself finds, None where it cannot for all of them.

        With a model of embeddings there may be vectors that it does not have.
        """
        if self.context.settings.memory.embedding_model:
            return None
        with self.context.database.read() as connection:
            if vectors.ids_without(connection, self.entity, new):
                return None
            pairs = neighbours.nearest_in_database(
                connection, self.entity, new, threshold=alike.least, neighbours=NEIGHBOURS
            )
        if pairs is None:
            return None
        found: dict[tuple[int, int], float] = {}
        for one, other, cosine in pairs:
            if one in places and other in places:
                low, high = sorted((places[one], places[other]))
                found[low, high] = cosine
        return [_link(pair, each) for pair, each in found.items() if alike.are(pair, each)]

    def _own(self, places: Mapping[RowId, int]) -> dict[RowId, bytes]:
        with self.context.database.read() as connection:
            found = vectors.own_vectors(connection, self.entity)
            return {row_id: vector for row_id, vector in found if row_id in places}

    def _made(
        self, rows: Sequence[Memory], own: Collection[RowId], new: AbstractSet[RowId]
    ) -> dict[RowId, bytes]:
        """Return vectors that the server has made of rows without one, now or before."""
        name = self.context.settings.memory.embedding_model
        lacking = [row for row in rows if row.id not in own]
        if not name or not lacking or self.context.model() is None:
            return {}
        with self.context.database.read() as connection:
            kept = vectors.kept_vectors(connection, self.entity, model=name)
        digests = {row.id: vectors.digest(row) for row in lacking}
        known: dict[RowId, bytes] = {i: kept[d] for i, d in digests.items() if d in kept}
        asked = [row for row in lacking if row.id not in known]
        if not any(row.id in new for row in asked) and not known:
            return {}
        try:
            for start in range(0, len(asked), TEXTS):
                known |= self._embedded(asked[start : start + TEXTS], name)
        except (EmbeddingsUnavailableError, ModelReplyError, ModelFailedError) as error:
            self.advice.append(f"memories without a vector are compared by their words: {error}")
        return known

    def _embedded(self, part: Sequence[Memory], name: str) -> Mapping[RowId, bytes]:
        model = self.context.model()
        assert model is not None
        texts = [row.content for row in part]
        (found,) = model.in_order([model.embed(texts, self.meter, model=name)])
        made = list(zip(part, found, strict=True))
        if not self.context.dry_run:
            with self.context.write() as connection:
                vectors.keep_vectors(connection, self.entity, made, model=name)
        return {row.id: vector for row, vector in made}


@dataclass(frozen=True, slots=True)
class _Alike:
    """Whether two rows look alike: by their vectors, or nearly so and by their words."""

    rows: Sequence[Memory]
    threshold: float
    _subjects: dict[int, frozenset[str]] = field(default_factory=dict)

    @property
    def least(self) -> float:
        """The cosine below which no two look alike."""
        return max(self.threshold - NEARLY, 0.0)

    def are(self, pair: tuple[int, int], cosine: float) -> bool:
        """Return whether two rows, by their places, look alike."""
        if cosine >= self.threshold:
            return True
        one, other = (self._subject(place) for place in pair)
        return len(one & other) >= WORDS_BESIDE * max(min(len(one), len(other)), 1)

    def _subject(self, place: int) -> frozenset[str]:
        if place not in self._subjects:
            self._subjects[place] = subject_of(self.rows[place])
        return self._subjects[place]


def _by_vectors(
    of_row: Mapping[RowId, bytes],
    places: Mapping[RowId, int],
    new: Collection[RowId],
    alike: _Alike,
) -> Iterator[Link]:
    from llm_maint.similarity.search import alike as near

    by_size: defaultdict[int, list[RowId]] = defaultdict(list)
    for row_id, vector in of_row.items():
        by_size[len(vector)].append(row_id)
    for ids in by_size.values():  # vectors of two lengths are of two models, and not comparable
        wanted = {place for place, row_id in enumerate(ids) if row_id in new}
        if not wanted:
            continue
        pairs = near(
            [of_row[row_id] for row_id in ids],
            threshold=alike.least,
            neighbours=NEIGHBOURS,
            wanted=None if len(wanted) == len(ids) else wanted,
        )
        for pair in pairs:
            low, high = sorted((places[ids[pair.one]], places[ids[pair.other]]))
            if alike.are((low, high), pair.cosine):
                yield _link((low, high), pair.cosine)


def _by_words(rows: Sequence[Memory], wanted: Collection[RowId]) -> Iterator[Link]:
    """Yield the links of rows that have no vector: to those with which they share most words."""
    return (link for link in links_by_words(rows, wanted) if link.overlap >= WORDS_ALONE)


WORDS_ALONE = 0.3
"""The share of the shorter text's words, each by its rarity, from which two texts look alike that
have no vectors. Chosen on memories with truth, as the threshold of vectors is."""

WORDS_BESIDE = 0.4
"""The share of the shorter text's words from which two look alike whose vectors nearly do."""


def _link(pair: tuple[int, int], cosine: float) -> Link:
    # Whatever looks alike by its vectors is worth a further pass where it met in no request.
    return Link(pair, overlap=max(cosine, STRONG), weight=cosine)
