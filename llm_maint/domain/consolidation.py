"""What a consolidation came to, and what is reported of it: per entity, and summed for a run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import plan_document, sizes
from llm_maint.domain.runs import Failure
from llm_maint.errors import BudgetSpentError, DeferredError, MaintError


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidation:
    """What a consolidation of one entity came to.

    `plan_id` names the stored plan; it is None for a dry run, and where nothing was written.
    `unchanged` tells that the rows are as they were when last judged, so nobody was asked; the plan
    is then the one that is still held, or one without operations. `plan_ids` names all plans where
    memories were consolidated in several portions, `held_ids` those of them that are held.
    """

    plan: Plan
    plan_id: str | None = None
    plan_ids: tuple[str, ...] = ()
    held_ids: tuple[str, ...] = ()
    applied: bool = False
    unchanged: bool = False

    @property
    def held(self) -> bool:
        """Whether the plan waits for review."""
        return self.plan.held is not None

    @property
    def to_review(self) -> tuple[str, ...]:
        """The plans that wait for a person."""
        own = self.held_ids or (self.plan_id,)
        return tuple(each for each in own if each is not None and self.held)

    @property
    def to_undo(self) -> tuple[str, ...]:
        """The plans that were applied."""
        own = self.plan_ids or (self.plan_id,)
        return tuple(each for each in own if each is not None and each not in self.to_review)


def together(entity: Entity, parts: Sequence[Consolidation]) -> Consolidation:
    """Return the portions of a bot's memories as one consolidation, to be reported."""
    if len(parts) == 1:
        return parts[0]
    plans = [part.plan for part in parts]
    # What several portions came to may have been gone through again: each row as it was first.
    first = {row.id: row for plan in reversed(plans) for row in plan.rows}
    rows = tuple(first.values())
    held = [plan for plan in plans if plan.held is not None]
    whole = Plan(
        entity=entity,
        rows=rows,
        operations=tuple(chain.from_iterable(plan.operations for plan in plans)),
        refused=tuple(chain.from_iterable(plan.refused for plan in plans)),
        unreviewed=frozenset().union(*(plan.unreviewed for plan in plans)),
        unjudged=frozenset().union(*(plan.unjudged for plan in plans)),
        held=next((plan.held for plan in held), None),
        left=frozenset().union(*(plan.left for plan in plans)),
        model=next((plan.model for plan in plans if plan.model), None),
        prompt_version=next((plan.prompt_version for plan in plans if plan.prompt_version), ""),
        usage=sum((plan.usage for plan in plans), NO_USAGE),
        advice=tuple(dict.fromkeys(chain.from_iterable(plan.advice for plan in plans))),
        beyond=max((plan.read for plan in plans), default=0) - len(rows),
        waiting=frozenset(row.id for plan in held for row in plan.rows) if held else None,
    )
    ids = tuple(part.plan_id for part in parts if part.plan_id is not None)
    held_ids = tuple(i for part in parts if part.held and (i := part.plan_id) is not None)
    return Consolidation(
        plan=whole,
        plan_id=next(iter((*held_ids, *ids)), None),
        plan_ids=ids,
        held_ids=held_ids,
        applied=any(part.applied for part in parts),
        unchanged=bool(parts) and all(part.unchanged for part in parts),
    )


@dataclass(slots=True)
class Deferred:
    """How many entities wait for the next run, and why the first of them does."""

    count: int = 0
    first: DeferredError | None = None

    def add(self, error: DeferredError) -> None:
        """Count an entity."""
        self.count += 1
        if self.first is None:
            error.__cause__ = error.__context__ = error.__traceback__ = None
            self.first = error

    @property
    def is_failure(self) -> bool:
        """Whether they wait for a server that does not serve, not for a budget that is spent."""
        return self.first is not None and not isinstance(self.first, BudgetSpentError)


