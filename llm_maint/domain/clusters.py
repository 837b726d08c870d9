"""Clusters: sets of places that grow together up to a size, and how they fill parts."""

from collections.abc import Iterable


class Clusters:
    """Sets of places that grow together, none beyond a size."""

    def __init__(self, number: int, *, size: int) -> None:
        self._size = size
        self._of = [[place] for place in range(number)]

    def join(self, one: int, other: int) -> None:
        """Join two clusters if both together have room."""
        into, gone = self._of[one], self._of[other]
        if into is gone or len(into) + len(gone) > self._size:
            return
        if len(into) < len(gone):
            into, gone = gone, into
        into += gone
        for place in gone:
            self._of[place] = into

    def all(self) -> list[list[int]]:
        """Return the clusters, each in the order in which it grew."""
        return list({id(found): found for found in self._of}.values())


def packed(clusters: Iterable[list[int]], *, size: int) -> list[list[int]]:
    """Put whole clusters together until a part is full: the largest first, each where it fits."""
    parts: list[list[int]] = []
    for cluster in sorted(clusters, key=lambda found: (-len(found), found)):
        room = next((part for part in parts if len(part) + len(cluster) <= size), None)
        if room is None:
            parts.append(list(cluster))
        else:
            room += cluster
    return parts
