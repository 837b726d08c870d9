"""A plan on its way into the database: applied in one transaction, or held for review."""

from collections.abc import Sequence
from dataclasses import replace

from llm_maint.contract import JobContext
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.plan import Plan, guard_losses
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.profile import Attribute, Entity, Policy
from llm_maint.domain.prompt import PROMPT_VERSION
from llm_maint.domain.summary import render
from llm_maint.errors import PlanRefusedError
from llm_maint.settings import Settings
from llm_maint.store import journal, pins, plans, profiles
from llm_maint.store.database import Connection


def apply_or_hold(context: JobContext, plan: Plan) -> Consolidation:
    """Apply a plan in one transaction, or keep it for review where a guard holds it."""
    with context.write() as connection:
        # The locked rows are what two processes at one entity have in common: the second waits
        # here, and then counts the losses of the first.
        present = profiles.attributes_of(connection, plan.entity, lock=True)
        occasion = occasion_for(context)
        recent = plans.recent_losses(connection, plan.entity, now=occasion.now)
        policy = policy_for(connection, context.settings, plan.entity)
        plan = plan.without(plan.changed_since(present))
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
    plan = replace(read_plan(stored.document), held=None)
    with context.write() as connection:
        plans.check_held(plans.find_plan(connection, stored.id, lock=True))
        present = profiles.attributes_of(connection, plan.entity, lock=True)
        outdated = not plan.without(plan.changed_since(present)).operations
        if outdated:
            plans.set_status(connection, plans.HELD, plans.OUTDATED, plan_id=stored.id)
        else:
            applied, plan_id = journal.apply(
                connection, plan, present, occasion_for(context), plan_id=stored.id
            )
    if outdated:
        raise PlanRefusedError(
            f"plan {stored.id[:8]} is outdated: its rows have changed since; consolidate again"
        )
    return Consolidation(plan=applied, plan_id=plan_id, applied=plan_id is not None)


def occasion_for(context: JobContext) -> journal.Occasion:
    """Return on whose behalf, and how, rows are changed."""
    settings = context.settings.profile_maintenance

    def summarise(name: str, rows: Sequence[Attribute]) -> str:
        return render(name, rows, settings.policy, max_tokens=settings.summary_max_tokens)

    return journal.Occasion(
        judge=judge_name(context.settings),
        now=context.clock(),
        run_id=context.run_id,
        summarise=summarise if settings.summary == "template" else None,
    )


def policy_for(connection: Connection, settings: Settings, entity: Entity) -> Policy:
    """Return what a consolidation of an entity must respect: the settings, and its pins."""
    policy = settings.profile_maintenance.policy
    return replace(policy, pinned_keys=policy.pinned_keys | pins.pins_of(connection, entity))


def judge_name(settings: Settings) -> str:
    """Return who judges rows: another model or prompt may see more in the same rows."""
    if not settings.llm.uses_model:
        return "code"
    return f"{PROMPT_VERSION} {settings.profile_maintenance.model or settings.llm.model}"
