"""The changes of a window, newest first: which plans there are, and each with what it did."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import MEMORY, Entity
from llm_maint.store import memories, profiles
from llm_maint.store.effects import Effect, effects_of
from llm_maint.store.plans import StoredPlan, plan_of
from llm_maint.store.tables import journal, plans


@dataclass(frozen=True, slots=True)
class Name:
    """A plan by its id: a document may be long, and a year has thousands."""

    plan_id: str
    is_of_memories: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A plan with the effects it had on rows, and how many rows met each.

    The effects are left out where the plan has a document, which says more.
    """

    plan: StoredPlan
    effects: Sequence[Effect]
    counted: Mapping[str, int]


def changes_since(
    connection: Connection, since: datetime, *, entities: Collection[Entity] | None = None
) -> list[Name]:
    """Return the plans that were applied since a moment, or held and not applied: newest first."""
    at = sa.func.coalesce(plans.c.applied_at, plans.c.created_at)
    query = (
        sa.select(plans.c.id, plans.c.entity_type, plans.c.entity_id)
        .where(at >= since)
        .order_by(at.desc(), plans.c.id)
    )
    return [
        Name(row.id, row.entity_type == MEMORY)
        for row in connection.execute(query)
        if entities is None or Entity(row.entity_type, row.entity_id) in entities
    ]


def change_of(connection: Connection, name: Name, *, most: int) -> Change | None:
    """Return a plan with at most so many of its effects; None where it was deleted meanwhile."""
    plan = plan_of(connection, name.plan_id)
    if plan is None:
        return None
    if plan.document:
        return Change(plan=plan, effects=(), counted={})
    query = (
        sa.select(journal.c.effect, sa.func.count().label("rows"))
        .where(journal.c.plan_id == plan.id, journal.c.table_name != profiles.PROFILES)
        .group_by(journal.c.effect)
        .order_by(journal.c.effect)
    )
    counted = {row.effect: row.rows for row in connection.execute(query)}
    effects = effects_of(connection, plan.entity, plan_id=plan.id, limit=most)
    return Change(plan=plan, effects=effects, counted=counted)


def known_entities(connection: Connection) -> set[Entity]:
    """Return every entity that has rows, or a plan about rows that it had."""
    query = sa.select(plans.c.entity_type, plans.c.entity_id).distinct()
    found = {Entity(kind, name) for kind, name in connection.execute(query)}
    found |= {counted.entity for counted in profiles.entities(connection)}
    if memories.are_kept(connection):
        found |= {counted.entity for counted in memories.bots(connection)}
    return found
