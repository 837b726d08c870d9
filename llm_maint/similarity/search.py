"""Which rows look alike: pairs of near neighbours by the cosine of their embeddings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llm_maint.similarity.nearest import Hits, among_all, by_cells
from llm_maint.similarity.vectors import Places, Reals, Units, cosines, directions

EXACT_UP_TO = 10_000
"""Where no more rows are asked for, each is compared with all others, which takes no longer."""

SLACK = 1e-5
"""How far a cosine in float32 may be off: what is so near to the threshold is computed again."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Alike:
    """Two rows by their places in the input, the lower first, and the cosine of their vectors."""

    one: int
    other: int
    cosine: float


def alike(
    vectors: Sequence[bytes],
    *,
    threshold: float,
    neighbours: int = 10,
    wanted: Collection[int] | None = None,
    exact_up_to: int = EXACT_UP_TO,
) -> list[Alike]:
    """Return the pairs of rows that look alike: the most similar first, then by their places.

    A pair is found where one of the two is among the nearest neighbours of the other. Equal vectors
    count as one, and each is paired with the first of them (the first that is wanted), so that no
    number of copies hides what else looks alike. The same input gives the same pairs.

    Args:
        vectors: each row's embedding as packed little-endian float32; one of zeros, or with an
            infinity or NaN, looks like none.
        threshold: the least cosine of a pair, in -1..1.
        neighbours: how many of the different vectors nearest to it a row is paired with.
        wanted: places of rows (None = all): only pairs with one of these. Where they are no more
            than `exact_up_to`, only their own nearest neighbours are looked for.
        exact_up_to: where more different vectors are asked for, a row is compared with those of
            near cells alone, and of a thousand pairs a few may be missed.

    Raises:
        ValueError: the vectors are not all of one length, or that is no whole number of float32;
            fewer than one neighbour is asked for; or a place is wanted that is not there.

    """
    if neighbours < 1:
        raise ValueError(f"{neighbours} neighbours are fewer than one")
    chosen = _chosen(len(vectors), wanted)
    found = directions(vectors)
    heads = np.array([_head(places, chosen) for places in found.copies], np.int64)
    asked = np.flatnonzero(chosen[heads])
    if not len(asked):
        return []
    hits = _hits(found.units, asked, neighbours + 1, exact_up_to)
    near = heads[hits.pairs(threshold - SLACK)]
    same = _copies(found.copies, heads)
    pairs = np.sort(np.concatenate([near, same], axis=1), axis=0)
    values = np.concatenate([cosines(vectors, *near), np.ones(same.shape[1])])
    return _sorted(pairs, values, chosen[pairs].any(axis=0) & (values >= threshold))


def _chosen(rows: int, wanted: Collection[int] | None) -> Flags:
    """Return for each place whether it is wanted."""
    if wanted is None:
        return np.ones(rows, np.bool_)
    if wanted and not 0 <= min(wanted) <= max(wanted) < rows:
        raise ValueError(f"places are wanted that {rows} rows do not have")
    chosen = np.zeros(rows, np.bool_)
    chosen[np.fromiter(wanted, np.int64)] = True
    return chosen


def _head(places: Sequence[int], chosen: Flags) -> int:
    """Return the place that stands for equal vectors: the first that is wanted, else the first."""
    return next((place for place in places if chosen[place]), places[0])


def _hits(units: Units, asked: Places, count: int, exact_up_to: int) -> Hits:
    if len(asked) <= exact_up_to:
        return among_all(units, asked, count=count)
    return by_cells(units, count=count)


def _copies(copies: Sequence[Sequence[int]], heads: Places) -> Places:
    """Return the pairs of a place and the one that stands for it; shape (2, pairs)."""
    pairs = [
        (head, place)
        for head, places in zip(heads.tolist(), copies, strict=True)
        for place in places
        if place != head
    ]
    return np.array(pairs, np.int64).reshape(-1, 2).T


def _sorted(pairs: Places, values: Reals, kept: Flags) -> list[Alike]:
    ones, others, values = pairs[0, kept], pairs[1, kept], values[kept]
    order = np.lexsort((others, ones, -values))
    columns = (each[order].tolist() for each in (ones, others, values))
    return [Alike(*row) for row in zip(*columns, strict=True)]
