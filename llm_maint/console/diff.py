"""A consolidation as a diff: by operation, what was and what will be, and what was refused."""

from collections.abc import Iterator

from llm_maint.console.output import Line
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.profile import Attribute, AttributeId

_TITLES = {
    Op.FOLD: "exact duplicates, folded",
    Op.MERGE: "the same fact, merged",
    Op.SUPERSEDE: "an older value, superseded",
    Op.REMOVE: "no lasting fact, removed",
    Op.CONFLICT: "in conflict, left as they are",
}


def consolidation_lines(done: Consolidation, *, dry_run: bool, uses_model: bool) -> Iterator[Line]:
    """Return what a consolidation did, or would do, and what can be done about it."""
    plan = done.plan
    if done.unchanged and not done.held:
        yield Line(f"{plan.entity}: nothing has changed since the last run ({len(plan.rows)} rows)")
        return
    yield from plan_lines(plan)
    if not uses_model:
        yield Line("no model is configured: only exact duplicates were looked for", "yellow")
    for advice in plan.advice:
        yield Line(advice, "yellow")
    if plan.held is not None:
        yield from _held_lines(done)
    elif dry_run:
        yield Line("dry run: nothing was written", "bold")
    elif done.applied:
        yield Line(f"applied; to undo: llm-maint profile undo {_short(done)}", "bold")
    else:
        yield Line("nothing to change", "bold")


def plan_lines(plan: Plan) -> Iterator[Line]:
    """Return a plan as a diff, with its accounting."""
    rows = {row.id: row for row in plan.rows}
    for op, title in _TITLES.items():
        operations = [each for each in plan.operations if each.op is op]
        if operations:
            yield Line(f"{title} ({len(operations)})", "bold")
        for each in operations:
            yield from _operation_lines(each, rows)
    if plan.refused:
        yield Line(f"refused by a guard ({len(plan.refused)})", "bold")
    for refused in plan.refused:
        yield Line(f"  {refused.guard}: {refused.reason}", "dim")
        for row_id in refused.row_ids:
            yield Line(f"    = {_row(rows[row_id])}", "dim")
    counted = ", ".join(f"{count} {fate}" for fate, count in plan.accounting().items() if count)
    after = len(plan.rows if plan.held else plan.survivors())
    yield Line(f"{plan.entity}: {len(plan.rows)} -> {after} rows ({counted or 'no rows'})", "bold")


def _held_lines(done: Consolidation) -> Iterator[Line]:
    yield Line(f"held for review: {done.plan.held}; nothing was changed", "bold yellow")
    if done.plan_id is not None:
        yield Line(f"  look at it: llm-maint profile diff {_short(done)}")
        yield Line(f"  apply it:   llm-maint profile apply {_short(done)}")


def _operation_lines(operation: Operation, rows: dict[AttributeId, Attribute]) -> Iterator[Line]:
    if operation.reason:
        yield Line(f"  {operation.reason}", "dim")
    for row_id in operation.row_ids:
        before = rows[row_id]
        if operation.op is Op.CONFLICT:
            yield Line(f"    ? {_row(before)}", "yellow")
        elif row_id in operation.retired:
            yield Line(f"    - {_row(before)}", "red strike")
        elif operation.after is not None and _row(operation.after) != _row(before):
            yield Line(f"    - {_row(before)}", "red strike")
            yield Line(f"    + {_row(operation.after)}", "green")
        else:
            yield Line(f"    = {_row(before)}", "green")


def _row(row: Attribute) -> str:
    confidence = "" if row.confidence is None else f", {row.confidence:g}"
    source = row.source or "no source"
    return f"[{row.id}] {row.category}: {row.key} = {row.text} ({source}{confidence})"


def _short(done: Consolidation) -> str:
    return (done.plan_id or "")[:8]
