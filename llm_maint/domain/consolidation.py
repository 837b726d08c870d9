"""What a consolidation came to, and what is reported of it: per entity, and summed for a run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llm_maint.domain.chat import Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import plan_document
from llm_maint.domain.runs import Failure
from llm_maint.errors import BudgetSpentError, DeferredError, MaintError


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidation:
    """What a consolidation of one entity came to.

    `plan_id` names the stored plan; it is None for a dry run, and where nothing was written.
    `unchanged` tells that the rows are as they were when last judged, so nobody was asked; the plan
    is then the one that is still held, or one without operations.
    """

    plan: Plan
    plan_id: str | None = None
    applied: bool = False
    unchanged: bool = False

    @property
    def held(self) -> bool:
        """Whether the plan waits for review."""
        return self.plan.held is not None


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
        "plan_id": done.plan_id,
        "unchanged": done.unchanged,
        "error": None,
    }


def failed_report(
    entity: Entity, error: Exception, *, spent: Usage, dry_run: bool
) -> dict[str, Any]:
    """Return what `profile consolidate --json` prints where nothing could be planned."""
    nothing = Consolidation(plan=Plan(entity=entity, rows=(), usage=spent))
    unknown = {"attributes_before": None, "attributes_after": None}
    return {**report(nothing, dry_run=dry_run), **unknown, "error": str(error)}


def line(done: Consolidation) -> dict[str, Any]:
    """Return what the result of a run says about one entity."""
    document = report(done, dry_run=False)
    shown = ("attributes_before", "attributes_after", "categories_updated", "accounting", "llm")
    advice = {"advice": document["advice"]} if document["advice"] else {}
    return {
        **_of_entity(done.plan.entity),
        **{name: document[name] for name in shown},
        **advice,
        "partial": done.plan.partial,
        "plan_id": done.plan_id,
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
        "attributes_before": None,
        "attributes_after": None,
        "categories_updated": [],
        "applied": False,
        "held": False,
        "error": str(error),
    }


def totals(
    lines: Iterable[Mapping[str, Any]], *, spent: Usage, deferred: "Deferred | None" = None
) -> dict[str, Any]:
    """Return the result of a run: its entities and their sums.

    Args:
        lines: of the entities that were dealt with.
        spent: on the model, failed calls and entities included.
        deferred: the entities that wait for the next run.

    """
    lines = list(lines)
    accounted: Counter[str] = Counter()
    for each in lines:
        accounted.update(each.get("accounting", {}))
    waiting: dict[str, Any] = {}
    if deferred is not None and deferred.count:
        waiting = {"deferred": deferred.count, "deferred_because": str(deferred.first)}
    return {
        "entities": lines,
        "failed": sum(each["error"] is not None for each in lines),
        "held": sum(each["held"] for each in lines),
        "attributes_before": sum(each["attributes_before"] or 0 for each in lines),
        "attributes_after": sum(each["attributes_after"] or 0 for each in lines),
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


def _of_entity(entity: Entity) -> dict[str, Any]:
    return {"entity_id": entity.id, "entity_type": entity.type}
