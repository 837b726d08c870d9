"""A consolidation as a diff: by operation, what was and what will be, and what was refused."""

from collections.abc import Iterable, Iterator, Sequence

from llm_maint.console.excerpt import excerpt
from llm_maint.console.memories import restoring
from llm_maint.console.output import Line
from llm_maint.console.tables import short_time
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.row import Row, RowId
from llm_maint.store.effects import Effect
from llm_maint.store.plans import HELD, UNDONE, StoredPlan

_TITLES = {
    Op.FOLD: "exact duplicates, folded",
    Op.MERGE: "the same fact, merged",
    Op.SUPERSEDE: "an older value, superseded",
    Op.REMOVE: "no lasting fact, removed",
    Op.CONFLICT: "in conflict, left as they are",
}


def consolidation_lines(
    done: Consolidation, *, dry_run: bool, uses_model: bool, brief: bool = False
) -> Iterator[Line]:
    """Return what a consolidation did, or would do, and what can be done about it.

    With `brief`, long values are shortened.
    """
    plan = done.plan
    if done.unchanged and not done.held:
        yield Line(f"{plan.entity}: nothing has changed since the last run ({plan.read:,} rows)")
        return
    yield from plan_lines(plan, brief=brief)
    if not uses_model:
        yield Line("no model is configured: only exact duplicates were looked for", "yellow")
    for advice in plan.advice:
        yield Line(advice, "yellow")
    if plan.held is not None:
        yield from _held_lines(done)
    if dry_run and plan.held is None:
        yield Line("dry run: nothing was written", "bold")
    elif done.applied:
        what = "applied" if _changes_rows(plan) else "nothing to change; the summary was written"
        yield Line(f"{what}; to undo: {_undoing(done)}", "bold")
    elif plan.held is None:
        yield Line("nothing to change", "bold")


def plan_lines(plan: Plan, *, brief: bool = False) -> Iterator[Line]:
    """Return a plan as a diff, with its accounting; with `brief`, long values are shortened."""
    rows = {row.id: row for row in plan.rows}
    for op, title in _TITLES.items():
        operations = [each for each in plan.operations if each.op is op]
        if operations:
            yield Line(f"{title} ({len(operations)})", "bold")
        for each in operations:
            yield from _operation_lines(each, rows, brief=brief)
    if plan.refused:
        yield Line(f"refused by a guard ({len(plan.refused)})", "bold")
    for refused in plan.refused:
        yield Line(f"  {refused.guard}: {refused.reason}", "dim")
        for row_id in refused.row_ids:
            yield Line(f"    = {_row(rows[row_id], brief=brief)}", "dim")
    counted = ", ".join(f"{count} {fate}" for fate, count in plan.accounting().items() if count)
    after = plan.beyond + len(plan.survivors())
    size = f"{plan.read} -> {after} rows ({counted or 'no rows'})"
    yield Line(f"{plan.entity}: {'if applied, ' if plan.held else ''}{size}", "bold")


def _held_lines(done: Consolidation) -> Iterator[Line]:
    rest = "the rest was not" if done.applied else "nothing was changed"
    yield Line(f"held for review: {done.plan.held}; {rest}", "bold yellow")
    for plan_id in done.to_review:
        yield Line(f"  look at it: {_command(done.plan)} diff {plan_id[:8]}")
        yield Line(f"  apply it:   {_command(done.plan)} apply {plan_id[:8]}")


def stored_plan_lines(
    plan: StoredPlan, effects: Sequence[Effect], *, brief: bool = False
) -> Iterator[Line]:
    """Return a stored plan: what it says or, of what a person did, what came of it."""
    when = short_time(plan.applied_at or plan.created_at)
    yield Line(f"{when}  {plan.kind} {plan.id[:8]} of {plan.entity}, {plan.status}", "bold")
    if not plan.document:
        for each in effects:
            yield from change_lines(each.before, each.after, brief=brief)
        return
    read = read_plan(plan.document)
    yield from plan_lines(read, brief=brief)
    if plan.status == HELD:
        yield Line(f"held for review: {read.held}", "bold yellow")


def effect_lines(effects: Iterable[Effect], *, brief: bool = False) -> Iterator[Line]:
    """Return what became of rows, under the plan that did it; with `brief`, values shortened."""
    plan_id = None
    for each in effects:
        if each.plan_id != plan_id:
            plan_id = each.plan_id
            undone = " (undone)" if each.status == UNDONE else ""
            title = f"{short_time(each.at)}  {each.kind} {plan_id[:8]}{undone}"
            yield Line(title, "bold")
        into = ""
        if each.winner_id is not None and each.winner_id != each.row_id:
            into = f" into [{each.winner_id}]"
        why = f": {each.reason}" if each.reason else ""
        yield Line(f"  {each.effect}{into}{why}", "dim")
        yield from change_lines(each.before, each.after, brief=brief)


def change_lines(
    before: Row | None,
    after: Row | None,
    *,
    beside: Row | None = None,
    brief: bool = False,
) -> Iterator[Line]:
    """Return a row before and after, as one line where it looks the same.

    With `brief`, long values are shortened around where they differ from each other, or from those
    of the row `beside`.
    """
    text = beside.text if beside else ""
    if before is not None and after is not None and _row(before) == _row(after):
        yield Line(f"    = {_row(before, text, brief=brief)}", "green")
        return
    was, will = (row.text if row else text for row in (before, after))
    if before is not None:
        yield Line(f"    - {_row(before, will, brief=brief)}", "red strike")
    if after is not None:
        yield Line(f"    + {_row(after, was, brief=brief)}", "green")


def _operation_lines(
    operation: Operation, rows: dict[RowId, Row], *, brief: bool
) -> Iterator[Line]:
    if operation.reason:
        yield Line(f"  {operation.reason}", "dim")
    first = next((rows[i] for i in operation.retired), None)
    for row_id in operation.row_ids:
        before = rows[row_id]
        if operation.op is Op.CONFLICT:
            other = next((rows[i] for i in operation.row_ids if i != row_id), before)
            yield Line(f"    ? {_row(before, other.text, brief=brief)}", "yellow")
        elif row_id in operation.retired:
            yield from change_lines(before, None, beside=operation.after, brief=brief)
        else:
            yield from change_lines(before, operation.after, beside=first, brief=brief)


def _command(plan: Plan) -> str:
    return f"llm-maint {'memory' if plan.entity.has_memories else 'profile'}"


def _changes_rows(plan: Plan) -> bool:
    return any(op.op is not Op.CONFLICT for op in plan.operations)


def _row(row: Row, beside: str = "", *, brief: bool = False) -> str:
    text = excerpt(row.text, beside) if brief else row.text
    return f"[{row.id}] {row.described(text)}"


def _undoing(done: Consolidation) -> str:
    """Return the commands that undo what was applied: of several portions each by itself."""
    if done.plan.entity.has_memories:
        return restoring(done.to_undo)
    return f"{_command(done.plan)} undo {(done.plan_id or '')[:8]}"
