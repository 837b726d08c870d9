"""Portions: parts of many rows, each to be consolidated and applied by itself.

Rows that look alike, directly or by others between them, share a portion as far as it has room: so
a kill loses the work on one portion at most, and no two are about the same rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from llm_maint.domain.clusters import Clusters, packed
from llm_maint.domain.relation import Link


@dataclass(frozen=True, slots=True)
class Portion:
    """Some rows by their places among all, and the links between their places in the portion.

    `cut` are places in the portion of rows whose look-alikes are partly in other portions.
    """

    places: tuple[int, ...]
    links: tuple[Link, ...]
    cut: frozenset[int] = frozenset()


def portions(count: int, links: Sequence[Link], *, size: int, most: int) -> Iterator[Portion]:
    """Yield the rows that links join, in portions of about `size` rows.

    Of rows that are joined to more than a portion has, those are left out of which no link is
    within a portion: there they would meet nobody whom they look like.

    Args:
        count: of all rows.
        links: between their places.
        size: rows that a portion has at most; it is never cut within `most` rows that are joined.
        most: rows that are held together where more are joined than a portion has.

    """
    groups = [found for found in _joined(count, links, size=count) if len(found) > 1]
    cut: set[int] = set()
    small = [found for found in groups if len(found) <= size]
    for large in (found for found in groups if len(found) > size):
        cut.update(large)
    if cut:
        inner = [link for link in links if cut.issuperset(link.pair)]
        pieces = _joined(count, inner, size=min(most, size))
        small += [found for found in pieces if not cut.isdisjoint(found)]
    of_place: dict[int, int] = {}
    parts = packed(small, size=size)
    for number, part in enumerate(parts):
        of_place.update(dict.fromkeys(part, number))
    inside: list[list[Link]] = [[] for _ in parts]
    for link in links:
        one, other = (of_place[place] for place in link.pair)
        if one == other:
            inside[one].append(link)
    for own in inside:
        met = {place for link in own for place in link.pair}
        if met:
            yield _portion(sorted(met), own, cut)


def _joined(count: int, links: Iterable[Link], *, size: int) -> list[list[int]]:
    clusters = Clusters(count, size=size)
    for link in sorted(links, key=lambda link: (-link.weight, link.pair)):
        clusters.join(*link.pair)
    return clusters.all()


def _portion(places: Sequence[int], links: Iterable[Link], cut: set[int]) -> Portion:
    here = {place: number for number, place in enumerate(places)}
    moved = (replace(link, pair=(here[link.pair[0]], here[link.pair[1]])) for link in links)
    apart = frozenset(here[place] for place in cut.intersection(places))
    return Portion(tuple(places), tuple(moved), apart)
