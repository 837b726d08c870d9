"""Sets of memories with truth: written again from their seeds, the same each time.

`--check` writes nothing and ends with 1 where a file would change, or vectors are of other texts.
"""

import argparse
import random
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import stored
from changing import CHAINS, CONTRADICTIONS, DENIALS, HISTORIES, NOISE, ORDERS, PINNED, Chain, Pair
from drafting import Draft
from families import FAMILIES, Family
from more_families import MORE_FAMILIES
from phrasing import agreeing, filled, needles_of, slots_of, told
from words import Slots, drawn

SETS: dict[str, int] = {
    "mem0050_a": 50,
    "mem0050_b": 50,
    "mem0200_a": 200,
    "mem0200_b": 200,
    "mem0500_a": 500,
    "mem0500_w": 500,
    "mem1000_a": 1000,
    "mem2000_a": 2000,
}
"""Rows of each. Those that end with a w have no vectors: only their words tell what is alike."""

EVERY = (*FAMILIES, *MORE_FAMILIES)

GROUPED, TWIN, PINNED_FACTS = 0.24, 0.14, 0.02
"""Shares of facts that are told again, that have another much like them, and that are pinned."""

LONG, CONFIRMED = 0.3, 0.25
"""Shares of changes that are followed by another one, and of newest values that are told twice."""

MIDDLING = 100
"""Rows of which more may be superseded than one."""

TOLD_AGAIN = (1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 7)

KINDS = ("copy", "full", "full", "full", "notes", "partial", "dated")
"""How a fact is told again."""


def main() -> None:
    """Write the sets, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    changed = []
    for name, size in SETS.items():
        rows, truth = generated(name, size)
        for path, value in ((stored.FOLDER / name, rows), (stored.FOLDER / "truth" / name, truth)):
            file = path.with_name(f"{path.name}.json.gz")
            if not file.exists() or stored.read(file) != value:
                changed.append(file)
                if not arguments.check:
                    stored.write(file, value)
        if arguments.check and not changed:
            stored.vectors(name)
    for file in changed:
        print(file, file=sys.stderr)
    sys.exit(arguments.check and bool(changed))


def generated(name: str, size: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows and the truth of a set."""
    writer = _Writer(Draft(random.Random(zlib.crc32(name.encode()))), size)
    writer.write()
    return writer.draft.finished(name)


