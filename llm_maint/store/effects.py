"""What became of an entity's rows: the journal read back, with the reasons of the plans."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.row import Row
from llm_maint.store.holdings import as_row
from llm_maint.store.profiles import PROFILES
from llm_maint.store.tables import journal, plans


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one plan did to one row.

    `effect` is folded, merged, superseded, removed, changed, rewritten, inserted, edited, deleted
    or restored, of a memory also pruned, tagged or untagged; `status` that of the plan, so that
    what was undone shows as undone. `reason` is the model's, `winner_id` the row that goes on for
    this one.
    """

    at: datetime
    plan_id: str
    kind: str
    status: str
    row_id: str
    effect: str
    before: Row | None
    after: Row | None
    reason: str | None = None
    winner_id: str | None = None


def effects_of(
    connection: Connection,
    entity: Entity,
    *,
    limit: int | None = None,
    row_id: str | None = None,
    plan_id: str | None = None,
) -> list[Effect]:
    """Return the last effects on an entity's rows, newest last.

    Args:
        connection: an open transaction.
        entity: whose rows.
        limit: at most so many.
        row_id: only of this row.
        plan_id: only of this plan.

    """
    wanted = [
        plans.c.entity_type == entity.type,
        plans.c.entity_id == entity.id,
        journal.c.table_name != PROFILES,
    ]
    if row_id is not None:
        wanted.append(journal.c.row_id == row_id)
    if plan_id is not None:
        wanted.append(plans.c.id == plan_id)
    at = sa.func.coalesce(plans.c.applied_at, plans.c.created_at)
    query = (
        sa.select(journal, plans.c.kind, plans.c.status, plans.c.applied_at, plans.c.created_at)
        .select_from(journal.join(plans, journal.c.plan_id == plans.c.id))
        .where(*wanted)
        .order_by(at.desc(), journal.c.plan_id, journal.c.position.desc())
        .limit(limit)
    )
    found = connection.execute(query).mappings().all()[::-1]
    documents = _documents(connection, {row["plan_id"] for row in found})
    return [_effect(row, documents[row["plan_id"]], entity) for row in found]


def _documents(connection: Connection, ids: set[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for plan_id in ids:  # one by one: a document holds every row that its plan read
        text = connection.scalar(sa.select(plans.c.document).where(plans.c.id == plan_id))
        found[plan_id] = {
            str(row_id): operation
            for operation in json.loads(text or "{}").get("operations", ())
            if operation["op"] != "conflict"
            for row_id in operation["row_ids"]
        }
    return found


def _effect(row: sa.RowMapping, operations: Mapping[str, Any], entity: Entity) -> Effect:
    operation = operations.get(row["row_id"], {})
    winner = operation.get("winner_id")
    return Effect(
        at=row["applied_at"] or row["created_at"],
        plan_id=row["plan_id"],
        kind=row["kind"],
        status=row["status"],
        row_id=row["row_id"],
        effect=row["effect"],
        before=_row(row["before_image"], entity),
        after=_row(row["after_image"], entity),
        reason=operation.get("reason"),
        winner_id=None if winner is None else str(winner),
    )


def _row(image: str | None, entity: Entity) -> Row | None:
    return None if image is None else as_row(json.loads(image), entity)
