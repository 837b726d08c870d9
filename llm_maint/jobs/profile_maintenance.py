"""Job type `profile_maintenance`: reads profiles, lets the model group, decides, applies."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from llm_maint import applying
from llm_maint.asking import Work, answered
from llm_maint.contract import Job, JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import (
    Consolidation,
    Deferred,
    failed_line,
    failure,
    line,
    totals,
)
from llm_maint.domain.consultation import Verdict
from llm_maint.domain.nearest import unknown
from llm_maint.domain.patience import Patience
from llm_maint.domain.plan import Plan, guard_losses
from llm_maint.domain.profile import Entity
from llm_maint.domain.progress import Steps
from llm_maint.domain.prompt import PROMPT_VERSION
from llm_maint.domain.runs import Outcome, Success, Trigger
from llm_maint.errors import (
    ClaimLostError,
    ConfigurationError,
    DatabaseUnavailableError,
    DeferredError,
    MaintError,
)
from llm_maint.reading import read
from llm_maint.settings.sections import Settings
from llm_maint.store import judgements, profiles
from llm_maint.store.database import Connection

log = logging.getLogger(__name__)

EVERY_ENTITY = "*"

R = TypeVar("R")


def run(context: JobContext) -> Outcome:
    """Consolidate the entity of the configuration, or with `*` every entity with changed rows."""
    entity_id = context.config.get("entity_id", EVERY_ENTITY)
    entity_type = context.config.get("entity_type")
    with context.database.read() as connection:
        if entity_id == EVERY_ENTITY:
            entities = _waiting(connection, entity_type)
        else:
            entity = Entity.named(entity_id, entity_type or "user")
            entities = [profiles.known_entity(connection, entity)]
    by_itself = context.claim is not None and context.claim.trigger is Trigger.DUE
    gathers = by_itself and entity_id == EVERY_ENTITY
    return _outcome(_Round(context, meter_of(context.settings), gathers), entities)


def check(config: Mapping[str, Any]) -> None:
    """Refuse a configuration that is not `{"entity_id": ID or "*", "entity_type": TYPE}`."""
    for name, value in config.items():
        if name not in ("entity_id", "entity_type"):
            raise unknown("configuration key", name, ("entity_id", "entity_type"))
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} of a profile job is a text")
    if "entity_type" in config:
        Entity.named("", config["entity_type"])


def consolidate(context: JobContext, entity: Entity, meter: Meter | None = None) -> Consolidation:
    """Plan the consolidation of one entity and, unless it is a dry run or held, apply it.

    `meter` counts what it costs, also where it fails.

    Raises:
        MaintError: the model failed, or the claim was lost; nothing was changed.

    """
    ((_, done),) = _Round(context, meter or meter_of(context.settings)).each([entity])
    if isinstance(done, Exception):
        raise done
    return done


def meter_of(settings: Settings) -> Meter:
    """Return the meter of a run: what it may spend on the model."""
    limits = settings.profile_maintenance
    return Meter(max_calls=limits.max_calls_per_run, max_tokens=limits.max_tokens_per_run)


def _waiting(connection: Connection, entity_type: str | None) -> list[Entity]:
    """Return the entities with rows: the one that waited longest first.

    Those that were asked about to no end come last, the one tried longest ago first: what is wrong
    with some, or a budget that ends early, must not keep the others waiting for ever.
    """
    tried = judgements.tried(connection)
    found = [counted for counted in profiles.entities(connection) if counted.attributes]

    def turn(each: profiles.EntityCount) -> tuple[Any, ...]:
        last = tried.get(each.entity)
        fresh = (each.updated_at is not None, each.updated_at, each.entity)
        return (False, None, *fresh) if last is None else (True, last.at, *fresh)

    found.sort(key=turn)
    return [each.entity for each in found if entity_type in (None, each.entity.type)]


@dataclass(slots=True)
class _Round:
    """One run over some entities: what it may spend, and how much it bears.

    With `gathers`, a few new rows of an entity may wait for more: nobody has asked for it by name.
    """

    context: JobContext
    meter: Meter
    gathers: bool = False
    patience: Patience = field(default_factory=Patience)

    def each(
        self, entities: Sequence[Entity]
    ) -> Iterator[tuple[Entity, Consolidation | Exception]]:
        """Consolidate entities; yield what each came to, in their order, once it is written.

        Models are asked side by side; the database is read and written by this thread alone, with
        no transaction open while a model thinks.
        """
        works = map(self._begun, entities)
        size = self.context.settings.profile_maintenance.max_rows_per_request
        progress = self.context.progress
        steps = Steps("entities", progress)
        steps.expect(len(entities))
        asked = answered(self.context.model, works, size=size, progress=progress)
        with closing(asked) as replies:
            for work, verdict in replies:
                done = _tried(partial(_finished, self.context, work, verdict))
                self._note(work, done)
                steps.step()
                yield work.entity, done

    def _begun(self, entity: Entity) -> Work:
        work = _tried(partial(read, self.context, entity, self.meter, gathers=self.gathers))
        if not isinstance(work, Work):
            work = Work(entity=entity, meter=self.meter.part(calls=0), done=work)
        if self.patience.end is not None and work.asks:
            return replace(work, done=self.patience.end)
        return work

    def _note(self, work: Work, done: Consolidation | Exception) -> None:
        """Take note of what an entity came to, for the others and for the next run."""
        self.meter.end(work.meter)
        ended = isinstance(done, Consolidation) and not done.plan.partial
        if isinstance(done, Exception):
            self.patience.failed(done)
        elif work.meter.spent.calls:
            self.patience.succeeded()
        if not (ended or isinstance(done, DeferredError) or self.context.dry_run):
            _tried(partial(_remember_tried, self.context, work.entity))


def _remember_tried(context: JobContext, entity: Entity) -> None:
    with context.write() as connection:
        judgements.remember_tried(connection, entity, now=context.clock())


def _tried(do: Callable[[], R]) -> R | Exception:
    """Return what is wrong with one entity as a value: it must not stop the others."""
    try:
        return do()
    except (ClaimLostError, DatabaseUnavailableError):
        raise
    except Exception as error:  # noqa: BLE001 whoever gets it tells a bug from the rest
        return error


def _finished(context: JobContext, work: Work, verdict: Verdict | Exception) -> Consolidation:
    """Write what was decided."""
    for error in (work.done, verdict):
        if isinstance(error, Exception):
            raise error
    if isinstance(work.done, Consolidation):
        return work.done
    assert isinstance(verdict, Verdict)
    plan = _plan(work, verdict)
    if context.dry_run:
        assert work.case is not None
        return Consolidation(plan=guard_losses(plan, work.case.policy, work.recent))
    return applying.apply_or_hold(context, plan)


def _plan(work: Work, verdict: Verdict) -> Plan:
    assert work.memory is not None
    assert work.case is not None
    decided = (*work.folds, *verdict.operations)
    asked = work.meter.spent.calls > 0
    # What waits in a held plan was judged for that plan, which this one may outdate.
    forgotten = work.memory.waiting(work.case.rows) - verdict.asked
    plan = Plan(
        entity=work.entity,
        rows=work.rows,
        operations=(*decided, *work.memory.standing_conflicts(work.case.rows, decided)),
        refused=verdict.refused,
        unreviewed=verdict.asked - verdict.judged,
        unjudged=work.young | work.waiting | verdict.left | forgotten,
        left=verdict.left,
        model=verdict.model,
        prompt_version=PROMPT_VERSION if asked else "",
        usage=work.meter.spent,
        advice=verdict.advice,
    )
    plan.check()
    return plan


def _outcome(round_: _Round, entities: Sequence[Entity]) -> Outcome:
    """Consolidate entities, and return what the run came to.

    A budget that is spent is no failure, a broken server is.
    """
    lines: list[dict[str, Any]] = []
    failures: list[MaintError] = []
    deferred = Deferred()
    for entity, done in round_.each(entities):
        if isinstance(done, Consolidation):
            lines += [] if done.unchanged else [line(done)]
        elif isinstance(done, DeferredError):
            deferred.add(done)
        else:
            failures.append(_explained(entity, done))
            lines.append(failed_line(entity, failures[-1]))
    if deferred.count:
        log.info("entities that wait for the next run: %d (%s)", deferred.count, deferred.first)
    result = totals(lines, spent=round_.meter.spent, deferred=deferred)
    wrong = failures or ([deferred.first] if deferred.is_failure and deferred.first else [])
    if not wrong:
        return Success(result, held=result["held"] > 0)
    return failure(wrong, result, waiting=deferred.count if failures else 0)


def _explained(entity: Entity, error: Exception) -> MaintError:
    """Return the error of an entity, without what it holds of rows and frames."""
    if isinstance(error, MaintError):
        log.info("%s: %s", entity, error)
        error.__cause__ = error.__context__ = error.__traceback__ = None
        return error
    log.error("a bug of ours, met at %s", entity, exc_info=error)
    return MaintError(f"a bug of ours: {error!r}")


JOB = Job(
    type="profile_maintenance",
    summary="consolidates profiles: folds duplicates, merges, supersedes, removes noise",
    run=run,
    check=check,
    default_config={"entity_id": EVERY_ENTITY},
)
