"""What a plan did, or would do, before and after side by side: as values that a template lays out.

A row stands on the left as it was and on the right as it goes on; where it does not, the right side
says what became of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import Refused
from llm_maint.domain.row import Row, RowId
from llm_maint.report.amounts import count, shortened
from llm_maint.report.differing import Excerpt, excerpt
from llm_maint.store.effects import Effect

MOST_ROWS = 40
"""Rows of one change that are shown; the rest is counted."""

LONG_REASON, LONG_NAME = 300, 80

TITLES = {
    Op.MERGE: "The same fact, merged",
    Op.SUPERSEDE: "An older value, superseded",
    Op.REMOVE: "No lasting fact, removed",
    Op.FOLD: "Exact duplicates, folded",
    Op.CONFLICT: "In conflict, left as they are",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A row on one side. `name` is category and key, `text` None where values are left out."""

    id: str
    name: str = ""
    text: Excerpt | None = None
    facts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A row before and after; `fate` says what became of it where a side is missing.

    `stays` tells that it is left as it is: what differs from its neighbours is no loss.
    """

    before: Side | None
    after: Side | None
    fate: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An operation, or the refusal of one, and its rows."""

    reason: str
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Decisions of one kind; `total` of them there are, `decisions` are shown."""

    title: str
    total: int
    decisions: Sequence[Decision]
    is_refused: bool = False


@dataclass(slots=True)
class Teller:
    """Tells rows, of one change only so many; without values where `values` is false."""

    values: bool = True
    room: int = MOST_ROWS
    untold: int = field(default=0, init=False)

    def groups_of(self, plan: Plan) -> list[Group]:
        """Return what a plan does by kinds of operations, then what guards refused."""
        rows = {row.id: row for row in plan.rows}
        found = []
        for op, title in TITLES.items():
            operations = [each for each in plan.operations if each.op is op]
            told = [self._operation(each, rows) for each in operations if self._has_room(each)]
            found.append(Group(title=title, total=len(operations), decisions=told))
        told = [self._refusal(each, rows) for each in plan.refused if self._has_room(each)]
        refused = Group(
            title="Refused by a guard, left as they are",
            total=len(plan.refused),
            decisions=told,
            is_refused=True,
        )
        return [group for group in (*found, refused) if group.total]

    def groups_of_effects(
        self, effects: Iterable[Effect], counted: Mapping[str, int]
    ) -> list[Group]:
        """Return what a person, a decay or a recurrence did: rows by what became of them."""
        by_effect: dict[str, list[Pair]] = {name: [] for name in counted}
        for each in effects:
            if self.room > 0:
                self.room -= 1
                by_effect.setdefault(each.effect, []).append(self._effect(each))
        self.untold += sum(counted.values()) - sum(map(len, by_effect.values()))
        return [
            Group(
                title=name.capitalize(),
                total=counted.get(name, len(pairs)),
                decisions=[Decision(reason="", pairs=pairs)] if pairs else [],
            )
            for name, pairs in by_effect.items()
        ]

    def _has_room(self, decision: Operation | Refused) -> bool:
        """Return whether there is room for its rows; the first of all is cut to it, not left."""
        has_room = self.room > 0
        if has_room:
            self.room -= max(len(decision.row_ids), 1)
        else:
            self.untold += len(decision.row_ids)
        return has_room

    def _operation(self, operation: Operation, rows: Mapping[RowId, Row]) -> Decision:
        named = self._cut(operation.row_ids)
        if operation.op is Op.CONFLICT:
            first, second = rows[named[0]], rows[named[-1]]
            pairs = [self._left(rows[i], second if rows[i] is first else first) for i in named]
        else:
            pairs = [self._pair(rows[row_id], operation, rows) for row_id in named]
        return Decision(reason=self._reason(operation.reason), pairs=pairs)

    def _cut(self, row_ids: Sequence[RowId]) -> Sequence[RowId]:
        kept = row_ids[:MOST_ROWS]
        self.untold += len(row_ids) - len(kept)
        return kept

    def _pair(self, row: Row, operation: Operation, rows: Mapping[RowId, Row]) -> Pair:
        winner = operation.after
        if winner is None:
            return Pair(before=self._side(row), after=None, fate="removed")
        if row.id != winner.id:
            fate = f"gone into [{winner.id}]"
            if operation.op is Op.SUPERSEDE:
                fate = f"superseded by [{winner.id}]"
            return Pair(before=self._side(row, winner), after=None, fate=fate)
        gone = next((rows[i] for i in operation.retired), None)
        if row.text == winner.text:
            same = self._side(row, gone, marks=False)
            return Pair(before=same, after=self._side(winner, gone, marks=False))
        return Pair(before=self._side(row, winner), after=self._side(winner, row))

    def _left(self, row: Row, beside: Row | None = None) -> Pair:
        return Pair(before=self._side(row, beside), after=None, fate="left as it is", stays=True)

    def _refusal(self, refused: Refused, rows: Mapping[RowId, Row]) -> Decision:
        pairs = [self._left(rows[row_id]) for row_id in self._cut(refused.row_ids)]
        reason = self._reason(refused.reason)
        guard = shortened(refused.guard.replace("_", " "), LONG_NAME)
        return Decision(reason=f"{guard}: {reason}" if reason else guard, pairs=pairs)

    def _effect(self, effect: Effect) -> Pair:
        before, after = effect.before, effect.after
        return Pair(
            before=None if before is None else self._side(before, after),
            after=None if after is None else self._side(after, before),
            fate=effect.effect if after is None else "" if before else "not there before",
        )

    def _reason(self, reason: str) -> str:
        """Return what a model said: it may repeat what a row says."""
        return shortened(reason, LONG_REASON) if self.values else ""

    def _side(self, row: Row, beside: Row | None = None, *, marks: bool = True) -> Side:
        named = Side(id=shortened(str(row.id), LONG_NAME))
        if not self.values:
            return named
        text = excerpt(row.text, None if beside is None else beside.text, marks=marks)
        return replace(named, name=_name(row), text=text, facts=_facts(row))


def _name(row: Row) -> str:
    name = ": ".join(filter(None, (row.category, row.key)))
    return shortened(name, 2 * LONG_NAME)


def _facts(row: Row) -> str:
    """Return what else there is to know of a row: who said it and how sure, or tags and weight."""
    if isinstance(row, Attribute):
        told = [row.source or "no source", *_number(row.confidence)]
    elif isinstance(row, Memory):
        told = [*_number(row.importance), *row.tags]
    else:
        told = []
    return shortened(", ".join(told), 2 * LONG_NAME)


def _number(number: float | None) -> list[str]:
    return [] if number is None else [f"{number:g}"]


def sum_of(plan: Plan) -> str:
    """Return in a few words what a plan comes to: rows before and after, and how that came."""
    accounting = plan.accounting()
    told = [
        f"{count(accounting[fate])} {fate}"
        for fate in ("merged", "superseded", "removed")
        if accounting[fate]
    ]
    told += [f"{count(accounting['conflict'])} in conflict"] if accounting["conflict"] else []
    told += [f"{count(len(plan.refused))} refused"] if plan.refused else []
    after = plan.beyond + len(plan.survivors())
    return ", ".join([f"{count(plan.read)} → {count(after)} rows", *told])
