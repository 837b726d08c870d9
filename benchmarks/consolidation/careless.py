"""A model that means well and errs: each of an oracle's operations is wrong at a given rate."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datasets import DataSet
from oracle import Oracle
from seen import Document, Reply, Seen, group, removal, reply_to


@dataclass
class _Desk:
    """The reply as it stands while errors are put into it."""

    draw: random.Random
    seen: Sequence[Seen]
    groups: list[Reply]
    remove: list[Reply]

    def foreign(self, names: Sequence[str]) -> Seen | None:
        """Return a row that is not among these."""
        others = [each for each in self.seen if each.name not in names]
        return self.draw.choice(others) if others else None


Slip = Callable[[_Desk, Reply], None]
"""Puts one error into a group of the reply."""


class Careless:
    """Errs in the same way whenever it is asked the same."""

    def __init__(self, dataset: DataSet, *, rate: float = 0.1, seed: int = 0) -> None:
        self._oracle, self._rate, self._seed = Oracle(dataset), rate, seed

    def reply(self, document: Document) -> Reply:
        """Answer a request."""
        seen = self._oracle.knowledge.seen(document["rows"])
        groups, remove = self._oracle.operations(seen)
        draw = random.Random(f"{self._seed} {json.dumps(document['rows'])}")
        desk = _Desk(draw, seen, list(groups), list(remove))
        for each in groups:
            if draw.random() < self._rate and each in desk.groups:
                draw.choice(SLIPS)(desk, each)
        for each in remove:
            if draw.random() < self._rate:
                draw.choice((_forgotten, _wrong_removal, _unknown_id, _doubled))(desk, each)
        self._remember(desk)
        return reply_to(document, desk.groups, desk.remove)

    def _remember(self, desk: _Desk) -> None:
        by_name = {each.name: each for each in desk.seen}
        for each in desk.groups:
            rows = [by_name[name] for name in each["ids"] if name in by_name]
            if each["op"] == "merge":
                self._oracle.knowledge.wrote(rows, each["key"], each["value"])


def _forgotten(desk: _Desk, op: Reply) -> None:
    (desk.groups if "op" in op else desk.remove).remove(op)


def _doubled(desk: _Desk, op: Reply) -> None:
    names = op.get("ids") or [op["id"]]
    rows = [each for each in desk.seen if each.name in names]
    if (foreign := desk.foreign(names)) is not None:
        desk.groups.append(group("merge", [rows[0], foreign], "one fact again"))


def _misgrouped(desk: _Desk, op: Reply) -> None:
    if (foreign := desk.foreign(op["ids"])) is not None:
        op["ids"] = [*op["ids"], foreign.name]


def _joined(desk: _Desk, op: Reply) -> None:
    others = [each for each in desk.groups if each is not op]
    if others:
        other = desk.draw.choice(others)
        desk.groups.remove(other)
        op["ids"] = [*op["ids"], *other["ids"]]


def _wrong_removal(desk: _Desk, op: Reply) -> None:
    _forgotten(desk, op)
    taken = {name for each in desk.groups for name in each["ids"]}
    taken.update(each["id"] for each in desk.remove)
    if (foreign := desk.foreign(list(taken))) is not None:
        desk.remove.append(removal(foreign, "a greeting"))


def _invented_number(desk: _Desk, op: Reply) -> None:
    op["value"] = f"{_some_text(desk, op)}, since {desk.draw.randint(1900, 2100)}"


def _invented_name(desk: _Desk, op: Reply) -> None:
    name = desk.draw.choice(("Zebulon", "Quirinius", "Ottoline"))
    op["value"] = f"{_some_text(desk, op)}, like {name}"


def _value_of_another(desk: _Desk, op: Reply) -> None:
    if (foreign := desk.foreign(op["ids"])) is not None:
        op["value"], op["key"] = foreign.text, foreign.row["key"]


def _unknown_id(desk: _Desk, op: Reply) -> None:
    unknown = f"r{len(desk.seen) + desk.draw.randint(1, 40)}"
    if "op" in op:
        op["ids"] = [*op["ids"][1:], unknown]
    else:
        op["id"] = unknown


def _wrong_order(_desk: _Desk, op: Reply) -> None:
    # A changed value in the wrong order; or wordings of one fact taken for a change.
    op["ids"] = op["ids"][::-1]
    if op["op"] == "merge":
        op["op"] = "supersede"


SLIPS: tuple[Slip, ...] = (
    _forgotten,
    _doubled,
    _misgrouped,
    _joined,
    _wrong_removal,
    _invented_number,
    _invented_name,
    _value_of_another,
    _unknown_id,
    _wrong_order,
)


def _some_text(desk: _Desk, op: Reply) -> str:
    rows = [each for each in desk.seen if each.name in op["ids"]]
    return op["value"] or (rows[0].text if rows else "")
