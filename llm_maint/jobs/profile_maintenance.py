"""Job type `profile_maintenance`: reads profiles, lets the model group, decides, applies."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from math import ceil
from typing import Any, TypeVar

from llm_maint import applying
from llm_maint.asking import Work, answered
from llm_maint.contract import Job, JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import Consolidation, failed_line, line, put_off, totals
from llm_maint.domain.enquiry import Answers
from llm_maint.domain.judge import fold, judge
from llm_maint.domain.nearest import unknown
from llm_maint.domain.plan import Plan, guard_losses
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.profile import Attribute, Entity, Policy, fingerprint
from llm_maint.domain.request import PROMPT_VERSION
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.errors import (
    BudgetSpentError,
    ClaimLostError,
    ConfigurationError,
    DatabaseUnavailableError,
    DeferredError,
    MaintError,
)
from llm_maint.settings import Settings
from llm_maint.store import history, plans, profiles

log = logging.getLogger(__name__)

EVERY_ENTITY = "*"

R = TypeVar("R")


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
    return Success(totals([line(done)], spent=done.plan.usage), held=done.held)


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
    ((_, done),) = _each(context, [entity], meter_of(context.settings))
    if isinstance(done, Exception):
        raise done
    return done


def meter_of(settings: Settings) -> Meter:
    """Return the meter of a run: what it may spend on the model."""
    limits = settings.profile_maintenance
    return Meter(max_calls=limits.max_calls_per_run, max_tokens=limits.max_tokens_per_run)


def _each(
    context: JobContext, entities: Iterable[Entity], meter: Meter
) -> Iterator[tuple[Entity, Consolidation | Exception]]:
    """Consolidate entities; yield what each came to, in their order, once it is written.

    Models are asked side by side; the database is read and written by this thread alone, with no
    transaction open while a model thinks.
    """
    works = (_begun(context, entity, meter) for entity in entities)
    size = context.settings.profile_maintenance.max_rows_per_request
    with closing(answered(context.model, works, size=size)) as replies:
        for work, answers in replies:
            yield work.entity, _tried(partial(_finished, context, work, answers))
            meter.end(work.meter)


def _tried(do: Callable[[], R]) -> R | Exception:
    """Return what is wrong with one entity as a value: it must not stop the others."""
    try:
        return do()
    except (ClaimLostError, DatabaseUnavailableError):
        raise
    except Exception as error:  # noqa: BLE001 whoever gets it tells a bug from the rest
        return error


def _begun(context: JobContext, entity: Entity, run: Meter) -> Work:
    read = _tried(partial(_read, context, entity, run))
    if isinstance(read, Work):
        return read
    return Work(entity=entity, meter=run.part(calls=0), done=read)


def _read(context: JobContext, entity: Entity, run: Meter) -> Work:
    """Read an entity's rows; the check for something to do is here and nowhere else."""
    dry_run = context.dry_run
    with context.database.read() as connection:
        rows = tuple(profiles.attributes_of(connection, entity))
        judged = profiles.judged_fingerprint(connection, entity)
        if judged == fingerprint(rows, judge=applying.judge_name(context.settings)):
            held = plans.held_plan(connection, entity)
            done = _unchanged(held, entity, rows)
            return Work(entity=entity, meter=run.part(calls=0), done=done)
        lost = plans.lost_recently(connection, entity, now=context.clock()) if dry_run else 0
    settings = context.settings.profile_maintenance
    folds, survivors = fold(rows, settings.policy)
    meter = run.part(calls=ceil(len(survivors) / settings.max_rows_per_request))
    return Work(
        entity=entity, meter=meter, rows=rows, folds=tuple(folds), survivors=survivors, lost=lost
    )


def _unchanged(
    held: plans.StoredPlan | None, entity: Entity, rows: Sequence[Attribute]
) -> Consolidation:
    if held is None:
        return Consolidation(plan=Plan(entity=entity, rows=tuple(rows)), unchanged=True)
    return Consolidation(plan=read_plan(held.document), plan_id=held.id, unchanged=True)


