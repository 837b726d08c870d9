"""Consolidating a bot's memories: read at once, asked about and applied in portions."""

from dataclasses import dataclass, field, replace

from llm_maint.asking import Work
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import Consolidation, together
from llm_maint.domain.entity import Entity
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.row import RowId
from llm_maint.errors import DeferredError
from llm_maint.portioning import works_of
from llm_maint.rounds import Round, tried
from llm_maint.settings.sections import Settings

TURNS = 5
"""Times that all is gone through: each takes a group of thousands to a twentieth."""


@dataclass(slots=True)
class Recalled:
    """What the portions of a bot's memories came to: those that were done, and what was wrong."""

    entity: Entity
    done: list[Consolidation] = field(default_factory=list)
    wrong: list[Exception] = field(default_factory=list)

    @property
    def whole(self) -> Consolidation:
        """All portions that were done as one."""
        return together(self.entity, self.done)

    @property
    def error(self) -> Exception | None:
        """What to tell of what was wrong: what failed, before what merely waits."""
        failed = (each for each in self.wrong if not isinstance(each, DeferredError))
        return next(failed, next(iter(self.wrong), None))

    def result(self) -> EntityResult:
        """Return what the result of a run says: a bot may be done in part."""
        result = EntityResult.of(self.entity, self.error or self.whole)
        if self.wrong and any(not each.unchanged for each in self.done):
            line = EntityResult.of(self.entity, self.whole).line or {}
            more = {"error": str(result.failure)} if result.failure else {"partial": True}
            return replace(result, line={**line, **more})
        return result


def recall(round_: Round, entity: Entity) -> Recalled:
    """Consolidate a bot's memories, each portion for itself.

    What is joined to more than a portion holds is cut. What became of it is gone through again, as
    long as it becomes fewer.
    """
    recalled = Recalled(entity)
    for turn in range(TURNS):
        again = _gone_through(round_, recalled, is_last=turn == TURNS - 1)
        if not again or recalled.wrong or round_.context.dry_run:
            break
    return recalled


def _gone_through(round_: Round, recalled: Recalled, *, is_last: bool) -> bool:
    """Go through all portions once; return whether some rows are to be asked about again."""
    entity = recalled.entity
    works = tried(lambda: works_of(round_.context, entity, round_.meter))
    if isinstance(works, Exception):
        works = [Work(entity=entity, meter=round_.meter.part(calls=0), done=works)]
    if is_last:
        works = [replace(work, again=frozenset[RowId]()) for work in works]
    changed, apart, is_first = False, False, not recalled.done
    for work, done in round_.of_works(works, count=len(works), unit="portions"):
        if isinstance(done, Exception):
            recalled.wrong.append(done)
            continue
        if is_first or not done.unchanged:
            recalled.done.append(done)
        changed |= done.applied and not work.again.isdisjoint(done.plan.unjudged)
        apart |= work.leaves_apart
    # Beside a plan that is held they wait: to ask about its rows again would outdate it.
    return changed or (apart and not any(done.held for done in recalled.done))


def meter_of(settings: Settings) -> Meter:
    """Return the meter of a run: what it may spend on the model."""
    limits = settings.memory
    return Meter(max_calls=limits.max_calls_per_run, max_tokens=limits.max_tokens_per_run)
