"""Reading a bot's memories: what code folds by itself, and the portions there are to ask about."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from llm_maint import applying
from llm_maint.asking import Work
from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.consultation import Case
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Operation, fold
from llm_maint.domain.judged import Judged, mark
from llm_maint.domain.loss_guard import NO_LOSSES, RecentLosses
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan, Whole
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.portions import Portion, portions
from llm_maint.domain.row import Row, RowId
from llm_maint.domain.wear import Wear
from llm_maint.likeness import Likeness
from llm_maint.store import judgements, memories, plans, wear

PORTION = 480
"""Memories that are consolidated and applied together: some requests, a few minutes of a model."""

SURE = 60
"""Memories beside those of a portion that may try a model: nobody would lose these."""


def works_of(context: JobContext, entity: Entity, run: Meter) -> list[Work]:
    """Return what there is to do about a bot's memories, in portions that share no row.

    Raises:
        MaintError: the memories cannot be read, or vectors that are missing cannot be had.

    """
    store = _read(context, entity)
    # Copies that wait in a held plan do so until it is decided: to fold them would outdate it.
    decided = store.judged.settled(store.old) | store.judged.waiting(store.old)
    folds, survivors = fold(store.old, store.policy, settled=decided)
    new = store.judged.new_among(store.old, folds, survivors)
    if not folds and not new:
        return [
            Work(entity=entity, meter=run.part(calls=0), done=done) for done in store.unchanged()
        ]
    links, likeness = [], Likeness(context=context, entity=entity, meter=run)
    if new and context.settings.llm.uses_model:
        kept = [row for row in survivors if isinstance(row, Memory)]
        links = likeness.links(kept, new)
    most = context.settings.memory.max_cluster_rows
    parts = list(portions(len(survivors), links, size=PORTION, most=most))
    made = [_Part(portion, [survivors[i] for i in portion.places]) for portion in parts]
    made = [*_of_folds_alone(folds, made), *made] or [_Part(Portion((), ()), [])]
    met = {place for portion in parts for place in portion.places}
    joined = {place for link in links for place in link.pair}
    apart = frozenset(survivors[place].id for place in joined - met)
    alone = [row for row in _alone(survivors, made) if row.id not in apart]
    first = frozenset(mark(row) for row in alone if row.id in new)
    sure = tuple(sorted(alone, key=_sureness)[:SURE])
    outside = _Outside(settled=first, sure=sure, apart=apart, advice=tuple(likeness.advice))
    return [
        store.work(context, run, part, folds, new, outside if number == 0 else outside.later())
        for number, part in enumerate(made)
    ]


@dataclass(frozen=True, slots=True)
class _Outside:
    """What lies outside all portions: marks that are settled unasked, memories that are sure.

    Rows that are `apart` from all that they look like wait until they meet it.
    """

    settled: frozenset[str]
    sure: tuple[Row, ...]
    apart: frozenset[RowId]
    advice: tuple[str, ...]

    def later(self) -> "_Outside":
        """Return it for a portion that is not the first: that one settles for all."""
        return replace(self, settled=frozenset[str]())


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
        outside: _Outside,
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
            free=0,  # three of each of many portions would be many
            others=outside.sure,
        )
        return Work(
            entity=self.entity,
            meter=run.part(calls=ceil(len(part.rows) / size) if asks else 0),
            rows=rows,
            waiting=outside.apart.intersection(ids),
            folds=own,
            case=case,
            judged=self.judged,
            recent=self.losses,
            size=size,
            whole=self._whole(outside.settled),
            beyond=len(self.rows) - len(rows),
            again=frozenset(part.rows[place].id for place in part.portion.cut),
            leaves_apart=bool(outside.apart),
            advice=outside.advice,
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
        judged = judgements.judged_of(connection, entity, judge=judge)
        held = plans.list_plans(connection, limit=None, entity=entity, status=plans.HELD)
        if not held:  # what nobody has looked at before it was pruned waits for nobody
            judged = replace(judged, pending=frozenset())
        return _Store(
            entity=entity,
            rows=rows,
            young=frozenset(row.id for row in rows if policy.is_young(row, now=now)),
            policy=policy,
            judged=judged,
            held=held,
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


def _alone(survivors: Iterable[Row], parts: Iterable[_Part]) -> list[Row]:
    """Return the rows that are like no other: there is nothing to ask about them."""
    listed = {row.id for part in parts for row in part.rows}
    return [row for row in survivors if row.id not in listed]


def _sureness(row: Row) -> tuple[float, str]:
    """Return the order in which memories may try a model: the weightiest are least likely noise."""
    return -row.standing[-1], str(row.id)
