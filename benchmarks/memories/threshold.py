"""The similarity threshold: how alike rows are, and what each threshold lets travel to a model.

By the vectors of the sets or, with `--words`, by the words that two texts have in common.
Copies are left out: they fold without a model.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import stored

from llm_maint.domain.clusters import Clusters
from llm_maint.domain.memory import Memory
from llm_maint.domain.relation import Relations
from llm_maint.domain.wording import folded

sys.path.append(str(Path(__file__).parents[1] / "consolidation"))
from tables import markdown

Pair = tuple[int, int]

THRESHOLDS = [round(0.5 + 0.05 * step, 2) for step in range(10)]
COPIES = ("exact", "folded")
QUANTILES = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)
"""Of which pairs are shown."""


def main() -> None:
    """Print how alike pairs of each kind are, and what each threshold finds."""
    arguments = _arguments()
    kinds: dict[str, list[float]] = {}
    print(SHOWN.format(most=arguments.most), end="\n\n")
    for name in arguments.sets:
        found = _Set(name, by_words=arguments.words)
        for kind, values in found.kinds().items():
            kinds.setdefault(kind, []).extend(values)
        lines = [found.line(threshold, arguments.most) for threshold in arguments.thresholds]
        print(markdown([name, *HEAD], lines))
    lines = [
        [kind, len(values), *(f"{np.quantile(values, q):.2f}" for q in QUANTILES)]
        for kind, values in kinds.items()
        if values
    ]
    print(markdown(["pairs of all these sets", "number", *(f"{q:.0%}" for q in QUANTILES)], lines))


SHOWN = """\
Pairs that are alike by themselves; linked: by other rows of their fact; together: in one cluster
when the likest pairs are joined first and no cluster grows beyond {most} rows."""

HEAD = (
    "merge pairs",
    "linked",
    "together",
    "update pairs",
    "linked",
    "together",
    "noise",
    "keep-apart",
    "pairs a row",
    "most of a row",
    "rows that travel",
    "largest cluster",
)


class _Set:
    """A set without its copies, and how alike each two of its rows are."""

    def __init__(self, name: str, *, by_words: bool) -> None:
        rows, self.truth = stored.rows(name), stored.truth(name)
        first: dict[str, int] = {}
        self.place: dict[str, int] = {}
        kept: list[int] = []
        for number, row in enumerate(rows):
            text = folded(row["content"])
            if text not in first:
                first[text] = len(kept)
                kept.append(number)
            self.place[row["id"]] = first[text]
        texts = [rows[number]["content"] for number in kept]
        vectors = None if by_words else stored.vectors(name)
        if vectors is None:
            self.alike = _common_words(texts)
        else:
            matrix = np.array([vectors[number] for number in kept])
            matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
            self.alike = matrix @ matrix.T
        np.fill_diagonal(self.alike, 0)
        groups = [group["rows"] for group in self.truth["merge_groups"]]
        chains = [u["old"] + u["new"] for u in self.truth["updates"] if u["strict"]]
        self.groups, self.chains = self._places(groups), self._places(chains)
        self.noise = sorted({self.place[i] for i in self.truth["noise"]})

    def line(self, threshold: float, most: int) -> list[Any]:
        """Return what a threshold finds."""
        near = self.alike >= threshold
        degree = near.sum(axis=1)
        cluster = self._clusters(threshold, most)
        apart = self._named("keep_apart")
        found = []
        for groups in (self.groups, self.chains):
            pairs = self._pairs(groups)
            found += [
                _percent([near[pair] for pair in pairs]),
                _percent(list(_linked(near, groups))),
                _percent([cluster[one] == cluster[other] for one, other in pairs]),
            ]
        return [
            threshold,
            *found,
            _percent([near[place].any() for place in self.noise]),
            _percent([near[pair] for pair in apart]),
            f"{degree.mean() / 2:.1f}",
            int(degree.max()),
            _percent(list(degree > 0)),
            max(len(part) for part in _parts(near, range(len(near)))),
        ]

    def kinds(self) -> Mapping[str, list[float]]:
        """Return how alike pairs are, by what they are to each other."""
        found: dict[str, list[Pair]] = {}
        for group in self.truth["merge_groups"]:
            pairs = ((self.place[group["rows"][0]], self.place[i]) for i in group["rows"][1:])
            for pair, kind in zip(pairs, group["kind"], strict=True):
                if kind not in COPIES:
                    found.setdefault(f"one fact: {kind} and first", []).append(pair)
        found["one fact: any two"] = self._pairs(self.groups)
        found["update: old and new"] = self._pairs(self.chains)
        for kind in ("contradictions", "policy", "keep_apart"):
            found[kind] = self._named(kind)
        related = {frozenset(pair) for pairs in found.values() for pair in pairs}
        noisy = set(self.noise)
        above = zip(*np.triu_indices(len(self.alike), 1), strict=True)
        shares_no_fact = [
            self.alike[pair]
            for pair in above
            if frozenset(pair) not in related and not noisy.issuperset(pair)
        ]
        values = {kind: [self.alike[pair] for pair in pairs] for kind, pairs in found.items()}
        values["noise and its nearest"] = [self.alike[place].max() for place in self.noise]
        values["strangers"] = shares_no_fact
        return values

    def _clusters(self, threshold: float, most: int) -> dict[int, int]:
        """Return the number of each row's cluster."""
        clusters = Clusters(len(self.alike), size=most)
        ends = np.argwhere(np.triu(self.alike >= threshold, 1))
        for one, other in sorted(ends.tolist(), key=lambda pair: -self.alike[tuple(pair)]):
            clusters.join(one, other)
        return {place: number for number, part in enumerate(clusters.all()) for place in part}

    def _places(self, groups: Sequence[Sequence[str]]) -> list[list[int]]:
        return [sorted({self.place[row_id] for row_id in group}) for group in groups]

    def _pairs(self, groups: Sequence[Sequence[int]]) -> list[Pair]:
        return [pair for group in groups for pair in combinations(group, 2)]

    def _named(self, kind: str) -> list[Pair]:
        pairs: Iterator[tuple[str, str]]
        if kind == "contradictions":
            pairs = (p for each in self.truth[kind] for p in product(each["a"], each["b"]))
        else:
            pairs = (tuple(_ends(each)) for each in self.truth[kind])
        return [(self.place[one], self.place[other]) for one, other in pairs]