def _finished(context: JobContext, work: Work, answers: Answers | Exception) -> Consolidation:
    """Decide on what was said, and write it."""
    for error in (work.done, answers):
        if isinstance(error, Exception):
            raise error
    if isinstance(work.done, Consolidation):
        return work.done
    assert isinstance(answers, Answers)
    policy = context.settings.profile_maintenance.policy
    plan = _plan(work, answers, policy)
    if context.dry_run:
        return Consolidation(plan=guard_losses(plan, policy, lost_recently=work.lost))
    return applying.apply_or_hold(context, plan)


def _plan(work: Work, answers: Answers, policy: Policy) -> Plan:
    judgement = judge(work.survivors, answers.proposals, policy)
    asked = work.meter.spent.calls > 0
    plan = Plan(
        entity=work.entity,
        rows=work.rows,
        operations=(*work.folds, *judgement.operations),
        refused=(*answers.refused, *judgement.refused),
        unreviewed=frozenset(row.id for row in work.survivors) - answers.judged,
        partial=bool(answers.left),
        model=answers.model,
        prompt_version=PROMPT_VERSION if asked else "",
        usage=work.meter.spent,
        advice=answers.advice,
    )
    plan.check()
    return plan


def _run_every(context: JobContext, entity_type: str | None) -> Outcome:
    """Consolidate every entity, the one that waited longest first; each commits by itself.

    Those that failed last time, or did not get to their end, come last: what is wrong with two of
    them must not keep all others waiting for ever.
    """
    with context.database.read() as connection:
        found = [counted for counted in profiles.entities(connection) if counted.attributes]
        last = history.last_result(connection, context.claim.job_id) if context.claim else {}
    late = put_off(last)
    found.sort(
        key=lambda each: (
            each.entity in late,
            each.updated_at is not None,
            each.updated_at,
            each.entity,
        )
    )
    entities = [each.entity for each in found if entity_type in (None, each.entity.type)]
    meter = meter_of(context.settings)
    lines: list[dict[str, Any]] = []
    failures: list[MaintError] = []
    deferred: list[DeferredError] = []
    for entity, done in _each(context, entities, meter):
        if isinstance(done, Consolidation):
            lines += [] if done.unchanged else [line(done)]
        elif isinstance(done, DeferredError):
            deferred.append(done)
        else:
            failures.append(_explained(entity, done))
            lines.append(failed_line(entity, failures[-1]))
    result = totals(lines, spent=meter.spent, deferred=deferred)
    return _outcome(result, failures, deferred)


def _explained(entity: Entity, error: Exception) -> MaintError:
    if isinstance(error, MaintError):
        log.info("%s: %s", entity, error)
        return error
    log.error("a bug of ours, met at %s", entity, exc_info=error)
    return MaintError(f"a bug of ours: {error!r}")


def _outcome(
    result: Mapping[str, Any], failures: Sequence[MaintError], deferred: Sequence[DeferredError]
) -> Outcome:
    """Return what a run came to; a budget that is spent is no failure, a broken server is."""
    wrong: list[MaintError] = [*failures]
    if not failures:
        wrong += [each for each in deferred if not isinstance(each, BudgetSpentError)][:1]
    if deferred:
        log.info("%d entities wait for the next run: %s", len(deferred), deferred[0])
    if not wrong:
        return Success(result, held=result["held"] > 0)
    last = wrong[-1]
    error = f"{len(failures)} entities failed; the last: {last}" if len(wrong) > 1 else str(last)
    waiting = f"; {len(deferred)} more wait for the next run" if deferred and failures else ""
    return Failure(
        error=error + waiting,
        transient=any(each.transient for each in wrong),
        exit_code=last.exit_code,
        result=result,
        held=result["held"] > 0,
    )


JOB = Job(
    type="profile_maintenance",
    summary="consolidates profiles: folds duplicates, merges, supersedes, removes noise",
    run=run,
    check=check,
    default_config={"entity_id": EVERY_ENTITY},
)
