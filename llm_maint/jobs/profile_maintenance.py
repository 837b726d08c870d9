"""Job type `profile_maintenance`: reads profiles, lets the model group, decides, applies."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from llm_maint.contract import Job, JobContext
from llm_maint.domain.consolidation import Consolidation, failed_line, line, totals
from llm_maint.domain.enquiry import Answers, ask_all
from llm_maint.domain.judge import fold, judge
from llm_maint.domain.nearest import unknown
from llm_maint.domain.plan import Plan, guard_losses
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.profile import Attribute, Entity, fingerprint
from llm_maint.domain.request import PROMPT_VERSION
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.domain.summary import render
from llm_maint.errors import (
    ClaimLostError,
    ConfigurationError,
    DatabaseUnavailableError,
    MaintError,
    ModelUnavailableError,
    PlanRefusedError,
)
from llm_maint.settings import Settings
from llm_maint.store import journal, plans, profiles

log = logging.getLogger(__name__)

EVERY_ENTITY = "*"


def run(context: JobContext) -> Outcome:
    """Consolidate the entity of the configuration, or with `*` every entity with changed rows."""
    entity_id = context.config.get("entity_id", EVERY_ENTITY)
    entity_type = context.config.get("entity_type")
    if entity_id == EVERY_ENTITY:
        return _run_every(context, entity_type)
    entity = Entity.named(entity_id, entity_type or "user")
    with context.database.read() as connection:
        profiles.known_entity(connection, entity)
    done = consolidate(context, entity)
    return Success(totals([line(done)]), held=done.held)


def check(config: Mapping[str, Any]) -> None:
    """Refuse a configuration that is not `{"entity_id": ID or "*", "entity_type": TYPE}`."""
    for name, value in config.items():
        if name not in ("entity_id", "entity_type"):
            raise unknown("configuration key", name, ("entity_id", "entity_type"))
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} of a profile job is a text")
    if "entity_type" in config:
        Entity.named("", config["entity_type"])


def consolidate(context: JobContext, entity: Entity) -> Consolidation:
    """Plan the consolidation of one entity and, unless it is a dry run or held, apply it.

    Raises:
        MaintError: the model failed, or the claim was lost; nothing was changed.

    """
    with context.database.read() as connection:
        rows = profiles.attributes_of(connection, entity)
        judged = profiles.judged_fingerprint(connection, entity)
        lost = plans.lost_recently(connection, entity, now=context.clock())
        if judged == fingerprint(rows, judge=judge_name(context.settings)):
            return _unchanged(plans.held_plan(connection, entity), entity, rows)
    plan = _planned(context, entity, rows)
    if context.dry_run:
        policy = context.settings.profile_maintenance.policy
        return Consolidation(plan=guard_losses(plan, policy, lost_recently=lost))
    return _carry_out(context, plan)


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


def judge_name(settings: Settings) -> str:
    """Return who judges rows: another model or prompt may see more in the same rows."""
    if not settings.llm.uses_model:
        return "code"
    return f"{PROMPT_VERSION} {settings.profile_maintenance.model or settings.llm.model}"


def _unchanged(
    held: plans.StoredPlan | None, entity: Entity, rows: Sequence[Attribute]
) -> Consolidation:
    if held is None:
        return Consolidation(plan=Plan(entity=entity, rows=tuple(rows)), unchanged=True)
    return Consolidation(plan=read_plan(held.document), plan_id=held.id, unchanged=True)


def _carry_out(context: JobContext, plan: Plan) -> Consolidation:
    """Apply a plan in one transaction, or keep it for review where a guard holds it."""
    policy = context.settings.profile_maintenance.policy
    with context.write() as connection:
        # The locked rows are what two processes at one entity have in common: the second waits
        # here, and then counts the losses of the first.
        present = profiles.attributes_of(connection, plan.entity, lock=True)
        occasion = occasion_for(context)
        lost = plans.lost_recently(connection, plan.entity, now=occasion.now)
        plan = plan.without(plan.changed_since(present))
        plan = guard_losses(plan, policy, lost_recently=lost)
        if plan.held is not None:
            return Consolidation(plan=plan, plan_id=journal.hold(connection, plan, occasion))
        applied, plan_id = journal.apply(connection, plan, present, occasion)
    return Consolidation(plan=applied, plan_id=plan_id, applied=plan_id is not None)


def _run_every(context: JobContext, entity_type: str | None) -> Outcome:
    """Consolidate every entity, the one that waited longest first; each commits by itself."""
    with context.database.read() as connection:
        found = [counted for counted in profiles.entities(connection) if counted.attributes]
    found.sort(key=lambda each: (each.updated_at is not None, each.updated_at, each.entity))
    entities = [each.entity for each in found if entity_type in (None, each.entity.type)]
    lines: list[dict[str, Any]] = []
    failures: list[MaintError] = []
    for position, entity in enumerate(entities):
        done = _attempt(context, entity)
        if isinstance(done, Consolidation):
            lines += [] if done.unchanged else [line(done)]
            continue
        failures.append(done)
        lines.append(failed_line(entity, done))
        if isinstance(done, _THE_SAME_FOR_ALL):
            lines += [failed_line(waiting, done) for waiting in entities[position + 1 :]]
            break
    result = totals(lines)
    held = result["held"] > 0
    return _failure(failures, result, held=held) if failures else Success(result, held=held)


_THE_SAME_FOR_ALL = (ModelUnavailableError, ConfigurationError)
"""What fails for one entity will fail for the next: to ask for each would only wait longer."""


def _attempt(context: JobContext, entity: Entity) -> Consolidation | MaintError:
    """Consolidate one entity among many; what is wrong with it must not stop the others."""
    try:
        return consolidate(context, entity)
    except (ClaimLostError, DatabaseUnavailableError):
        raise
    except MaintError as error:
        log.info("%s: %s", entity, error)
        return error
    except Exception as error:
        log.exception("a bug of ours, met at %s", entity)
        return MaintError(f"a bug of ours: {error!r}")


def _failure(failures: list[MaintError], result: Mapping[str, Any], *, held: bool) -> Failure:
    last = failures[-1]
    failed = result["failed"]
    return Failure(
        error=str(last) if failed == 1 else f"{failed} entities failed; the last: {last}",
        transient=any(error.transient for error in failures),
        exit_code=last.exit_code,
        result=result,
        held=held,
    )


def _planned(context: JobContext, entity: Entity, rows: Sequence[Attribute]) -> Plan:
    """Return the plan for an entity's rows; no transaction is open while the model thinks."""
    settings = context.settings.profile_maintenance
    folds, survivors = fold(rows, settings.policy)
    model = context.model() if survivors else None
    answers = Answers(reviewed={row.id for row in survivors})
    if model is not None:
        answers = ask_all(model.complete, entity, survivors, size=settings.max_rows_per_request)
    judgement = judge(survivors, answers.proposals, settings.policy)
    plan = Plan(
        entity=entity,
        rows=tuple(rows),
        operations=(*folds, *judgement.operations),
        refused=(*answers.refused, *judgement.refused),
        unreviewed=frozenset(row.id for row in survivors) - answers.judged,
        partial=bool(answers.cut),
        model=answers.model,
        prompt_version=PROMPT_VERSION if model is not None else "",
        usage=answers.usage,
    )
    plan.check()
    return plan


JOB = Job(
    type="profile_maintenance",
    summary="consolidates profiles: folds duplicates, merges, supersedes, removes noise",
    run=run,
    check=check,
    default_config={"entity_id": EVERY_ENTITY},
)
