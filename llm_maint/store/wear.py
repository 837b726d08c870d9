"""Wear as it is kept: how often a model's text was written into each row of an entity."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.plan import Plan
from llm_maint.domain.row import RowId
from llm_maint.domain.wear import Wear, wear_after
from llm_maint.store.row_tables import profile_wear


def wear_of(connection: Connection, entity: Entity, ids: AbstractSet[RowId]) -> Wear:
    """Return how often rows with these ids were rewritten."""
    query = sa.select(profile_wear.c.row_id, profile_wear.c.rewrites).where(*_of(entity))
    found = {row.row_id: row.rewrites for row in connection.execute(query)}
    return {row_id: found[str(row_id)] for row_id in ids if str(row_id) in found}


def wear_more(connection: Connection, plan: Plan) -> None:
    """Count what a plan rewrites."""
    before = wear_of(connection, plan.entity, {row.id for row in plan.rows})
    after = wear_after(before, plan.operations, plan.rows)
    changed = [row_id for row_id, times in after.items() if times != before.get(row_id)]
    if not changed:
        return
    here = profile_wear.c.row_id.in_(map(str, changed))
    connection.execute(sa.delete(profile_wear).where(*_of(plan.entity), here))
    connection.execute(
        profile_wear.insert(),
        [
            {
                "entity_type": plan.entity.type,
                "entity_id": plan.entity.id,
                "row_id": str(row_id),
                "rewrites": after[row_id],
            }
            for row_id in changed
        ],
    )


def wear_back(connection: Connection, entity: Entity, ids: Collection[str], step: int) -> None:
    """Count rewritings as undone (`step` -1) or done again (1)."""
    here = (*_of(entity), profile_wear.c.row_id.in_(ids))
    more = {"rewrites": profile_wear.c.rewrites + step}
    connection.execute(sa.update(profile_wear).where(*here).values(more))
    connection.execute(sa.delete(profile_wear).where(*_of(entity), profile_wear.c.rewrites < 0))


def forget(connection: Connection, entity: Entity, ids: Iterable[RowId]) -> None:
    """Forget the wear of rows: a person wrote their text, or they are gone."""
    here = profile_wear.c.row_id.in_([str(row_id) for row_id in ids])
    connection.execute(sa.delete(profile_wear).where(*_of(entity), here))


def _of(entity: Entity) -> tuple[sa.ColumnElement[bool], ...]:
    return profile_wear.c.entity_type == entity.type, profile_wear.c.entity_id == entity.id
