"""A simulated model taken at its word: its proposals applied to the rows with no guard at all.

It checks the models themselves: an oracle that is asked about a whole set must score 1.0.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
from datasets import DataSet, Row
from models import MODELS
from oracle import Answer
from scoring import score
from seen import Knowledge, Reply, Seen, rank, winner_of
from tracing import exact

Outcome = tuple[Mapping[str, Any], Sequence[Row]]
"""A report and the rows afterwards, as far as scoring looks at them."""

CHECKED = ("fact_retention", "merge_recall", "merge_precision", "update_resolved_strict")


def main() -> None:
    """Print what the oracle scores on every set; end with 1 where that is not perfect."""
    wrong = 0
    for name in datasets.names():
        dataset = datasets.load(name)
        metrics = score(
            dataset.rows, dataset.truth, *believed(dataset, MODELS["oracle"].make(dataset))
        )
        shown = {check: metrics[check] for check in (*CHECKED, "noise_removed")}
        perfect = all(value in (1, None) for value in shown.values())
        perfect &= not metrics["unsourced_written"] and not metrics["unaccounted"]
        wrong += not perfect
        print(f"{name:<12} {'perfect' if perfect else shown}")
    sys.exit(bool(wrong))


def believed(dataset: DataSet, answer: Answer) -> Outcome:
    """Return what comes of a set when duplicates are folded and all that a model says is done."""
    rows = {row["id"]: dict(row) for row in dataset.rows}
    same: dict[object, list[str]] = {}
    for row_id, row in rows.items():
        same.setdefault(exact(row), []).append(row_id)
    operations = [_joined(rows, ids, {"op": "fold"}) for ids in same.values() if len(ids) > 1]
    reply = answer({"nonce": "n", "rows": list(rows.values())})
    for each in reply["groups"]:
        if each["op"] == "conflict":
            operations.append(_named("conflict", each["ids"]))
        else:
            operations.append(_joined(rows, each["ids"], each))
    for each in reply["remove"]:
        operations.append(_named("remove", [each["id"]]))
        del rows[each["id"]]
    report = {"operations": operations, "accounting": {"kept": len(dataset.rows)}}
    return report, list(rows.values())


def _joined(rows: dict[str, Row], ids: Sequence[str], said: Reply) -> Reply:
    """Leave one row of a group, and return the operation."""
    group = [*Knowledge(()).seen(rows[i] for i in ids)]
    winner = rows[winner_of(group).name]
    for name in ("key", "value"):
        if said["op"] == "merge" and said[name] is not None:
            winner[name] = said[name]
    winner["created_at"] = min(each.row["created_at"] for each in group)
    winner["updated_at"] = max(group, key=_moment).row["updated_at"]
    for row_id in ids:
        if row_id != winner["id"]:
            del rows[row_id]
    return {**_named(said["op"], ids), "winner_id": winner["id"]}


def _named(op: str, ids: Sequence[str]) -> Reply:
    """Return an operation that names rows as the set does."""
    before = [{"id": row_id, "source_message_id": row_id} for row_id in ids]
    return {"op": op, "row_ids": list(ids), "before": before}


def _moment(each: Seen) -> object:
    return rank(each)[1]


if __name__ == "__main__":
    main()
