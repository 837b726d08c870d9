"""Models that answer from the truth, about what is present in the one request they are asked."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from datasets import DataSet
from kinds import MEMORY
from seen import (
    Document,
    Knowledge,
    Reply,
    Seen,
    group,
    removal,
    reply_to,
    winner_of,
    words_of,
)


class Oracle:
    """Merges with a text that holds every word of its rows; supersedes, disputes and removes."""

    def __init__(self, dataset: DataSet) -> None:
        self.truth = dataset.truth
        self.knowledge = Knowledge(dataset.rows)
        # Memories name days: the year that one ends with measures nothing of what another adds.
        self._between = "; " if dataset.kind is MEMORY else " "

    def reply(self, document: Document) -> Reply:
        """Answer a request."""
        groups, remove = self.operations(self.knowledge.seen(document["rows"]))
        return reply_to(document, groups, remove)

    def operations(self, seen: Sequence[Seen]) -> tuple[list[Reply], list[Reply]]:
        """Return the groups and the removals; each row is in one of them at most."""
        free = {each.name: each for each in seen}
        groups: list[Reply] = []
        for found in chain(self._updates(free), self._disputes(free), self._merges(free)):
            groups.append(found)
            for name in found["ids"]:
                del free[name]
        noise = set(self.truth["noise"])
        return groups, [removal(each, "no fact") for each in free.values() if each.ids & noise]

    def merged(self, rows: Sequence[Seen]) -> Reply:
        """Return the merge of some rows, the first in the order of the truth first."""
        key, value = rows[0].row["key"], self._text(rows)
        self.knowledge.wrote(rows, key, value)
        return group("merge", rows, "one fact", key=key, value=value)

    def _updates(self, free: dict[str, Seen]) -> Iterator[Reply]:
        for update in self.truth["updates"]:
            rows = _among(free, [*update["old"], *update["new"]])
            if update["strict"] and len(rows) > 1:
                yield group("supersede", rows, "the value changed")

    def _disputes(self, free: dict[str, Seen]) -> Iterator[Reply]:
        sides = [(each["a"], each["b"]) for each in self.truth["contradictions"]]
        sides += [([p["explicit"]], [p["inferred_newer"]]) for p in self.truth["policy"]]
        for one, other in sides:
            here, there = _among(free, one), _among(free, other)
            if here and there:
                yield group("conflict", [*here, *there], "nothing tells which is right")

    def _merges(self, free: dict[str, Seen]) -> Iterator[Reply]:
        for each in self.truth["merge_groups"]:
            rows = _among(free, each["rows"])
            if len(rows) > 1:
                yield self.merged(rows)

    def _text(self, rows: Sequence[Seen]) -> str | None:
        """Return the text that says everything, None where the winner's own does."""
        winner, key = winner_of(rows), rows[0].row["key"].replace("_", " ")
        if any(not isinstance(each.row["value"], str) for each in rows):
            return None
        if not _missing(f"{winner.text} {key}", rows):
            return None
        # The first row of a group is its fullest; where it is not present, the wordiest row is.
        first = set(self._first_rows())
        fullest = next((each for each in rows if each.ids & first), None)
        fullest = fullest or max(rows, key=lambda each: len(words_of(each.text)))
        missing = self._between.join(_missing(f"{fullest.text} {key}", rows))
        return f"{fullest.text} ({missing})" if missing else fullest.text

    def _first_rows(self) -> Iterator[str]:
        return (each["rows"][0] for each in self.truth["merge_groups"])


class Textless(Oracle):
    """What a lazy model says: the groups are right, and it writes neither text nor key."""

    def merged(self, rows: Sequence[Seen]) -> Reply:
        """Return the merge of some rows without any text."""
        return group("merge", rows, "one fact")


def _among(free: dict[str, Seen], ids: Sequence[str]) -> list[Seen]:
    """Return the free rows that stand for some rows of the set, in the order of these."""
    place = {row_id: number for number, row_id in enumerate(ids)}
    found = [
        (min(place[i] for i in each.ids if i in place), each)
        for each in free.values()
        if not each.ids.isdisjoint(place)
    ]
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _missing(text: str, rows: Sequence[Seen]) -> list[str]:
    """Return the words of the rows that a text has not, as they are written, row by row."""
    there = set(words_of(text))
    parts = []
    for each in rows:
        parts.append(" ".join(word for folded, word in each.words.items() if folded not in there))
        there.update(each.words)
    return [part for part in parts if part]


Answer = Callable[[Document], Reply]
"""What a simulated model is to its server."""
