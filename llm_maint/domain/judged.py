"""What a judge has said of an entity: rows it knows need no second look until they change."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.row import Row, RowId

MARK_CHARS = 16
"""64 bits: two of an entity's rows that are alike by chance are not to be expected."""

Marks = frozenset[str]


@dataclass(frozen=True, slots=True)
class KnownConflict:
    """A conflict that stands until one of its rows changes: why, and the mark of each row."""

    reason: str
    marks: tuple[tuple[RowId, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one judge (model and prompt version) has said of an entity's rows.

    `known` are the marks of rows that were judged and are as they then were. `pending` are those
    that wait for a person in a plan that is held: they are asked about again with what is new, for
    the plan that holds them is outdated by the next one.
    """

    judge: str
    asked_at: datetime | None = None
    known: Marks = frozenset()
    pending: Marks = frozenset()
    conflicts: tuple[KnownConflict, ...] = field(default=())

    def new_among(
        self, rows: Iterable[Row], folds: Iterable[Operation], survivors: Iterable[Row]
    ) -> set[RowId]:
        """Return which survivors the judge does not know as they are.

        A copy of a known fact is nothing new; unless it may decide a conflict, being the latest.

        Args:
            rows: as they were read.
            folds: what was folded of them.
            survivors: the rows that go on, winners as they will be.

        """
        seen = self.known | self.pending
        disputed = {known for each in self.conflicts for _, known in each.marks}
        marks = {row.id: mark(row) for row in rows}
        copies = {
            op.winner_id
            for op in folds
            if any(marks[i] in seen and marks[i] not in disputed for i in op.row_ids)
        }
        return {row.id for row in survivors if mark(row) not in seen and row.id not in copies}

    def settled(self, rows: Iterable[Row]) -> set[RowId]:
        """Return the rows that are as they were when they were judged."""
        return {row.id for row in rows if mark(row) in self.known}

    def waiting(self, rows: Iterable[Row]) -> set[RowId]:
        """Return the rows that wait in a held plan."""
        return {row.id for row in rows if mark(row) in self.pending}

    def standing_conflicts(
        self, rows: Iterable[Row], decided: Sequence[Operation]
    ) -> list[Operation]:
        """Return the conflicts whose rows are as they were, and that nothing decides now."""
        marks = {row.id: mark(row) for row in rows}
        touched = {row_id for op in decided for row_id in op.row_ids}
        return [
            Operation(op=Op.CONFLICT, reason=each.reason, row_ids=tuple(i for i, _ in each.marks))
            for each in self.conflicts
            if all(marks.get(i) == known and i not in touched for i, known in each.marks)
        ]


def judged_after(plan: Plan, rows: Sequence[Row], before: Judged, *, now: datetime) -> Judged:
    """Return what is known once a plan is applied.

    Args:
        plan: as it was applied.
        rows: the survivors as written.
        before: what the same judge knew before.
        now: the time of the run.

    """
    unknown = plan.unjudged | plan.dropped
    judged = Judged(
        judge=before.judge,
        asked_at=now if plan.usage.calls else None,
        known=frozenset(mark(row) for row in rows if row.id not in unknown),
        conflicts=_conflicts(plan, rows),
    )
    return _beside(judged, plan, before) if plan.entity.has_memories else judged


def judged_while_held(plan: Plan, before: Judged, *, now: datetime) -> Judged:
    """Return what is known while a plan waits for a person."""
    changing = [op for op in plan.operations if op.op is not Op.CONFLICT]
    waiting = {row_id for op in changing for row_id in op.row_ids}
    rows = [row for row in plan.rows if row.id not in plan.unjudged]
    pending = [row for row in plan.rows if row.id in waiting]
    judged = Judged(
        judge=before.judge,
        asked_at=now if plan.usage.calls else None,
        known=frozenset(mark(row) for row in rows if row.id not in waiting),
        pending=frozenset(map(mark, [*pending, *(op.after for op in changing if op.after)])),
        conflicts=_conflicts(plan, plan.rows),
    )
    return _beside(judged, plan, before) if plan.entity.has_memories else judged


def _beside(judged: Judged, plan: Plan, before: Judged) -> Judged:
    """Return what is known of a part of the rows together with what is known of the others."""
    own = frozenset(map(mark, plan.rows))
    gone = own | plan.whole.gone if plan.whole else own
    settled = plan.whole.settled - own if plan.whole else frozenset[str]()
    ids = {row.id for row in plan.rows}
    unjudged = {mark(row) for row in plan.rows if row.id in plan.unjudged}
    over = own - judged.known - judged.pending - unjudged
    standing = (
        each
        for each in before.conflicts
        # Of one whose rows are all listed, the plan itself tells whether it stands.
        if not ids.issuperset(i for i, _ in each.marks)
        and over.isdisjoint(m for _, m in each.marks)
    )
    return replace(
        judged,
        known=(before.known - gone) | settled | judged.known,
        pending=(before.pending - gone) | judged.pending,
        conflicts=(*standing, *judged.conflicts),
    )


def _conflicts(plan: Plan, rows: Iterable[Row]) -> tuple[KnownConflict, ...]:
    marks = {row.id: mark(row) for row in rows}
    return tuple(
        KnownConflict(op.reason, tuple((i, marks[i]) for i in op.row_ids))
        for op in plan.operations
        if op.op is Op.CONFLICT and all(i in marks for i in op.row_ids)
    )


def mark(row: Row) -> str:
    """Return a hash of a row and of what a judge sees of it."""
    content = [str(row.id), *row.seen]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:MARK_CHARS]


def fingerprint(rows: Iterable[Row], *, judge: str) -> str:
    """Return a hash of an entity's rows and of who judged them (model and prompt version).

    The same hash means that nothing has changed since, so there is nothing to ask.
    """
    content = sorted([str(row.id), *row.seen] for row in rows)
    return hashlib.sha256(json.dumps([judge, content]).encode()).hexdigest()
