"""What people do today instead, in plain code on the rows: scored like everything else."""

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from datasets import BY_WORDS, DataSet, Row
from kinds import MEMORY, PROFILE
from scoring import Metrics, score
from seen import moment_of
from tracing import folded

SIMILAR = 0.85

Fates = Mapping[str, str]
"""Each row that goes, and the row that stays for it."""


def upserted(dataset: DataSet) -> Fates:
    """Keep one row for each category and key: the last write wins."""
    last: dict[tuple[str, str], Row] = {}
    for row in sorted(dataset.rows, key=moment_of):
        last[row["category"], row["key"]] = row
    winners = {row["id"]: last[row["category"], row["key"]]["id"] for row in dataset.rows}
    return {row_id: winner for row_id, winner in winners.items() if row_id != winner}


def deduplicated(dataset: DataSet) -> Fates:
    """Keep the longest of texts that are similar, wherever they are."""
    texts = [(folded(row["value"]), row["id"]) for row in dataset.rows]
    kept: list[tuple[str, str, int]] = []
    bits: dict[str, int] = {}
    fates: dict[str, str] = {}
    for text, row_id in sorted(texts, key=lambda pair: (-len(pair[0]), pair[1])):
        mask = _pairs_of(text, bits)
        winner = _similar(text, mask, kept)
        if winner is None:
            kept.append((text, row_id, mask))
        else:
            fates[row_id] = winner
    return fates


def nearest_kept(dataset: DataSet) -> Fates:
    """Keep the newest of memories whose vectors have a cosine of 0.85 or more."""
    import numpy as np

    rows = sorted(dataset.documents(), key=moment_of, reverse=True)
    vectors = np.array([row["embedding"] for row in rows])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = [0]
    fates: dict[str, str] = {}
    for place in range(1, len(rows)):
        cosines = vectors[kept] @ vectors[place]
        if cosines.max() >= SIMILAR:
            fates[rows[place]["id"]] = rows[kept[int(cosines.argmax())]]["id"]
        else:
            kept.append(place)
    return fates


def _similar(text: str, mask: int, kept: Sequence[tuple[str, str, int]]) -> str | None:
    matcher = SequenceMatcher(None, "", text, autojunk=False)
    for other, row_id, other_mask in kept:
        # Similar texts share most of their pairs of letters: that is quick to see, and rarely so.
        if 2 * (mask & other_mask).bit_count() < mask.bit_count():
            continue
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() >= SIMILAR and matcher.ratio() >= SIMILAR:
            return row_id
    return None


def _pairs_of(text: str, bits: dict[str, int]) -> int:
    """Return the pairs of letters of a text as a set of bits."""
    mask = 0
    for pair in map("".join, pairwise(text)):
        mask |= 1 << bits.setdefault(pair, len(bits))
    return mask


BASELINES: Mapping[str, Callable[[DataSet], Fates]] = {
    "upsert": upserted,
    "similar_0.85": deduplicated,
    "cosine_0.85": nearest_kept,
}


def is_for(name: str, dataset: DataSet) -> bool:
    """Return whether a baseline can do anything with a set: memories have vectors, and no keys."""
    has_vectors = dataset.kind is MEMORY and not dataset.name.endswith(BY_WORDS)
    can: Mapping[str, bool] = {"upsert": dataset.kind is PROFILE, "cosine_0.85": has_vectors}
    return can.get(name, True)


def measured(dataset: DataSet, name: str) -> Metrics:
    """Return the score of a baseline on a set."""
    fates = BASELINES[name](dataset)
    operations = [
        {"op": "merge", "winner_id": winner, "row_ids": [winner, row_id], "before": _shown(row_id)}
        for row_id, winner in fates.items()
    ]
    after = [row for row in dataset.rows if row["id"] not in fates]
    report: dict[str, Any] = {"operations": operations, "accounting": {"kept": len(dataset.rows)}}
    return score(dataset.rows, dataset.truth, report, after)


def _shown(row_id: str) -> list[Row]:
    return [{"id": row_id, "source_message_id": row_id}]
