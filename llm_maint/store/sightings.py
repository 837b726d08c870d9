"""Sightings: the days on which a memory was told by copies that have become a part of it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan
from llm_maint.store.plans import APPLIED
from llm_maint.store.row_tables import memory_sightings
from llm_maint.store.tables import plans


def sightings_of(connection: Connection, entity: Entity) -> Mapping[str, frozenset[date]]:
    """Return on which further days each memory was told; what was undone does not count."""
    sightings = memory_sightings.c
    applied = sa.or_(plans.c.id.is_(None), plans.c.status == APPLIED)
    query = (
        sa.select(sightings.row_id, sightings.day)
        .select_from(memory_sightings.outerjoin(plans, sightings.plan_id == plans.c.id))
        .where(sightings.bot_id == entity.id, applied)
    )
    found: defaultdict[str, set[date]] = defaultdict(set)
    for row_id, day in connection.execute(query):
        found[row_id].add(day)
    return {row_id: frozenset(days) for row_id, days in found.items()}


def add(connection: Connection, plan: Plan, *, plan_id: str) -> None:
    """Keep the days of memories that a plan folds or merges into others."""
    if not any(op.op in (Op.FOLD, Op.MERGE) for op in plan.operations):
        return
    rows = {row.id: row for row in plan.rows}
    told = sightings_of(connection, plan.entity)
    days: defaultdict[object, set[date]] = defaultdict(set)
    for op in plan.operations:
        if op.op in (Op.FOLD, Op.MERGE) and op.after is not None:
            for row_id in op.row_ids:
                more = told.get(str(row_id), frozenset()) | _days(rows[row_id])
                days[op.after.id] |= days.get(row_id, set()) | more
        for row_id in op.retired:
            days.pop(row_id, None)
    new = [
        {"plan_id": plan_id, "bot_id": plan.entity.id, "row_id": str(row_id), "day": day}
        for row_id, each in days.items()
        for day in sorted(each)
    ]
    if new:
        connection.execute(memory_sightings.insert(), new)


def _days(row: object) -> set[date]:
    moment = row.created_at if isinstance(row, Memory) else None
    return set() if moment is None else {moment.astimezone(UTC).date()}
