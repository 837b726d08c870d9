"""What is true of a part of a set: of the rows that have arrived so far."""

from collections.abc import Iterable, Mapping
from typing import Any

from datasets import Row, Truth
from scoring import holds


def known(truth: Truth, rows: Mapping[str, Row]) -> dict[str, Any]:
    """Return the truth about these rows alone."""
    return {
        **truth,
        "must_survive": [
            {**fact, "rows": _among(fact["rows"], rows)}
            for fact in truth["must_survive"]
            if any(i in rows and holds(rows[i], fact["needles"]) for i in fact["rows"])
        ],
        "merge_groups": [
            {**group, "rows": here}
            for group in truth["merge_groups"]
            if len(here := _among(group["rows"], rows)) > 1
        ],
        "updates": [found for each in truth["updates"] if (found := _update(each, rows))],
        "contradictions": [
            each for each in truth["contradictions"] if _all(each["a"] + each["b"], rows)
        ],
        "policy": [each for each in truth["policy"] if _all(each.values(), rows)],
        "keep_apart": [pair for pair in truth["keep_apart"] if _all(pair, rows)],
        **{name: _among(truth[name], rows) for name in ("protected", "noise", "injections")},
    }


def _update(update: Mapping[str, Any], rows: Mapping[str, Row]) -> dict[str, Any] | None:
    """Return what has arrived of a change: without its last value, the last but one is the new."""
    old, new = _among(update["old"], rows), _among(update["new"], rows)
    if old and new:
        return {**update, "old": old, "new": new}
    if len(old) > 1:
        return {**update, "old": old[:-1], "new": old[-1:], "needles": []}
    return None


def _among(ids: Iterable[str], rows: Mapping[str, Row]) -> list[str]:
    return [row_id for row_id in ids if row_id in rows]


def _all(ids: Iterable[str], rows: Mapping[str, Row]) -> bool:
    return all(row_id in rows for row_id in ids)