@dataclass(slots=True)
class _Writer:
    """Writes one set: first what is rare, then facts until it is full."""

    draft: Draft
    size: int
    _taken: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def _draw(self) -> random.Random:
        return self.draft.draw

    def write(self) -> None:
        """Write all rows."""
        for _ in range(self._share(0.006)):
            self._pinned_pair()
        for _ in range(self._share(0.018)):
            self._chain()
        for _ in range(self._share(0.006)):
            self._both_true(HISTORIES, one_then_other=True)
        for _ in range(self._share(0.01)):
            self._both_true(DENIALS)
        for _ in range(self._share(0.006)):
            self._contradiction()
        self._noise(max(3, round(0.035 * self.size)))
        for _ in range(self._share(0.004)):
            self._order()
        for _ in range(self._share(0.004)):
            self._order_behind_fact()
        while len(self.draft.rows) < self.size:
            self._facts()

    def _share(self, share: float) -> int:
        return max(1, round(share * self.size))

    def _facts(self) -> None:
        """Write a fact; perhaps again, and perhaps one beside it that looks alike."""
        family, slots = self._fresh()
        place = self._fact(family, slots)
        if self._draw.random() < TWIN and (twin := self._twin(family, slots)) and self._room():
            self.draft.keep_apart.append([place, self._fact(family, twin)])

    def _room(self) -> int:
        return self.size - len(self.draft.rows)

    def _fact(self, family: Family, slots: Slots) -> int:
        wordings = list(family.full)
        self._draw.shuffle(wordings)
        first = self.draft.add(told(wordings[0], slots, self._draw), family.tags)
        needles = needles_of([slots[name] for name in family.needles.split()])
        places = [first]
        if self._draw.random() < PINNED_FACTS:
            self.draft.pin(first)
            if self._room() and self._draw.random() < 0.5:  # noqa: PLR2004 a coin
                place, kind = self.draft.copied(first)
                places.append(place)
                self.draft.merge_groups.append({"rows": places, "kind": [kind]})
        elif self._draw.random() < GROUPED:
            places = self._group(family, slots, wordings, first)
        self.draft.survives(places, needles, family.name)
        return first

    def _group(self, family: Family, slots: Slots, wordings: list[str], first: int) -> list[int]:
        """Tell a fact again on other days; the first row stays the one that says most."""
        places, kinds, tags = [first], [], family.tags
        for number in range(min(self._draw.choice(TOLD_AGAIN), self._room())):
            kind = self._draw.choice(KINDS)
            wording = wordings[(number + 1) % len(wordings)]
            if kind == "copy":
                place, kind = self.draft.copied(self._draw.choice(places))
            elif kind == "dated":
                place = self.draft.dated(told(wording, slots, self._draw), tags)
            elif kind == "notes" and family.notes:
                text = told(self._draw.choice(family.notes), slots, self._draw, plainly=True)
                place, kind = self.draft.add(text, tags), "telegraphic"
            elif kind == "partial" and family.partial:
                place = self.draft.add(told(family.partial, slots, self._draw), tags)
            else:
                place, kind = self.draft.add(told(wording, slots, self._draw), tags), "paraphrase"
            if self.draft.says(place, places):
                kind = "exact"
            places.append(place)
            kinds.append(kind)
        if kinds:
            self.draft.merge_groups.append({"rows": places, "kind": kinds})
        return places

    def _fresh(self) -> tuple[Family, Slots]:
        """Return a family and what a new fact of it is about."""
        while True:
            family = self._draw.choice(EVERY)
            names = slots_of([*family.full, *family.notes, family.partial or ""])
            slots = filled(names, self._draw)
            if self._is_new(family.name, family.subject, slots):
                return family, slots

    def _is_new(self, topic: str, subject: str, slots: Slots) -> bool:
        key = (topic, *(slots[name] for name in subject.split()))
        if key in self._taken:
            return False
        self._taken.add(key)
        return True

    def _twin(self, family: Family, slots: Slots) -> Slots | None:
        """Return what a fact that looks alike is about; None where it is told already."""
        names = self._draw.choice(family.apart.split()).split("+")
        other = {name: drawn(name, self._draw, [slots[name]]) for name in names}
        twin = agreeing({**slots, **other})
        if twin == slots:  # aunts and uncles are one
            return None
        # A twin by what its subject is not made of is a second fact about the same subject.
        is_new = self._is_new(family.name, family.subject, twin)
        return twin if is_new or not {*names} & {*family.subject.split()} else None

    def _chain(self) -> None:
        """Write a value that changes once or twice; only the newest is true."""
        chain = self._draw.choice(CHAINS)
        names = slots_of([*chain.first, *chain.then])
        slots = filled([n for n in names if n not in ("value", "was")], self._draw)
        if not self._is_new(_topic(chain), chain.subject, slots):
            return self._chain()
        # What is superseded is lost, and of a small set little may be.
        is_long = self.size >= MIDDLING and self._draw.random() < LONG
        values = _values(chain, slots, self._draw, 3 if is_long else 2)
        moments = sorted(self.draft.moment() for _ in values)
        old: list[int] = []
        was = ""
        for value, moment in zip(values, moments, strict=True):
            wording = self._draw.choice(chain.then if was else chain.first)
            text = told(wording, {**slots, "value": value, "was": was}, self._draw)
            old.append(self.draft.add(text, chain.tags, moment=moment))
            was = value
        new = [old.pop()]
        if self.size >= MIDDLING and self._draw.random() < CONFIRMED:
            wording = self._draw.choice(chain.then)
            text = told(wording, {**slots, "value": was, "was": values[-2]}, self._draw)
            later = moments[-1] + timedelta(days=self._draw.randint(1, 30))
            new.append(self.draft.add(text, chain.tags, moment=later))
        about = [slots[name] for name in chain.subject.split() if name != "rel"]
        needles = needles_of([*about, was])
        self.draft.updates.append({"old": old, "new": new, "needles": needles, "strict": True})
        self.draft.survives(new, needles, "update")
        return None

    def _pair(self, pairs: Sequence[Pair]) -> tuple[Pair, Slots]:
        pair = self._draw.choice(pairs)
        names = [n for n in slots_of([pair.one, pair.other]) if n not in ("value", "other")]
        slots = filled(names, self._draw)
        if not self._is_new(pair.one, pair.subject, slots):
            return self._pair(pairs)
        value = drawn(pair.of, self._draw, list(slots.values()))
        other = drawn(pair.of, self._draw, [*slots.values(), value])
        slots = agreeing({**slots, "value": value, "other": other})
        return (pair, slots) if slots["value"] != slots["other"] else self._pair(pairs)

    def _both_true(self, pairs: Sequence[Pair], *, one_then_other: bool = False) -> None:
        pair, slots = self._pair(pairs)
        one = self._told(pair, pair.one, slots)
        other = self._told(pair, pair.other, slots)
        self.draft.keep_apart.append([one, other])
        if one_then_other:
            (needles,) = (f["needles"] for f in self.draft.must_survive if f["rows"] == [other])
            update = {"old": [one], "new": [other], "needles": needles, "strict": False}
            self.draft.updates.append(update)

    def _contradiction(self) -> None:
        pair, slots = self._pair(CONTRADICTIONS)
        one = self._told(pair, pair.one, slots)
        other = self._told(pair, pair.other, slots)
        for name in ("created_at", "updated_at", "importance"):
            self.draft.rows[other][name] = self.draft.rows[one][name]
        self.draft.contradictions.append({"a": [one], "b": [other]})

    def _pinned_pair(self) -> None:
        pair, slots = self._pair(PINNED)
        one = self._told(pair, pair.one, slots)
        other = self._told(pair, pair.other, slots)
        later = max(self.draft.told_on(one), self.draft.told_on(other)) + timedelta(days=3)
        for name in ("created_at", "updated_at"):
            self.draft.rows[other][name] = later.isoformat().replace("+00:00", "Z")
        self.draft.pin(one)
        self.draft.policy.append({"explicit": one, "inferred_newer": other})

    def _told(self, pair: Pair, wording: str, slots: Slots) -> int:
        """Write one of a pair, with all that tells it apart for needles."""
        place = self.draft.add(told(wording, slots, self._draw), pair.tags)
        needles = needles_of([slots[name] for name in slots_of([wording])])
        denied = [word for word in ("not", "no", "never") if f" {word} " in wording]
        self.draft.survives([place], [*needles, *denied], "pair")
        return place

    def _noise(self, number: int) -> None:
        """Write so many rows of noise, several of each kind."""
        kinds = self._draw.sample(NOISE, k=min(len(NOISE), max(1, number // 5)))
        subjects = [self._draw.choice((("Nick",), ("User", "The user"))) for _ in kinds]
        for count in range(number):
            kind, turn = count % len(kinds), count // len(kinds)
            wording = kinds[kind][turn % len(kinds[kind])]
            text = told(wording, {}, self._draw, plainly=True, subjects=subjects[kind])
            self.draft.noise.append(self.draft.add(text, "chat"))

    def _order(self) -> None:
        wording = self._draw.choice(ORDERS)
        slots = filled(slots_of([wording]), self._draw)
        self.draft.injections.append(
            self.draft.add(told(wording, slots, self._draw, plainly=True), "chat")
        )

    def _order_behind_fact(self) -> None:
        """Write a fact, and the same fact with an order behind it."""
        family, slots = self._fresh()
        first = self.draft.add(told(family.full[0], slots, self._draw), family.tags)
        needles = needles_of([slots[name] for name in family.needles.split()])
        self.draft.survives([first], needles, family.name)
        wording = self._draw.choice(ORDERS)
        order = told(wording, filled(slots_of([wording]), self._draw), self._draw, plainly=True)
        text = f"{told(family.full[1], slots, self._draw)}. {order}"
        self.draft.injections.append(self.draft.add(text, family.tags))


def _topic(chain: Chain) -> str:
    """Return what a chain is about; facts of some families are about the same."""
    return {"city": "move", "mg": "medicine"}.get(chain.of, chain.first[0])


def _values(chain: Chain, slots: Slots, draw: random.Random, number: int) -> list[str]:
    found: list[str] = []
    for _ in range(number):
        found.append(drawn(chain.of, draw, [*found, *slots.values()]))
    return found


if __name__ == "__main__":
    main()
