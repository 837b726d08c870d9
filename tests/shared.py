"""Shared runs in tests: a job that was claimed and opened to others, and those who join it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from building import MORNING
from claiming import claim_next
from databases import schedule_all
from sqlalchemy.engine import Connection

from llm_maint.domain.chat import Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Claim
from llm_maint.errors import ClaimLostError
from llm_maint.store import claims, shares, workers
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.shares import Item
from llm_maint.store.workers import Worker

LEASE = timedelta(minutes=2)

ENTITIES = [Entity("user", f"e{number:02}") for number in range(4)]


def claimed(database: Database, *, now: datetime = MORNING) -> Claim:
    """Add the job of every entity, and claim it on the host `leader`."""
    schedule_all(database, now=now)
    with database.write() as connection:
        claim = claim_next(connection, now=now, due_by=now, lease=LEASE, host="leader")
    assert claim is not None
    return claim


def opened_to_all(
    database: Database, claim: Claim, entities: Sequence[Entity] = ENTITIES, *, now: datetime
) -> None:
    """Open a claimed run to others."""
    with database.write() as connection:
        shares.open_share(connection, claim, entities, now=now)


def joins(
    database: Database, *, now: datetime, host: str = "there", job_id: str | None = None
) -> Worker | None:
    """Return what a process on a host gets that looks for runs to take part in."""
    with database.brief() as source:
        for run in workers.under_way(source, now=now, host=host, job_id=job_id):
            if run.is_open:
                return workers.join(source, run.claim, now=now, lease=LEASE)
    return None


def joined(database: Database, *, now: datetime, host: str = "there") -> Worker:
    """Take part in the only run."""
    worker = joins(database, now=now, host=host)
    assert worker is not None
    return worker


def took(database: Database, run_id: str, worker: str) -> Item:
    """Take an entity, of which there must be one."""
    with database.write() as connection:
        item = shares.take(connection, run_id, worker)
    assert item is not None
    return item


def finish(
    connection: Connection, run_id: str, item: Item, worker: str, spent: Usage, *, now: datetime
) -> None:
    """Finish an entity; its document names it."""
    shares.finish(
        connection,
        run_id,
        item.position,
        worker=worker,
        document={"of": item.entity.id},
        spent=spent,
        now=now,
    )


def is_held(database: Database, worker: Worker, *, now: datetime) -> bool:
    """Return whether a worker may still write."""
    with database.brief() as source:
        try:
            workers.fence(source, worker, now=now)
        except ClaimLostError:
            return False
    return True


def let_leader_renew(database: Database, claim: Claim, *, now: datetime) -> None:
    """Renew the claim of the process that opened the run."""
    with database.write() as connection:
        assert claims.renew(source_of(connection), claim, now=now, lease=LEASE)
