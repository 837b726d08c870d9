"""Claiming in tests: what the first claim of a new tick is."""

from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from llm_maint.domain.runs import Claim
from llm_maint.store import queue
from llm_maint.store.dialect import source_of


def claim_next(
    connection: Connection,
    *,
    now: datetime,
    due_by: datetime,
    lease: timedelta,
    host: str,
    job_id: str | None = None,
) -> Claim | None:
    """Return what a tick that begins now claims first."""
    tick = queue.Tick(due_by=due_by, lease=lease, host=host, job_id=job_id)
    return tick.claim_next(source_of(connection), now=now)
