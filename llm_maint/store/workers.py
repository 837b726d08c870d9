"""Processes that share in the run of another: joining it, keeping their part, leaving."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from llm_maint.domain.runs import Claim, Trigger
from llm_maint.errors import ClaimLostError
from llm_maint.store.driver import Source
from llm_maint.store.due import FRESH_SECONDS
from llm_maint.store.queue import as_claim
from llm_maint.store.words import Row, ask, change

FRESH = timedelta(seconds=FRESH_SECONDS)
"""How long a run is open to whoever comes; later on to hosts that have no process at it yet.

Ticks of several hosts, or started together, share a run; the next ticks of the same host, while it
goes on, do not pile up behind one model server.
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that shares in the run of another; `claim` is the claim of that one."""

    id: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A run that a living process has, since it was opened or begun.

    It `is_open` to this host, or it `may_open` yet.
    """

    claim: Claim
    since: datetime
    is_open: bool
    may_open: bool


def under_way(
    source: Source, *, now: datetime, host: str, job_id: str | None = None
) -> list[UnderWay]:
    """Return the runs that living processes have, by priority; only of one job, if given."""
    only = "" if job_id is None else "AND jobs.id = {job_id}"
    named = {} if job_id is None else {"job_id": job_id}
    found = ask(source, f"{_UNDER_WAY} {only}", now=now, host=host, **named)
    return sorted((_as_under_way(row, now=now, host=host) for row in found), key=_order)


# Of the first free entity alone: asked whether any exists, the server may read them all.
_UNDER_WAY = """
SELECT jobs.*, runs.trigger, runs.host, shares.opened_at,
  (
    SELECT true FROM {share_items}
    WHERE run_id = claim_run_id AND worker IS NULL AND done_at IS NULL
    LIMIT 1
  ) AS one_is_free,
  EXISTS (
    SELECT 1 FROM {share_workers} AS workers
    WHERE workers.run_id = claim_run_id AND workers.host = {host}
      AND workers.lease_expires_at > {now}
  ) AS is_at_it
FROM {jobs} AS jobs
JOIN {runs} AS runs ON runs.id = claim_run_id
LEFT JOIN {shares} AS shares ON shares.run_id = claim_run_id
WHERE claim_run_id IS NOT NULL AND jobs.lease_expires_at > {now}
"""


def _order(run: UnderWay) -> tuple[int, datetime, str]:
    return -run.claim.timing.priority, run.since, str(run.claim.job_id)


def _as_under_way(row: Row, *, now: datetime, host: str) -> UnderWay:
    trigger, begun, opened = Trigger(row["trigger"]), row["last_run_at"] or now, row["opened_at"]
    claim = as_claim(row, row["claim_run_id"], trigger, now=begun, host=host)
    if opened is None:
        return UnderWay(claim, begun, is_open=False, may_open=begun > now - FRESH)
    open_to_host = opened > now - FRESH or not (row["is_at_it"] or row["host"] == host)
    is_open = bool(row["one_is_free"]) and open_to_host
    return UnderWay(claim, opened, is_open=is_open, may_open=False)


def join(source: Source, claim: Claim, *, now: datetime, lease: timedelta) -> Worker:
    """Take part in a run that is open to this host."""
    worker = uuid4().hex
    query = (
        "INSERT INTO {share_workers} (id, run_id, host, lease_expires_at) "
        "VALUES ({worker}, {run_id}, {host}, {until})"
    )
    named = {"worker": worker, "run_id": claim.run_id, "host": claim.host}
    change(source, query, **named, until=now + lease)
    return Worker(worker, claim)


def renew(source: Source, worker: Worker, *, now: datetime, lease: timedelta) -> bool:
    """Let the lease of a worker begin anew; return whether its run still goes on."""
    query = """
    UPDATE {share_workers} SET lease_expires_at = {until}
    WHERE id = {worker} AND lease_expires_at > {now}
      AND EXISTS (SELECT 1 FROM {jobs} WHERE claim_run_id = {run_id})
    """
    named = {"worker": worker.id, "run_id": worker.claim.run_id}
    return change(source, query, **named, now=now, until=now + lease) == 1


def fence(source: Source, worker: Worker, *, now: datetime) -> None:
    """Refuse to commit for a worker that outlived its lease, or its run.

    Raises:
        ClaimLostError: what it had taken may be somebody else's by now.

    """
    query = """
    SELECT id FROM {share_workers}
    WHERE id = {worker} AND lease_expires_at > {now} AND EXISTS (
      SELECT 1 FROM {jobs} WHERE claim_run_id = {run_id} AND lease_expires_at > {now}
    )
    {for_update}
    """
    if not ask(source, query, worker=worker.id, run_id=worker.claim.run_id, now=now):
        raise ClaimLostError


def leave(source: Source, worker: Worker) -> None:
    """Hand back what a worker had taken and not done."""
    query = """
    UPDATE {share_items} SET worker = NULL
    WHERE run_id = {run_id} AND worker = {worker} AND done_at IS NULL
    """
    change(source, query, run_id=worker.claim.run_id, worker=worker.id)
    change(source, "DELETE FROM {share_workers} WHERE id = {worker}", worker=worker.id)
