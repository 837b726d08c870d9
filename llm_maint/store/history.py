"""The history of runs: read, searched and pruned."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Run, Status
from llm_maint.errors import UnknownNameError
from llm_maint.store.tables import journal, plans, runs

BATCH = 1_000
"""Rows deleted by one statement: short locks, whatever has gathered."""


def as_run(row: RowMapping) -> Run:
    """Return a row of `job_runs` as a value."""
    return Run(
        id=row["id"],
        job_id=row["job_id"],
        job_name=row["job_name"] or row["job_type"] or row["job_id"],
        job_type=row["job_type"] or "",
        bot_id=row["bot_id"],
        status=row["status"],
        attempt=row["attempt"],
        trigger=row["trigger"],
        host=row["host"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        duration_ms=row["duration_ms"],
        result=row["result_json"],
        error_message=row["error_message"],
        scheduled_for=row["scheduled_for"],
    )


def tail(
    connection: Connection,
    *,
    limit: int,
    job_id: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
) -> list[Run]:
    """Return the last runs, newest last.

    Args:
        connection: an open transaction.
        limit: at most so many.
        job_id: only of this job.
        status: only of this status.
        since: only those started or finished at or after this moment.

    """
    query = (
        sa.select(runs)
        .order_by(runs.c.started_at.desc().nulls_last(), runs.c.id.desc())
        .limit(limit)
    )
    if job_id is not None:
        query = query.where(runs.c.job_id == job_id)
    if status is not None:
        query = query.where(runs.c.status == status)
    if since is not None:
        query = query.where(sa.or_(runs.c.started_at >= since, runs.c.finished_at >= since))
    return [as_run(row) for row in connection.execute(query).mappings()][::-1]


def find_run(connection: Connection, name: str) -> Run:
    """Return the run of an id or a unique start of one.

    Raises:
        UnknownNameError: there is none, or more than one.

    """
    query = (
        sa.select(runs)
        .where(runs.c.id.startswith(name, autoescape=True))
        .order_by(runs.c.id)
        .limit(2)
    )
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
    ids = sa.select(runs.c.id).where(*_old_runs(before)).limit(limit)
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
    connection.execute(sa.delete(journal).where(journal.c.plan_id.in_(ids)))
    return connection.execute(sa.delete(plans).where(plans.c.id.in_(ids))).rowcount


def _old_runs(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.started_at < before, runs.c.status != Status.RUNNING
