"""Reading a profile: its rows, what code does with them by itself, and what there is to ask.

The check that decides whether there is work, and the work itself, begin here and nowhere else.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from llm_maint import applying
from llm_maint.asking import Work
from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.consultation import Case
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import fold
from llm_maint.domain.judged import Judged, fingerprint
from llm_maint.domain.loss_guard import NO_LOSSES, RecentLosses
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.relation import RELATIVES
from llm_maint.domain.row import Row, RowId, latest
from llm_maint.domain.wear import Wear
from llm_maint.store import judgements, plans, profiles, wear

if TYPE_CHECKING:
    from llm_maint.store.database import Connection

FEW = 20
"""New rows that are so many wait for no more."""


def read(context: JobContext, entity: Entity, run: Meter, *, gathers: bool) -> Work:
    """Return an entity's rows and what there is to do about them.

    Args:
        context: of the job.
        entity: whose rows.
        run: the meter of the whole run.
        gathers: a few new rows may wait for more of them.

    """
    now = context.clock()
    judge = applying.judge_name(context.settings)
    with context.database.read() as connection:
        policy = applying.policy_for(connection, context.settings, entity)
        rows = tuple(profiles.attributes_of(connection, entity))
        judged = judgements.judged_of(connection, entity, judge=judge)
        young = frozenset(row.id for row in rows if policy.is_young(row, now=now))
        old = [row for row in rows if row.id not in young]
        if judgements.judged_fingerprint(connection, entity) == fingerprint(old, judge=judge):
            done = _unchanged(plans.held_plan(connection, entity), entity, rows, judged)
            return Work(entity=entity, meter=run.part(calls=0), done=done)
        before = _before(
            connection, entity, {row.id for row in rows}, now=now, counts_losses=context.dry_run
        )
    folds, survivors = fold(old, policy, settled=judged.settled(old))
    new, waiting = judged.new_among(old, folds, survivors), set[RowId]()
    if gathers and _may_wait(new, survivors, judged, _gather_time(context), now=now):
        waiting, new = new, set()
    work = Work(
        entity=entity,
        meter=run.part(calls=_calls_expected(context, new, survivors)),
        rows=rows,
        young=young,
        waiting=frozenset(waiting),
        folds=folds,
        case=_case(entity, survivors, new, judged, policy, before),
        judged=judged,
        tries=before.tries,
        recent=before.losses,
        size=context.settings.profile_maintenance.max_rows_per_request,
    )
    if waiting and not folds:
        return replace(work, done=_unchanged(None, entity, rows, judged))
    return work


@dataclass(frozen=True, slots=True)
class _Before:
    """What the past says of an entity."""

    wear: Wear
    tries: int
    losses: RecentLosses


def _before(
    connection: "Connection",
    entity: Entity,
    ids: AbstractSet[RowId],
    *,
    now: datetime,
    counts_losses: bool,
) -> _Before:
    last = judgements.tried(connection, entity).get(entity)
    losses = plans.recent_losses(connection, entity, now=now) if counts_losses else NO_LOSSES
    worn = wear.wear_of(connection, entity, ids)
    return _Before(worn, last.times if last else 0, losses)


def _unchanged(
    held: plans.StoredPlan | None, entity: Entity, rows: Sequence[Row], judged: Judged
) -> Consolidation:
    if held is not None:
        return Consolidation(plan=read_plan(held.document), plan_id=held.id, unchanged=True)
    conflicts = judged.standing_conflicts(rows, ())
    plan = Plan(entity=entity, rows=tuple(rows), operations=tuple(conflicts))
    return Consolidation(plan=plan, unchanged=True)


def _gather_time(context: JobContext) -> timedelta:
    return timedelta(minutes=context.settings.profile_maintenance.gather_minutes)


def _may_wait(
    new: set[RowId],
    rows: Sequence[Row],
    judged: Judged,
    time: timedelta,
    *,
    now: datetime,
) -> bool:
    """Return whether new rows wait for more: few, all written lately, and others asked lately.

    Each request repeats the rules and the relatives of its rows, so several rows in one request
    cost a fraction of as many requests.
    """
    if judged.asked_at is None or judged.asked_at <= now - time or len(new) >= FEW:
        return False
    return all(now - time < latest(row) for row in rows if row.id in new)


def _case(
    entity: Entity,
    survivors: Sequence[Row],
    new: set[RowId],
    judged: Judged,
    policy: Policy,
    before: _Before,
) -> Case:
    asked = new | judged.waiting(survivors) if new else new
    return Case(
        entity=entity,
        rows=survivors,
        new=frozenset(asked),
        policy=policy,
        wear=before.wear,
    )


def _calls_expected(context: JobContext, new: set[RowId], survivors: Sequence[Row]) -> int:
    size = context.settings.profile_maintenance.max_rows_per_request
    return ceil(min(len(new) * (1 + RELATIVES), len(survivors)) / size)
