"""Consolidating a bot's memories: read at once, asked about and applied in portions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from llm_maint import applying
from llm_maint.asking import Work
from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import Consolidation, together
from llm_maint.domain.consultation import Case
from llm_maint.domain.entity import Entity
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.judge import Operation, fold
from llm_maint.domain.judged import Judged, mark
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import NO_LOSSES, Plan, RecentLosses, Whole
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.portions import Portion, portions
from llm_maint.domain.row import Row, RowId
from llm_maint.domain.wear import Wear
from llm_maint.errors import DeferredError
from llm_maint.likeness import Likeness
from llm_maint.rounds import Round, tried
from llm_maint.settings.sections import Settings
from llm_maint.store import judgements, memories, plans, wear

PORTION = 480
"""Memories that are consolidated and applied together: some requests, a few minutes of a model."""


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
    again = False
    for work, done in round_.of_works(works, count=len(works), unit="portions"):
        if isinstance(done, Exception):
            recalled.wrong.append(done)
            continue
        if not (done.unchanged and recalled.done):
            recalled.done.append(done)
        again |= not work.again.isdisjoint(done.plan.unjudged)
    return again


def meter_of(settings: Settings) -> Meter:
    """Return the meter of a run: what it may spend on the model."""
    limits = settings.memory
    return Meter(max_calls=limits.max_calls_per_run, max_tokens=limits.max_tokens_per_run)


def works_of(context: JobContext, entity: Entity, run: Meter) -> list[Work]:
    """Return what there is to do about a bot's memories, in portions that share no row.

    Raises:
        MaintError: the memories cannot be read, or vectors that are missing cannot be had.

    """
    store = _read(context, entity)
    folds, survivors = fold(store.old, store.policy, settled=store.judged.settled(store.old))
    new = store.judged.new_among(store.old, folds, survivors)
    if not folds and not new:
        return [
            Work(entity=entity, meter=run.part(calls=0), done=done) for done in store.unchanged()
        ]
    links = []
    if new and context.settings.llm.uses_model:
        kept = [row for row in survivors if isinstance(row, Memory)]
        links = Likeness(context=context, entity=entity, meter=run).links(kept, new)
    most = context.settings.memory.max_cluster_rows
    parts = list(portions(len(survivors), links, size=PORTION, most=most))
    made = [_Part(portion, [survivors[i] for i in portion.places]) for portion in parts]
    made = [*_of_folds_alone(folds, made), *made] or [_Part(Portion((), ()), [])]
    settled = _settled(survivors, new, made)
    return [
        store.work(context, run, part, folds, new, settled if number == 0 else frozenset())
        for number, part in enumerate(made)
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of a portion, duplicates folded, and how they are linked."""

    portion: Portion
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Store:
    """A bot's memories as they were read, and what the past says of them."""

    entity: Entity
    rows: Sequence[Memory]
    young: frozenset[RowId]
    policy: Policy
    judged: Judged
    held: Sequence[plans.StoredPlan]
    wear: Wear
    losses: RecentLosses
    everything: Whole

    @property
    def old(self) -> list[Memory]:
        """The memories that may be touched."""
        return [row for row in self.rows if row.id not in self.young]

    def unchanged(self) -> list[Consolidation]:
        """Return what there is to say where nothing has changed: each plan that is held."""
        if self.held:
            return [
                Consolidation(plan=read_plan(held.document), plan_id=held.id, unchanged=True)
                for held in self.held
            ]
        conflicts = self.judged.standing_conflicts(self.rows, ())
        named = {row_id for op in conflicts for row_id in op.row_ids}
        rows = tuple(row for row in self.rows if row.id in named)
        beyond = len(self.rows) - len(rows)
        plan = Plan(entity=self.entity, rows=rows, operations=tuple(conflicts), beyond=beyond)
        return [Consolidation(plan=plan, unchanged=True)]

    def work(
        self,
        context: JobContext,
        run: Meter,
        part: _Part,
        folds: Iterable[Operation],
        new: set[RowId],
        settled: frozenset[str],
    ) -> Work:
        """Return the work on a portion; the first one takes along what is settled unasked."""
        ids = {row.id for row in part.rows}
        own = tuple(op for op in folds if op.winner_id in ids)
        ids |= {row_id for op in own for row_id in op.row_ids}
        rows = tuple(row for row in self.rows if row.id in ids)
        size = context.settings.memory.max_rows_per_request
        asks = bool(part.portion.links)
        case = Case(
            entity=self.entity,
            rows=part.rows,
            new=frozenset(row.id for row in part.rows if row.id in new) if asks else frozenset(),
            policy=self.policy,
            wear=self.wear,
            links=part.portion.links,
            most=context.settings.memory.max_cluster_rows,
        )
        return Work(
            entity=self.entity,
            meter=run.part(calls=ceil(len(part.rows) / size) if asks else 0),
            rows=rows,
            folds=own,
            case=case,
            judged=self.judged,
            recent=self.losses,
            size=size,
            whole=self._whole(settled),
            beyond=len(self.rows) - len(rows),
            again=frozenset(part.rows[place].id for place in part.portion.cut),
        )

    def _whole(self, settled: frozenset[str]) -> Whole:
        if not settled:
            return self.everything
        gone = self.judged.known - frozenset(map(mark, self.rows))
        return replace(self.everything, settled=settled, gone=gone)


def _read(context: JobContext, entity: Entity) -> _Store:
    now = context.clock()
    judge = applying.judge_name(context.settings, memories=True)
    with context.database.read() as connection:
        rows = memories.memories_of(connection, entity)
        policy = applying.policy_for(connection, context.settings, entity)
        dry = context.dry_run
        return _Store(
            entity=entity,
            rows=rows,
            young=frozenset(row.id for row in rows if policy.is_young(row, now=now)),
            policy=policy,
            judged=judgements.judged_of(connection, entity, judge=judge),
            held=plans.list_plans(connection, limit=None, entity=entity, status=plans.HELD),
            wear=wear.wear_of(connection, entity, {row.id for row in rows}),
            losses=plans.recent_losses(connection, entity, now=now) if dry else NO_LOSSES,
            everything=Whole(rows=tuple(row for row in rows if not policy.protects(row))),
        )


def _of_folds_alone(folds: Sequence[Operation], parts: Iterable[_Part]) -> Iterator[_Part]:
    """Yield portions of duplicates about which there is nothing to ask."""
    taken = {row.id for part in parts for row in part.rows}
    part: list[Row] = []
    count = 0
    for op in folds:
        if op.after is None or op.after.id in taken:
            continue
        part.append(op.after)
        count += len(op.row_ids)
        if count >= PORTION:
            yield _Part(Portion((), ()), part)
            part, count = [], 0
    if part:
        yield _Part(Portion((), ()), part)


def _settled(survivors: Iterable[Row], new: set[RowId], parts: Iterable[_Part]) -> frozenset[str]:
    """Return the marks of new rows that are like no other: there is nothing to ask about them."""
    listed = {row.id for part in parts for row in part.rows}
    return frozenset(mark(row) for row in survivors if row.id in new and row.id not in listed)
