"""A round over some entities: read, ask, decide, write, each for itself and in their order."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from llm_maint import applying
from llm_maint.asking import Work, answered
from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import NO_USAGE
from llm_maint.domain.consolidation import Consolidation, Deferred, failure, totals
from llm_maint.domain.consultation import Verdict
from llm_maint.domain.entity import Entity
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.judge import losses
from llm_maint.domain.loss_guard import guard_losses
from llm_maint.domain.patience import Patience
from llm_maint.domain.plan import Plan
from llm_maint.domain.progress import Steps
from llm_maint.domain.prompt import version_for
from llm_maint.domain.runs import Outcome, Success
from llm_maint.errors import (
    ClaimLostError,
    DatabaseUnavailableError,
    DeferredError,
    MaintError,
)
from llm_maint.reading import read
from llm_maint.settings.sections import Settings
from llm_maint.store import judgements

log = logging.getLogger(__name__)

R = TypeVar("R")


def consolidate(context: JobContext, entity: Entity, meter: Meter | None = None) -> Consolidation:
    """Plan the consolidation of one entity and, unless it is a dry run or held, apply it.

    `meter` counts what it costs, also where it fails.

    Raises:
        MaintError: the model failed, or the claim was lost; nothing was changed.

    """
    ((_, done),) = Round(context, meter or meter_of(context.settings)).each([entity], count=1)
    if isinstance(done, Exception):
        raise done
    return done


def meter_of(settings: Settings) -> Meter:
    """Return the meter of a run: what it may spend on the model."""
    limits = settings.profile_maintenance
    return Meter(max_calls=limits.max_calls_per_run, max_tokens=limits.max_tokens_per_run)


@dataclass(slots=True)
class Round:
    """One run over some entities: what it may spend, and how much it bears.

    With `gathers`, a few new rows of an entity may wait for more: nobody has asked for it by name.
    """

    context: JobContext
    meter: Meter
    gathers: bool = False
    patience: Patience = field(default_factory=Patience)
    _would_lose: Counter[Entity] = field(default_factory=Counter)

    @property
    def asks_no_more(self) -> bool:
        """Whether the model is asked no more in this run: it broke, or the budget is spent."""
        return self.patience.end is not None or self.meter.is_spent

    def with_work(self, entities: Iterable[Entity]) -> list[Entity]:
        """Return the entities that there is something to do about, as a first look shows."""
        look = replace(self, meter=Meter())

        def idle(entity: Entity) -> bool:
            work = tried(partial(read, look.context, entity, look.meter, gathers=look.gathers))
            return isinstance(work, Work) and work.done is not None

        return [entity for entity in entities if not idle(entity)]

    def results(self, entities: Sequence[Entity]) -> Iterator[EntityResult]:
        """Consolidate entities; yield what each came to."""
        for entity, done in self.each(entities, count=len(entities)):
            yield EntityResult.of(entity, done)

    def each(
        self, entities: Iterable[Entity], *, count: int
    ) -> Iterator[tuple[Entity, Consolidation | Exception]]:
        """Consolidate entities; yield what each came to, in their order, once it is written.

        Models are asked side by side; the database is read and written by this thread alone, with
        no transaction open while a model thinks.
        """
        for work, done in self.of_works(map(self._begun, entities), count=count, unit="entities"):
            yield work.entity, done

    def of_works(
        self, works: Iterable[Work], *, count: int, unit: str
    ) -> Iterator[tuple[Work, Consolidation | Exception]]:
        """Do works that were read; yield what each came to, as `each` does."""
        progress = self.context.progress
        steps = Steps(unit, progress)
        steps.expect(count)
        asked = answered(self.context.model, map(self._admitted, works), progress=progress)
        with closing(asked) as replies:
            for work, verdict in replies:
                done = tried(partial(_finished, self.context, self._after_others(work), verdict))
                self._note(work, done)
                steps.step()
                yield work, done

    def _after_others(self, work: Work) -> Work:
        """Return a work on a part of an entity that, dry, counts what other parts would lose."""
        lost = self._would_lose[work.entity]
        return replace(work, recent=replace(work.recent, lost=work.recent.lost + lost))

    def outcome(self, results: Iterable[EntityResult], *, rows_are: str = "attributes") -> Outcome:
        """Return what the run came to.

        A budget that is spent is no failure, a broken server is.
        """
        lines: list[Mapping[str, Any]] = []
        failures: list[MaintError] = []
        deferred = Deferred()
        spent = NO_USAGE
        for result in results:
            spent += result.spent
            if result.line is not None:
                lines.append(result.line)
            if result.failure is not None:
                failures.append(result.failure)
            if result.deferred is not None:
                deferred.add(result.deferred)
        if deferred.count:
            log.info("what waits for the next run: %d (%s)", deferred.count, deferred.first)
        spent += self.meter.spent
        whole = totals(lines, spent=spent, deferred=deferred, rows_are=rows_are)
        wrong = failures or ([deferred.first] if deferred.is_failure and deferred.first else [])
        if not wrong:
            return Success(whole, held=whole["held"] > 0)
        return failure(wrong, whole, waiting=deferred.count if failures else 0)

    def _begun(self, entity: Entity) -> Work:
        work = tried(partial(read, self.context, entity, self.meter, gathers=self.gathers))
        if not isinstance(work, Work):
            work = Work(entity=entity, meter=self.meter.part(calls=0), done=work)
        return work

    def _admitted(self, work: Work) -> Work:
        """Return a work, which is done where the model is asked no more."""
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
        if self.context.dry_run and isinstance(done, Consolidation) and not done.held:
            self._would_lose[work.entity] += losses(done.plan.operations)
        if not (ended or isinstance(done, DeferredError) or self.context.dry_run):
            tried(partial(_remember_tried, self.context, work.entity))


def _remember_tried(context: JobContext, entity: Entity) -> None:
    with context.write() as connection:
        judgements.remember_tried(connection, entity, now=context.clock())


def tried(do: Callable[[], R]) -> R | Exception:
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
    assert work.judged is not None
    assert work.case is not None
    decided = (*work.folds, *verdict.operations)
    asked = work.meter.spent.calls > 0
    # What waits in a held plan was judged for that plan, which this one may outdate.
    forgotten = work.judged.waiting(work.case.rows) - verdict.asked
    again = {op.winner_id for op in verdict.operations if op.winner_id in work.again}
    plan = Plan(
        entity=work.entity,
        rows=work.rows,
        operations=(*decided, *work.judged.standing_conflicts(work.case.rows, decided)),
        refused=verdict.refused,
        unreviewed=verdict.asked - verdict.judged,
        unjudged=work.young | work.waiting | verdict.left | forgotten | again,
        left=verdict.left,
        model=verdict.model,
        prompt_version=version_for(work.entity) if asked else "",
        usage=work.meter.spent,
        advice=(*work.advice, *verdict.advice),
        beyond=work.beyond,
        whole=work.whole,
    )
    plan.check()
    return plan
