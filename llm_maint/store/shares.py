"""Runs that several processes share: the entities of one job, each taken by one of them.

The process that claimed the job opens its run to others; the entities are rows that are claimed
with `SKIP LOCKED`, so any number of hosts share the work, and none is done twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.chat import Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Claim
from llm_maint.errors import ClaimLostError
from llm_maint.store.tables import free_items, share_items, share_workers, shares


@dataclass(frozen=True, slots=True)
class Item:
    """An entity of a shared run that this process has taken."""

    position: int
    entity: Entity


def open_share(
    connection: Connection, claim: Claim, entities: Sequence[Entity], *, now: datetime
) -> None:
    """Open a run to others. Without entities it tells them that there is nothing to share."""
    for left in connection.execute(
        sa.select(shares.c.run_id).where(shares.c.job_id == claim.job_id)
    ).scalars():
        close(connection, left)
    connection.execute(
        shares.insert().values(run_id=claim.run_id, job_id=claim.job_id, opened_at=now)
    )
    rows = [
        {
            "run_id": claim.run_id,
            "position": position,
            "entity_type": entity.type,
            "entity_id": entity.id,
        }
        for position, entity in enumerate(entities)
    ]
    if rows:
        connection.execute(share_items.insert(), rows)


def close(connection: Connection, run_id: str) -> None:
    """Forget a shared run."""
    for table in (share_items, share_workers, shares):
        connection.execute(sa.delete(table).where(table.c.run_id == run_id))


def take(connection: Connection, run_id: str, worker: str) -> Item | None:
    """Take the next entity that nobody has; None where there is none."""
    free = (
        sa.select(share_items.c.position)
        .where(share_items.c.run_id == run_id, free_items)
        .order_by(share_items.c.position)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        sa.update(share_items)
        .where(share_items.c.run_id == run_id, share_items.c.position == free)
        .values(worker=worker)
        .returning(share_items.c.position, share_items.c.entity_type, share_items.c.entity_id)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else Item(row.position, Entity(row.entity_type, row.entity_id))


def take_rest(connection: Connection, run_id: str, *, now: datetime) -> list[Entity]:
    """Take all entities that nobody has, as done; return them in their order."""
    statement = (
        sa.update(share_items)
        .where(share_items.c.run_id == run_id, free_items)
        .values(worker=run_id, done_at=now)
        .returning(share_items.c.position, share_items.c.entity_type, share_items.c.entity_id)
    )
    rows = sorted(connection.execute(statement).all())
    return [Entity(row.entity_type, row.entity_id) for row in rows]


def finish(
    connection: Connection,
    run_id: str,
    position: int,
    *,
    worker: str,
    document: Mapping[str, Any],
    spent: Usage,
    now: datetime,
) -> None:
    """Note what an entity came to, and what it cost.

    Raises:
        ClaimLostError: it was taken back, though the worker lives: its lease was renewed late.

    """
    statement = (
        sa.update(share_items)
        .where(share_items.c.run_id == run_id, share_items.c.position == position)
        .where(share_items.c.worker == worker, share_items.c.done_at.is_(None))
        .values(done_at=now, document=json.dumps(document))
    )
    if connection.execute(statement).rowcount != 1:
        raise ClaimLostError
    connection.execute(
        sa.update(shares)
        .where(shares.c.run_id == run_id)
        .values(calls=shares.c.calls + spent.calls, tokens=shares.c.tokens + spent.tokens)
    )


def spent(connection: Connection, run_id: str) -> tuple[int, int]:
    """Return the calls and tokens that all processes together have spent on a run."""
    query = sa.select(shares.c.calls, shares.c.tokens).where(shares.c.run_id == run_id)
    row = connection.execute(query).one_or_none()
    return (row.calls, row.tokens) if row else (0, 0)


def results_of_others(connection: Connection, run_id: str) -> list[Mapping[str, Any]]:
    """Return what the entities came to that others took, in their order."""
    query = (
        sa.select(share_items.c.document)
        .where(share_items.c.run_id == run_id, share_items.c.worker != run_id)
        .where(share_items.c.document.is_not(None))
        .order_by(share_items.c.position)
    )
    return [json.loads(text) for text in connection.execute(query).scalars()]


def take_back(connection: Connection, run_id: str, *, now: datetime) -> None:
    """Take back what processes hold that died: their leases have run out."""
    alive = sa.select(share_workers.c.id).where(
        share_workers.c.run_id == run_id, share_workers.c.lease_expires_at > now
    )
    connection.execute(
        sa.update(share_items)
        .where(share_items.c.run_id == run_id, *_UNDER_WAY)
        .where(share_items.c.worker != run_id, share_items.c.worker.not_in(alive))
        .values(worker=None)
    )


def left(connection: Connection, run_id: str) -> tuple[bool, bool]:
    """Return whether entities are free, and whether others are at work at some."""
    own = share_items.c.run_id == run_id
    free = sa.exists().where(own, free_items)
    others = sa.exists().where(own, *_UNDER_WAY, share_items.c.worker != run_id)
    row = connection.execute(sa.select(free, others)).one()
    return bool(row[0]), bool(row[1])


_UNDER_WAY = (share_items.c.worker.is_not(None), share_items.c.done_at.is_(None))
