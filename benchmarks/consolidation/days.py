"""Days of an assistant that learns: which rows arrive when, and what is true of them."""

import random
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from datasets import DataSet, Row

NEW, CHANGED, REPEATED = 20, 3, 5
"""Rows of a day: learned, of a value that changed, said again."""

CONVERSATIONS = (8, 12, 18, 21)
"""Hours at which an assistant is talked to that is not talked to all day."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A row that arrives; `in_place` where the assistant updates the row that it has."""

    moment: datetime
    row: Row
    in_place: bool = False


@dataclass
class Stream:
    """Draws rows from a large set in order, and changes and repeats what has arrived.

    `truth` grows with the changes. Rows of one change arrive in the order in which it happened.
    """

    dataset: DataSet
    draw: random.Random
    spread: str
    truth: dict[str, Any] = field(init=False)
    _left: list[Row] = field(init=False)
    _arrived: dict[str, Row] = field(default_factory=dict)
    _group: dict[str, Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.truth = deepcopy(dict(self.dataset.truth))
        self._left = _in_order_of_change(self.dataset)
        groups = [group["rows"] for group in self.truth["merge_groups"]]
        self._group = {row_id: rows for rows in groups for row_id in rows}

    def start(self, number: int) -> list[Row]:
        """Return the rows that are there before the first day, with the times of the set."""
        found, self._left = self._left[:number], self._left[number:]
        self._arrived |= {row["id"]: row for row in found}
        return found

    def day(self, morning: datetime) -> list[Arrival]:
        """Return the arrivals of a day in their order."""
        moments = sorted(self._moment(morning) for _ in range(NEW + CHANGED + REPEATED))
        kinds = ["new"] * NEW + ["changed"] * CHANGED + ["repeated"] * REPEATED
        self.draw.shuffle(kinds)
        found = (self._one(kind, moment) for kind, moment in zip(kinds, moments, strict=True))
        return [arrival for arrival in found if arrival]

    def _one(self, kind: str, moment: datetime) -> Arrival | None:
        if kind == "changed":
            return self._changed(moment)
        known = kind == "repeated"
        place = next((n for n, row in enumerate(self._left) if self._is_known(row) == known), None)
        if place is None:
            return None
        return self._arrives(self._left.pop(place), moment)

    def _arrives(self, row: Row, moment: datetime, *, in_place: bool = False) -> Arrival:
        stamp = moment.isoformat().replace("+00:00", "Z")
        created = self._arrived[row["id"]]["created_at"] if in_place else stamp
        row = {**row, "created_at": created, "updated_at": stamp}
        self._arrived[row["id"]] = row
        return Arrival(moment, row, in_place)

    def _is_known(self, row: Row) -> bool:
        """Return whether a row says again what has arrived."""
        return any(row_id in self._arrived for row_id in self._group.get(row["id"], ()))

    def _changed(self, moment: datetime) -> Arrival | None:
        """Return the newer value of a number that a fact has: in a new row, or in its own."""
        able = [fact for fact in self.truth["must_survive"] if self._may_change(fact)]
        if not able:
            return None
        fact = self.draw.choice(able)
        (old,) = fact["rows"]
        number = next(needle for needle in fact["needles"] if needle.isdigit())
        newer = str(int(number) + 1_000 + self.draw.randint(1, 99))
        text = re.sub(rf"\b{number}\b", newer, self._arrived[old]["value"])
        needles = [newer if needle == number else needle for needle in fact["needles"]]
        if self.draw.random() < 0.5:  # noqa: PLR2004 a coin
            fact["needles"] = needles
            return self._arrives({**self._arrived[old], "value": text}, moment, in_place=True)
        name = f"{old}-{len(self._arrived)}"
        self.truth["must_survive"].remove(fact)
        self.truth["must_survive"].append({**fact, "rows": [name], "needles": needles})
        chain = {"old": [old], "new": [name], "needles": needles, "strict": True}
        self.truth["updates"].append(chain)
        row = {**self._arrived[old], "id": name, "source_message_id": name, "value": text}
        return self._arrives(row, moment)

    def _may_change(self, fact: dict[str, Any]) -> bool:
        rows = fact["rows"]
        if len(rows) != 1 or rows[0] not in self._arrived or rows[0] in self._group:
            return False
        if any(rows[0] in [*each["old"], *each["new"]] for each in self.truth["updates"]):
            return False
        numbers = [needle for needle in fact["needles"] if needle.isdigit()]
        value = self._arrived[rows[0]]["value"]
        return bool(numbers) and isinstance(value, str) and rows[0] not in self.truth["protected"]

    def _moment(self, morning: datetime) -> datetime:
        if self.spread == "uniform":
            return morning + timedelta(minutes=self.draw.uniform(0, 24 * 60))
        hour = self.draw.choice(CONVERSATIONS)
        return morning + timedelta(hours=hour, minutes=self.draw.uniform(0, 40))


def _in_order_of_change(dataset: DataSet) -> list[Row]:
    """Return the rows in the order of the file, those of one change in the order it happened."""
    rows = list(dataset.rows)
    place = {row["id"]: number for number, row in enumerate(rows)}
    for chain in _chains(dataset):
        for row_id, number in zip(chain, sorted(place[i] for i in chain), strict=True):
            rows[number] = dataset.by_id[row_id]
    return rows


def _chains(dataset: DataSet) -> Iterator[list[str]]:
    for update in dataset.truth["updates"]:
        yield [*update["old"], *update["new"]]
    for pair in dataset.truth["policy"]:
        yield [pair["explicit"], pair["inferred_newer"]]
