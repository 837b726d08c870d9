"""What became of each row: followed by its name in the set, and where it is gone to its winner.

An attribute bears that name as `source_message_id`, a memory as its id.
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets import Row

Exact = tuple[str, str, str]


@dataclass(slots=True)
class Trace:
    """Where the rows of a set live after a consolidation.

    `where` is the place in `after` of the row in which a row of the set lives on, None where it is
    gone; `owner` the row of the set that a place belongs to; `sources` all rows that live in it;
    `flagged` the rows in conflicts; `lost_track` counts rows that came, went or changed with no
    operation to say so.
    """

    rows: Mapping[str, Row]
    report: Mapping[str, Any]
    after: Sequence[Row]
    where: dict[str, int | None] = field(default_factory=dict)
    owner: dict[int, str] = field(default_factory=dict)
    sources: dict[int, list[str]] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)
    lost_track: int = 0
    _names: dict[str, str] = field(default_factory=dict)
    _winner: dict[str, str] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)
    _gone: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        operations = self.report.get("operations") or []
        conflicts = [_as_object(each) for each in self.report.get("conflicts") or []]
        self._learn_names([*operations, *conflicts])
        live = self._live()
        for operation in operations:
            self._follow(operation)
        for conflict in conflicts:
            self.flagged |= self._named(conflict)
        for row_id in self.rows:
            final = self._final(row_id, live)
            self.where[row_id] = live.get(final)
            if final in live:
                self.sources.setdefault(live[final], []).append(row_id)
        self.lost_track = self._count_lost()

    def _learn_names(self, operations: Iterable[Mapping[str, Any]]) -> None:
        shown = [
            row for op in operations for row in [*(op.get("before") or []), op.get("after") or {}]
        ]
        for row in [*shown, *self.after]:
            found = self._data_ids(row)
            if row.get("id") is not None and found:
                self._names[str(row["id"])] = found[0]

    def _live(self) -> dict[str, int]:
        live: dict[str, int] = {}
        for place, row in enumerate(self.after):
            for row_id in self._data_ids(row) or self._of_database([row.get("id")]):
                if live.setdefault(row_id, place) == place:
                    self.owner.setdefault(place, row_id)
        return live

    def _follow(self, operation: Mapping[str, Any]) -> None:
        ids, winner = self._named(operation), self._names.get(str(operation.get("winner_id")))
        if operation["op"] == "conflict":
            self.flagged |= ids
        elif winner:
            self._changed.add(winner)
            self._winner.update(dict.fromkeys(ids - {winner}, winner))
        elif operation["op"].startswith("remove"):
            self._gone |= ids

    def _final(self, row_id: str, live: Collection[str]) -> str:
        seen: set[str] = set()
        while row_id in self._winner and row_id not in live and row_id not in seen:
            seen.add(row_id)
            row_id = self._winner[row_id]
        return row_id

    def _count_lost(self) -> int:
        accounted = self._gone | self._winner.keys()
        vanished = sum(k is None and i not in accounted for i, k in self.where.items())
        silent = sum(
            i not in self._changed
            and any(self.after[k][name] != self.rows[i][name] for name in ("key", "value"))
            for k, i in self.owner.items()
        )
        return vanished + len(self.after) - len(self.owner) + silent

    def _data_ids(self, row: Mapping[str, Any]) -> list[str]:
        found = re.split(r"[\s,;]+", str(row.get("source_message_id") or row.get("id")))
        return [name for name in found if name in self.rows]

    def _of_database(self, ids: Iterable[object]) -> set[str]:
        return {self._names[str(i)] for i in ids if str(i) in self._names}

    def _named(self, operation: Mapping[str, Any]) -> set[str]:
        before = {i for row in operation.get("before") or [] for i in self._data_ids(row)}
        return self._of_database(operation.get("row_ids") or []) | before


def _as_object(conflict: object) -> Mapping[str, Any]:
    if isinstance(conflict, dict):
        return conflict
    return {"row_ids": conflict if isinstance(conflict, list) else [conflict]}


def folded(value: Any) -> str:  # noqa: ANN401 a JSON value is any type
    """Return a text equal for values that are the same after NFKC, case and white-space folding."""
    if not isinstance(value, str):
        return json.dumps(value, sort_keys=True)
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def exact(row: Row) -> Exact:
    """Return what is equal for exact duplicates: category, key as snake_case, folded value."""
    key = re.sub(r"[^a-z0-9]+", "_", row["key"].lower()).strip("_")
    return row["category"].strip().lower(), key, folded(row["value"])


def facts(rows: Mapping[str, Row], groups: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return the name of each row's fact: grouped rows, and exact duplicates, are one fact."""
    name = {row_id: row_id for row_id in rows}
    same: defaultdict[Exact, list[str]] = defaultdict(list)
    for row_id, row in rows.items():
        same[exact(row)].append(row_id)
    for group in [*groups, *same.values()]:
        old = {name[i] for i in group}
        if len(old) > 1:
            name.update({i: group[0] for i, fact in name.items() if fact in old})
    return name