def _ends(pair: Any) -> Sequence[str]:  # noqa: ANN401 an object of two ids or a list of them
    return list(pair.values()) if isinstance(pair, dict) else pair


def _linked(near: Any, groups: Sequence[Sequence[int]]) -> Iterator[bool]:  # noqa: ANN401 an array
    """Yield for each two rows of a group whether some of its rows lead from one to the other."""
    for group in groups:
        parts = _parts(near, group)
        for one, other in combinations(group, 2):
            yield any(one in part and other in part for part in parts)


def _parts(near: Any, places: Sequence[int]) -> list[set[int]]:  # noqa: ANN401 an array
    """Return the sets of places that hang together."""
    left, parts = set(places), []
    while left:
        part, ends = set[int](), {left.pop()}
        while ends:
            part |= ends
            ends = {other for place in ends for other in left if near[place, other]}
            left -= ends
        parts.append(part)
    return parts


def _common_words(texts: Sequence[str]) -> Any:  # noqa: ANN401 an array
    """Return for each two texts how much of the shorter one's words both have, by their weight."""
    found = np.zeros((len(texts), len(texts)))
    rows = [Memory(id=str(place), content=text) for place, text in enumerate(texts)]
    for link in Relations(rows).links:
        one, other = link.pair
        found[one, other] = found[other, one] = link.overlap
    return found


def _percent(found: Sequence[Any]) -> str:
    return f"{sum(map(bool, found)) / len(found):.1%}" if found else "-"


def _arguments() -> argparse.Namespace:
    with_vectors = [name for name in stored.names() if stored.vectors(name) is not None]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=stored.names(), default=with_vectors)
    parser.add_argument("--thresholds", nargs="+", type=float, default=THRESHOLDS)
    parser.add_argument("--most", type=int, default=20, help="rows of a cluster at most")
    parser.add_argument("--words", action="store_true", help="by common words, not by vectors")
    return parser.parse_args()


if __name__ == "__main__":
    main()
