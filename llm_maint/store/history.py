"""The history of runs: read, searched and pruned."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Run, Status
from llm_maint.errors import UnknownNameError
from llm_maint.store import dialect, listing
from llm_maint.store.listing import as_run
from llm_maint.store.plans import APPLIED
from llm_maint.store.row_tables import memory_sightings
from llm_maint.store.tables import journal, plans, runs, ticks

BATCH = 1_000
"""Rows deleted by one statement: short locks, whatever has gathered."""


def tail(connection: Connection, *, limit: int, **wanted: Any) -> list[Run]:  # noqa: ANN401
    """Return the last runs, newest last; see `listing.tail`."""
    return listing.tail(dialect.source_of(connection), limit=limit, **wanted)


def find_run(connection: Connection, name: str) -> Run:
    """Return the run of an id or a unique start of one.

    Raises:
        UnknownNameError: there is none, or more than one.

    """
    # Ids are hexadecimal, so none that starts with the name comes after the letter that follows f.
    begins = (
        runs.c.id >= name,
        runs.c.id < f"{name}g",
        runs.c.id.startswith(name, autoescape=True),
    )
    query = sa.select(runs).where(sa.or_(runs.c.id == name, sa.and_(*begins)))
    query = query.order_by(runs.c.id).limit(2)
    found = [as_run(row) for row in connection.execute(query).mappings()]
    exact = [run for run in found if run.id == name]
    if len(exact or found) > 1:
        raise UnknownNameError(f"more than one run starts with {name!r}: give more of its id")
    if not found or not name:
        raise unknown("run", name, (run.id[:8] for run in tail(connection, limit=20)))
    return (exact or found)[0]


def prunable_runs(connection: Connection, *, before: datetime) -> int:
    """Return how many finished runs are older than `before`."""
    query = sa.select(sa.func.count()).select_from(runs).where(*_old_runs(before))
    return connection.execute(query).scalar_one()


def prune_runs(connection: Connection, *, before: datetime, limit: int = BATCH) -> int:
    """Delete finished runs older than `before`, at most `limit`; return how many."""
    # The oldest first: without an order the server might read, in each batch, all that is deleted.
    order = (runs.c.started_at.nulls_first(), runs.c.id)
    ids = sa.select(runs.c.id).where(*_old_runs(before)).order_by(*order).limit(limit)
    return connection.execute(sa.delete(runs).where(runs.c.id.in_(ids))).rowcount


def prunable_plans(connection: Connection, *, before: datetime) -> int:
    """Return how many plans are older than `before`."""
    query = sa.select(sa.func.count()).select_from(plans).where(plans.c.created_at < before)
    return connection.execute(query).scalar_one()


def prune_plans(connection: Connection, *, before: datetime, limit: int = BATCH) -> int:
    """Delete plans older than `before` with their journal, at most `limit`; return how many.

    They can then no longer be undone.
    """
    query = sa.select(plans.c.id).where(plans.c.created_at < before).limit(limit)
    ids = list(connection.execute(query).scalars())
    # What an applied plan has shown goes on to hold when it is too old to be undone.
    undone = sa.select(plans.c.id).where(plans.c.id.in_(ids), plans.c.status != APPLIED)
    connection.execute(sa.delete(memory_sightings).where(memory_sightings.c.plan_id.in_(undone)))
    connection.execute(sa.delete(journal).where(journal.c.plan_id.in_(ids)))
    return connection.execute(sa.delete(plans).where(plans.c.id.in_(ids))).rowcount


def forget_hosts(connection: Connection, *, before: datetime) -> None:
    """Forget the hosts that were last seen to tick before a moment."""
    connection.execute(sa.delete(ticks).where(ticks.c.seen_at < before))


def _old_runs(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.started_at < before, runs.c.status != Status.RUNNING
