"""Plans as they are kept: applied ones that can be undone, held ones that wait for review."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from llm_maint.domain.entity import MEMORY, Entity
from llm_maint.domain.json_values import parse_value
from llm_maint.domain.loss_guard import RecentLosses
from llm_maint.domain.nearest import unknown
from llm_maint.domain.plan import Plan
from llm_maint.domain.row import Image
from llm_maint.domain.wording import fact_of
from llm_maint.errors import PlanRefusedError, UnknownNameError
from llm_maint.store.tables import journal, plans

LOSS_WINDOW = timedelta(days=7)
"""Losses are counted over this long, so that a slow leak is stopped as surely as a flood."""

CONSOLIDATION, IMPORT, EDIT, UNDO = "consolidation", "import", "edit", "undo"
DECAY, RECURRENCE = "decay", "recurrence"
APPLIED, HELD, UNDONE, OUTDATED = STATUSES = "applied", "held", "undone", "outdated"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A row of `maintenance_plans`.

    `kind` is consolidation, decay, recurrence, import, edit or undo; `status` is applied, held,
    undone, or outdated (held, and newer rows made it pointless); `reverts` is the plan that an
    undo undid.
    """

    id: str
    kind: str
    status: str
    entity: Entity
    run_id: str | None
    reverts: str | None
    created_at: datetime
    applied_at: datetime | None
    document: Mapping[str, Any]


def store_plan(connection: Connection, plan: StoredPlan) -> None:
    """Keep a plan, in place of the held one of its id if there is one.

    A consolidation outdates other held plans of its entity: it has seen newer rows. Of memories it
    sees a part, so there only those about the same rows, see `outdated_by`.
    """
    connection.execute(sa.delete(plans).where(plans.c.id == plan.id))
    if plan.kind == CONSOLIDATION and not plan.entity.has_memories:
        set_status(connection, HELD, OUTDATED, entity=plan.entity)
    connection.execute(
        plans.insert().values(
            id=plan.id,
            kind=plan.kind,
            status=plan.status,
            entity_type=plan.entity.type,
            entity_id=plan.entity.id,
            run_id=plan.run_id,
            reverts=plan.reverts,
            created_at=plan.created_at,
            applied_at=plan.applied_at,
            document=json.dumps(plan.document),
        )
    )


def set_status(
    connection: Connection,
    before: str,
    after: str,
    *,
    entity: Entity | None = None,
    plan_id: str | None = None,
) -> None:
    """Change the status of the plans that have the status `before`: of an entity, or of one id."""
    wanted = [plans.c.status == before]
    if entity is not None:
        wanted += [plans.c.entity_type == entity.type, plans.c.entity_id == entity.id]
    if plan_id is not None:
        wanted.append(plans.c.id == plan_id)
    connection.execute(sa.update(plans).where(*wanted).values(status=after))


def find_plan(connection: Connection, name: str, *, lock: bool = False) -> StoredPlan:
    """Return the plan of an id or a unique start of one.

    Raises:
        UnknownNameError: there is none, or more than one.

    """
    query = (
        sa.select(plans)
        .where(plans.c.id.startswith(name, autoescape=True))
        .order_by(plans.c.id)
        .limit(2)
    )
    if lock:
        query = query.with_for_update()
    found = [_as_plan(row) for row in connection.execute(query).mappings()]
    found = [plan for plan in found if plan.id == name] or found
    if len(found) > 1:
        raise UnknownNameError(f"more than one plan starts with {name!r}: give more of its id")
    if not found or not name:
        known = (plan.id[:8] for plan in list_plans(connection, limit=20))
        raise unknown("plan", name, known)
    return found[0]


def plan_of(connection: Connection, plan_id: str) -> StoredPlan | None:
    """Return the plan of an id, None where there is none."""
    query = sa.select(plans).where(plans.c.id == plan_id)
    return next((_as_plan(row) for row in connection.execute(query).mappings()), None)


def list_plans(
    connection: Connection,
    *,
    limit: int | None,
    entity: Entity | None = None,
    status: str | None = None,
    memories: bool | None = None,
    kind: str | None = None,
) -> list[StoredPlan]:
    """Return the last plans, all with `limit` None, newest last.

    Of one entity, of one status or kind, or of memories or of profiles alone.
    """
    query = sa.select(plans).order_by(plans.c.created_at.desc(), plans.c.id).limit(limit)
    if entity is not None:
        query = query.where(plans.c.entity_type == entity.type, plans.c.entity_id == entity.id)
    if status is not None:
        query = query.where(plans.c.status == status)
    if kind is not None:
        query = query.where(plans.c.kind == kind)
    if memories is not None:
        query = query.where((plans.c.entity_type == MEMORY) == memories)
    return [_as_plan(row) for row in connection.execute(query).mappings()][::-1]


def held_plan(connection: Connection, entity: Entity) -> StoredPlan | None:
    """Return the plan of an entity that waits for review, None where there is none."""
    return next(iter(list_plans(connection, limit=1, entity=entity, status=HELD)), None)


def outdated_by(connection: Connection, plan: Plan, *, besides: str | None) -> list[StoredPlan]:
    """Outdate the held plans about any row of a plan, except the one of an id; return them."""
    ids = {row.id for row in plan.rows}
    found = []
    for held in list_plans(connection, limit=None, entity=plan.entity, status=HELD):
        listed = {row["id"] for row in held.document["rows"]}
        if held.id != besides and not ids.isdisjoint(listed):
            set_status(connection, HELD, OUTDATED, plan_id=held.id)
            found.append(held)
    return found


def check_held(plan: StoredPlan) -> None:
    """Refuse a plan that does not wait for review.

    Raises:
        PlanRefusedError: it is applied, undone or outdated.

    """
    if plan.status != HELD:
        raise PlanRefusedError(f"plan {plan.id[:8]} is {plan.status}: it does not wait for review")


def recent_losses(connection: Connection, entity: Entity, *, now: datetime) -> RecentLosses:
    """Return what consolidation and decay have taken from an entity within the loss window."""
    query = (
        sa.select(journal.c.effect, journal.c.before_image)
        .select_from(journal.join(plans, journal.c.plan_id == plans.c.id))
        .where(
            plans.c.entity_type == entity.type,
            plans.c.entity_id == entity.id,
            plans.c.kind.in_((CONSOLIDATION, DECAY)),
            plans.c.status == APPLIED,
            plans.c.applied_at > now - LOSS_WINDOW,
            journal.c.effect.in_((*_LOSSES, "merged")),
        )
    )
    found = connection.execute(query).all()
    return RecentLosses(
        lost=sum(row.effect in _LOSSES for row in found),
        facts=frozenset(_fact(json.loads(row.before_image), entity) for row in found),
    )


PRUNED = "pruned"
"""What the journal says of a memory that has faded."""

_LOSSES = ("removed", "superseded", PRUNED)


def _fact(image: Image, entity: Entity) -> str:
    if entity.has_memories:
        return fact_of("", image["content"])
    value = image.get("value")
    return fact_of(str(image.get("key")), parse_value(value) if isinstance(value, str) else value)


def _as_plan(row: RowMapping) -> StoredPlan:
    return StoredPlan(
        id=row["id"],
        kind=row["kind"],
        status=row["status"],
        entity=Entity(row["entity_type"], row["entity_id"]),
        run_id=row["run_id"],
        reverts=row["reverts"],
        created_at=row["created_at"],
        applied_at=row["applied_at"],
        document=json.loads(row["document"] or "{}"),
    )
