"""A plan on its way into the database: applied in one transaction, or held for review."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm_maint.contract import JobContext
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.entity import Entity
from llm_maint.domain.loss_guard import guard_losses
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.prompt import MEMORY_PROMPT_VERSION, PROMPT_VERSION
from llm_maint.domain.summary import render
from llm_maint.errors import InvalidInputError, MaintError, PlanRefusedError
from llm_maint.settings.sections import Settings
from llm_maint.store import holdings, journal, pins, plans

if TYPE_CHECKING:
    from llm_maint.store.database import Connection


def apply_or_hold(context: JobContext, plan: Plan) -> Consolidation:
    """Apply a plan in one transaction, or keep it for review where a guard holds it."""
    with context.write() as connection:
        # Whoever comes second waits here, and then counts the losses of the first.
        present = holdings.rows_to_write(connection, plan)
        occasion = occasion_for(context)
        recent = plans.recent_losses(connection, plan.entity, now=occasion.now)
        policy = policy_for(connection, context.settings, plan.entity)
        plan = plan.without(plan.changed_since(present)).over(present, policy).respecting(policy)
        plan = guard_losses(plan, policy, recent)
        if plan.held is not None:
            return Consolidation(plan=plan, plan_id=journal.hold(connection, plan, occasion))
        applied, plan_id = journal.apply(connection, plan, present, occasion)
    return Consolidation(plan=applied, plan_id=plan_id, applied=plan_id is not None)


def apply_held(context: JobContext, stored: plans.StoredPlan) -> Consolidation:
    """Apply a plan that was held, after somebody has reviewed it.

    Raises:
        PlanRefusedError: the plan is not held, or all of its rows have changed since.

    """
    plans.check_held(stored)
    plan = read_plan(stored.document)
    with context.write() as connection:
        plans.check_held(plans.find_plan(connection, stored.id, lock=True))
        done = _apply_reviewed(context, connection, plan, plan_id=stored.id)
        if done is None:
            plans.set_status(connection, plans.HELD, plans.OUTDATED, plan_id=stored.id)
    if done is None:
        raise _outdated(stored.id[:8])
    return done


def saved_plan(document: Mapping[str, Any], *, name: str) -> Plan:
    """Return a plan that was written to a file.

    Raises:
        InvalidInputError: it is no plan, or what it shows is not what it would write.

    """
    try:
        plan = read_plan(document)
        before = {row.id: row for row in plan.rows}
        written = [op.after for op in plan.operations if op.after is not None]
        for row in (*plan.rows, *written):
            shown = row.document() == holdings.as_row(row.image, plan.entity).document()
            if not shown or row.unwritten != before[row.id].unwritten:
                raise InvalidInputError(f"what it shows of row {row.id} is not what it would do")
    except (MaintError, KeyError, TypeError, ValueError) as error:
        why = error if isinstance(error, MaintError) else "it was altered"
        raise InvalidInputError(f"{name}: {why}") from error
    return plan


def apply_saved(context: JobContext, plan: Plan, *, name: str) -> Consolidation:
    """Apply a plan of a file, after somebody has reviewed it.

    Raises:
        PlanRefusedError: all of its rows have changed since.

    """
    with context.write() as connection:
        done = _apply_reviewed(context, connection, plan, plan_id=None)
    if done is None:
        raise _outdated(name)
    return done


def _apply_reviewed(
    context: JobContext, connection: "Connection", plan: Plan, *, plan_id: str | None
) -> Consolidation | None:
    """Apply what still stands of a plan, whatever it loses; None where nothing does."""
    present = holdings.rows_to_write(connection, plan)
    policy = policy_for(connection, context.settings, plan.entity)
    plan = replace(plan, held=None)
    standing = plan.without(plan.changed_since(present)).over(present, policy).respecting(policy)
    if not standing.operations:
        return None
    applied, plan_id = journal.apply(
        connection, standing, present, occasion_for(context), plan_id=plan_id
    )
    return Consolidation(plan=applied, plan_id=plan_id, applied=plan_id is not None)


def _outdated(name: str) -> PlanRefusedError:
    return PlanRefusedError(
        f"plan {name} is outdated: its rows have changed or been protected since; consolidate again"
    )


def occasion_for(context: JobContext) -> journal.Occasion:
    """Return on whose behalf, and how, rows are changed."""
    settings = context.settings.profile_maintenance

    def summarise(name: str, rows: Sequence[Attribute]) -> str:
        return render(name, rows, settings.policy, max_tokens=settings.summary_max_tokens)

    return journal.Occasion(
        judge=judge_name(context.settings),
        memory_judge=judge_name(context.settings, memories=True),
        now=context.clock(),
        run_id=context.run_id,
        summarise=summarise if settings.summary == "template" else None,
    )


def policy_for(connection: "Connection", settings: Settings, entity: Entity) -> Policy:
    """Return what a consolidation of an entity must respect: the settings, and its pins."""
    pinned = pins.pins_of(connection, entity)
    if entity.has_memories:
        return replace(settings.memory.policy, pinned_ids=pinned)
    policy = settings.profile_maintenance.policy
    return replace(policy, pinned_keys=policy.pinned_keys | pinned)


def judge_name(settings: Settings, *, memories: bool = False) -> str:
    """Return who judges rows: another model or prompt may see more in the same rows."""
    if not settings.llm.uses_model:
        return "code"
    version = MEMORY_PROMPT_VERSION if memories else PROMPT_VERSION
    return f"{version} {settings.profile_maintenance.model or settings.llm.model}"
