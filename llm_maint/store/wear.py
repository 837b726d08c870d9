"""Wear: how often a model's text was written into a row."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.plan import Plan
from llm_maint.domain.profile import AttributeId, Entity
from llm_maint.store.tables import profile_wear


def worn(connection: Connection, entity: Entity, *, least: int) -> frozenset[str]:
    """Return the ids, as text, of the rows that were rewritten at least so often."""
    return frozenset(name for name, times in _wear_of(connection, entity).items() if times >= least)


def wear_more(connection: Connection, plan: Plan) -> None:
    """Count what a plan rewrites. A text made of several rows is as worn as the most worn one."""
    before = {row.id: row for row in plan.rows}
    rewritten: dict[AttributeId, set[AttributeId]] = {}
    for op in plan.operations:
        if op.after and op.after.saying != before[op.after.id].saying:
            rewritten.setdefault(op.after.id, set()).update(op.row_ids)
    if not rewritten:
        return
    wear = _wear_of(connection, plan.entity)
    ids = [str(row_id) for row_id in rewritten]
    here = _of(plan.entity)
    connection.execute(sa.delete(profile_wear).where(*here, profile_wear.c.row_id.in_(ids)))
    most = {i: max(wear.get(str(row_id), 0) for row_id in rows) for i, rows in rewritten.items()}
    connection.execute(
        profile_wear.insert(),
        [
            {
                "entity_type": plan.entity.type,
                "entity_id": plan.entity.id,
                "row_id": str(row_id),
                "rewrites": times + 1,
            }
            for row_id, times in most.items()
        ],
    )


def _wear_of(connection: Connection, entity: Entity) -> Mapping[str, int]:
    query = sa.select(profile_wear.c.row_id, profile_wear.c.rewrites).where(*_of(entity))
    return {row.row_id: row.rewrites for row in connection.execute(query)}


def _of(entity: Entity) -> tuple[sa.ColumnElement[bool], ...]:
    return profile_wear.c.entity_type == entity.type, profile_wear.c.entity_id == entity.id