def report(done: Consolidation, *, dry_run: bool) -> dict[str, Any]:
    """Return what `profile consolidate --json` prints."""
    return {
        **plan_document(done.plan),
        "dry_run": dry_run,
        "applied": done.applied,
        **_named_plans(done),
        "unchanged": done.unchanged,
        "error": None,
    }


def failed_report(
    entity: Entity, error: Exception, *, spent: Usage, dry_run: bool
) -> dict[str, Any]:
    """Return what `profile consolidate --json` prints where nothing could be planned."""
    nothing = Consolidation(plan=Plan(entity=entity, rows=(), usage=spent))
    unknown = {f"{entity.rows_are}_{when}": None for when in ("before", "after")}
    return {**report(nothing, dry_run=dry_run), **unknown, "error": str(error)}


def line(done: Consolidation) -> dict[str, Any]:
    """Return what the result of a run says about one entity."""
    document = report(done, dry_run=False)
    shown = (*sizes(done.plan), "accounting", "llm")
    advice = {"advice": document["advice"]} if document["advice"] else {}
    return {
        **_of_entity(done.plan.entity),
        **{name: document[name] for name in shown},
        **advice,
        "partial": done.plan.partial,
        **_named_plans(done),
        "applied": done.applied,
        "held": done.held,
        "conflicts": sum(op.op is Op.CONFLICT for op in done.plan.operations),
        "dropped": Counter(refused.guard for refused in done.plan.refused),
        "error": None,
    }


def failed_line(entity: Entity, error: Exception) -> dict[str, Any]:
    """Return what the result of a run says about an entity that was left as it was."""
    return {
        **_of_entity(entity),
        f"{entity.rows_are}_before": None,
        f"{entity.rows_are}_after": None,
        **({} if entity.has_memories else {"categories_updated": []}),
        "applied": False,
        "held": False,
        "error": str(error),
    }


def totals(
    lines: Iterable[Mapping[str, Any]],
    *,
    spent: Usage,
    deferred: "Deferred | None" = None,
    rows_are: str = "attributes",
) -> dict[str, Any]:
    """Return the result of a run: its entities and their sums.

    Args:
        lines: of the entities that were dealt with.
        spent: on the model, failed calls and entities included.
        deferred: the entities that wait for the next run.
        rows_are: what the rows of these entities are called.

    """
    lines = list(lines)
    accounted: Counter[str] = Counter()
    for each in lines:
        accounted.update(each.get("accounting", {}))
    waiting: dict[str, Any] = {}
    if deferred is not None and deferred.count:
        waiting = {"deferred": deferred.count, "deferred_because": str(deferred.first)}
    return {
        "bots" if rows_are == "memories" else "entities": lines,
        "failed": sum(each["error"] is not None for each in lines),
        "held": sum(each["held"] for each in lines),
        **{
            name: sum(each[name] or 0 for each in lines)
            for name in (f"{rows_are}_before", f"{rows_are}_after")
        },
        "accounting": dict(accounted),
        "llm": asdict(spent),
        **waiting,
    }


def failure(wrong: Sequence[MaintError], result: Mapping[str, Any], *, waiting: int) -> Failure:
    """Return the outcome of a run with failures; `waiting` entities wait for the next run.

    What ended the run says more than what failed beside it.
    """
    worst = next((error for error in wrong if error.ends_run), wrong[-1])
    error = f"{len(wrong)} entities failed; the last: {worst}" if len(wrong) > 1 else str(worst)
    more = f"; {waiting} more wait for the next run" if waiting else ""
    return Failure(
        error=error + more,
        transient=any(each.transient for each in wrong),
        exit_code=worst.exit_code,
        result=result,
        held=result["held"] > 0,
    )


def _named_plans(done: Consolidation) -> dict[str, Any]:
    several = {"plan_ids": list(done.plan_ids)} if len(done.plan_ids) > 1 else {}
    return {"plan_id": done.plan_id, **several}


def _of_entity(entity: Entity) -> dict[str, Any]:
    named = {"entity_id": entity.id, "entity_type": entity.type}
    return {"bot_id": entity.id, **named} if entity.has_memories else named
