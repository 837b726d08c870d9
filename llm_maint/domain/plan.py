"""A consolidation as a value: what becomes of every row, before anything is written."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation, changes
from llm_maint.domain.policy import Policy
from llm_maint.domain.reply import Refused
from llm_maint.domain.row import Row, RowId

FATES = ("kept", "merged", "superseded", "removed", "conflict", "unreviewed")
"""What can become of a row; every row of a plan has exactly one of these."""

CHANGED_MEANWHILE = "changed_meanwhile"
"""The guard that drops an operation whose rows are not as they were read."""

_FATE_OF_RETIRED = {
    Op.FOLD: "merged",
    Op.MERGE: "merged",
    Op.SUPERSEDE: "superseded",
    Op.REMOVE: "removed",
}


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What a plan about a part of an entity's rows must know of all of them.

    The unprotected `rows` and their facts are what the loss guard counts. `settled` are the marks
    of rows about which there was nothing to ask, `gone` those of known ones that are not there now.
    """

    rows: tuple[Row, ...]
    settled: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    @cached_property
    def facts(self) -> frozenset[str]:
        """What the rows state, each fact once; asked for only where something would be lost."""
        return frozenset(row.fact for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a consolidation will do to one entity's rows.

    `rows` is every row that was read, `unreviewed` those the model said nothing about, `unjudged`
    those that nobody was asked about, because they are too young, say. `held` says why the plan
    waits for review; it is None for a plan that may be applied. `left` are rows that could not be
    judged, so that they are asked about again next time; `advice` says which setting would help.
    `beyond` are rows that were read and that the plan does not list: they are kept. Such a plan is
    about a part of the rows, and `whole` says what it must know of all of them. `waiting` are the
    rows that a person is to decide about where these are not all of a plan that is held.
    """

    entity: Entity
    rows: tuple[Row, ...]
    operations: tuple[Operation, ...] = ()
    refused: tuple[Refused, ...] = ()
    unreviewed: frozenset[RowId] = frozenset()
    unjudged: frozenset[RowId] = frozenset()
    held: str | None = None
    left: frozenset[RowId] = frozenset()
    model: str | None = None
    prompt_version: str = ""
    usage: Usage = NO_USAGE
    advice: tuple[str, ...] = ()
    beyond: int = 0
    waiting: frozenset[RowId] | None = None
    whole: Whole | None = None

    @property
    def read(self) -> int:
        """How many rows were read."""
        return len(self.rows) + self.beyond

    @property
    def left_over(self) -> int:
        """How many rows there are once the plan is applied as far as it does not wait."""
        if self.held is not None and self.waiting is None:
            return self.read
        waiting = self.waiting or frozenset()
        done = (op for op in self.operations if waiting.isdisjoint(op.row_ids))
        return self.read - len({row_id for op in done for row_id in op.retired})

    @property
    def partial(self) -> bool:
        """Whether some rows could not be judged."""
        return bool(self.left)

    def fates(self) -> dict[RowId, str]:
        """Return what becomes of each row that was read."""
        fates = {row.id: "unreviewed" if row.id in self.unreviewed else "kept" for row in self.rows}
        for op in self.operations:
            if op.op is Op.CONFLICT:
                fates.update(dict.fromkeys(op.row_ids, "conflict"))
            else:
                fates.update(dict.fromkeys(op.retired, _FATE_OF_RETIRED[op.op]))
        return fates

    def accounting(self) -> dict[str, int]:
        """Return how many rows met each fate; the sum is the number of rows read."""
        counted = Counter(self.fates().values())
        counted["kept"] += self.beyond
        return {fate: counted[fate] for fate in FATES}

    def check(self) -> None:
        """Refuse a plan that does not account for every row exactly once: it would be a bug.

        Raises:
            AssertionError: a row twice, an unknown row, or a group that nobody goes on for.

        """
        ids = [row.id for row in self.rows]
        retired = Counter(row_id for op in self.operations for row_id in op.retired)
        named = {row_id for op in self.operations for row_id in op.row_ids}
        if (
            len(set(ids)) != len(ids)
            or not named <= set(ids)
            or any(n > 1 for n in retired.values())
        ):
            raise AssertionError(f"the plan for {self.entity} names a row twice or an unknown one")
        if any(op.is_incomplete for op in self.operations):
            raise AssertionError(f"the plan for {self.entity} has a group without a winner")
        if sum(self.accounting().values()) != self.read:
            raise AssertionError(f"the plan for {self.entity} does not add up")

    def changed_since(self, present: Iterable[Row]) -> set[RowId]:
        """Return which rows of the operations are not as they were read any more."""
        now = {row.id: row.as_read for row in present}
        touched = {row_id for op in self.operations for row_id in op.row_ids}
        return {row.id for row in self.rows if row.id in touched and now.get(row.id) != row.as_read}

    @property
    def dropped(self) -> set[RowId]:
        """The rows of operations that were dropped because somebody changed one of them."""
        return {i for r in self.refused if r.guard == CHANGED_MEANWHILE for i in r.row_ids}

    @property
    def meets_changed_rows(self) -> bool:
        """Whether an operation was dropped because somebody changed its rows meanwhile."""
        return any(refused.guard == CHANGED_MEANWHILE for refused in self.refused)

    def without(self, changed: Collection[RowId]) -> Self:
        """Return the plan without the operations that touch rows somebody changed meanwhile.

        What builds on a dropped operation goes with it: a merge of the winner of a fold, say.
        """
        touched, dropped = set(changed), []
        left = list(self.operations)
        while found := [op for op in left if not touched.isdisjoint(op.row_ids)]:
            dropped += found
            touched.update(row_id for op in found for row_id in op.row_ids)
            left = [op for op in left if op not in found]
        refused = tuple(Refused(CHANGED_MEANWHILE, op.reason, op.row_ids) for op in dropped)
        return replace(
            self,
            operations=tuple(op for op in self.operations if op not in dropped),
            refused=self.refused + refused,
        )

    def respecting(self, policy: Policy) -> Self:
        """Return the plan without what it would do to rows that are protected by now.

        Between a plan and its review a key may have been pinned, or a source protected.
        """
        rows = {row.id: row for row in self.rows}
        harm = [op for op in self.operations if _harms(op, rows, policy)]
        spared = {i for op in harm for i in op.row_ids if policy.protects(rows[i])}
        left = self.without({i for op in harm for i in op.row_ids})
        refused = tuple(
            replace(refused, guard="protected") if spared & {*refused.row_ids} else refused
            for refused in left.refused[len(self.refused) :]
        )
        return replace(left, refused=self.refused + refused)

    def over(self, present: Iterable[Row], policy: Policy | None = None) -> Self:
        """Return the plan on rows as they now are, where what it builds on has not changed.

        Of a memory tags and counts change at any time: what goes on is united from what they are.
        """
        policy = policy or Policy()
        now = {row.id: row for row in present}
        rows = tuple(now.get(row.id, row) for row in self.rows)
        planned = {row.id: row for row in self.rows}
        other = {i for i, row in planned.items() if i in now and now[i].image != row.image}
        operations = []
        for op in self.operations:
            found = op
            if op.after is not None:
                if not other.isdisjoint(op.row_ids):
                    was, row = planned[op.after.id], now[op.after.id]
                    gone = (now[i] for i in op.retired)
                    found = replace(op, after=_over(op.after, was, row, gone, policy))
                    other.add(op.after.id)
                planned[op.after.id], now[op.after.id] = op.after, found.after or op.after
            operations.append(found)
        return replace(self, rows=rows, operations=tuple(operations))

    def survivors(self) -> list[Row]:
        """Return the rows as they will be, in the order they were read."""
        changed = changes(self.operations)
        after = [changed.get(row.id, row) for row in self.rows]
        return [row for row in after if row is not None]


def _over(after: Row, was: Row, row: Row, gone: Iterable[Row], policy: Policy) -> Row:
    """Return the winner of an operation as it will be, made of rows as they now are."""
    if after == was and policy.protects(row):
        return row
    return (row if after.text == was.text else row.with_text(after.text)).united(gone)


def _harms(op: Operation, rows: Mapping[RowId, Row], policy: Policy) -> bool:
    """Return whether an operation writes a protected row, or retires one for good."""
    if op.op is Op.CONFLICT:
        return False
    winner = rows.get(op.winner_id) if op.winner_id is not None else None
    fixed = winner is not None and policy.protects(winner)
    if winner is not None and fixed and op.after is not None and op.after.image != winner.image:
        return True
    # A protected duplicate may go only where a protected row says the same to the word.
    return any(policy.protects(rows[i]) for i in op.retired) and not (fixed and op.op is Op.FOLD)


def categories_updated(operations: Iterable[Operation], rows: Sequence[Row]) -> list[str]:
    """Return the categories in which a row changes or goes."""
    category = {row.id: row.category for row in rows}
    touched = changes(operations)
    return sorted({category[row_id] for row_id in touched})
