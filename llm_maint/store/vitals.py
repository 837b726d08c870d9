"""The vitals of an installation, read by the driver alone: `status` is typed often."""

from datetime import datetime
from typing import Any

from llm_maint.domain.entity import MEMORY
from llm_maint.domain.vitals import HeldPlan, HostSeen, JobState, JournalSize, Vitals
from llm_maint.store import ticks
from llm_maint.store.driver import Source
from llm_maint.store.listing import ScheduledJob, all_jobs
from llm_maint.store.words import ask


def vitals(source: Source, *, now: datetime) -> Vitals:
    """Return what an installation is known to do, as it is now.

    Args:
        source: an open connection.
        now: the present, by the clock of the database.

    """
    return Vitals(
        now=now,
        hosts=[HostSeen(**row) for row in ticks.hosts(source) if row["seen_at"] is not None],
        jobs=[_state(source, job) for job in all_jobs(source)],
        held=_held(source),
        journal=_journal(source),
    )


def _state(source: Source, job: ScheduledJob) -> JobState:
    return JobState(
        name=job.name,
        job_type=job.job_type,
        enabled=job.enabled,
        due_at=job.next_run_at,
        lease_expires_at=job.lease_expires_at,
        is_claimed=job.claim_run_id is not None,
        last_run_at=job.last_run_at,
        last_status=job.last_status,
        last_success_at=_last_success(source, job),
        consecutive_failures=job.consecutive_failures,
        problem=job.problem,
    )


def _last_success(source: Source, job: ScheduledJob) -> datetime | None:
    """Return when a job last ended well: the index of its runs has the newest first."""
    found = ask(
        source,
        "SELECT finished_at FROM {runs} WHERE job_id = {job_id} AND status = 'success' "
        "ORDER BY started_at DESC {nulls_last}, id DESC LIMIT 1",
        job_id=job.id,
    )
    return found[0]["finished_at"] if found else None


def _held(source: Source) -> list[HeldPlan]:
    rows = ask(
        source,
        "SELECT id, entity_type, entity_id, created_at FROM {plans} WHERE status = 'held' "
        "ORDER BY created_at, id",
    )
    return [
        HeldPlan(
            id=row["id"],
            entity=row["entity_id"],
            is_of_memories=row["entity_type"] == MEMORY,
            created_at=row["created_at"],
        )
        for row in rows
    ]


def _journal(source: Source) -> JournalSize:
    """Return the size of plans and journal; a server knows it, of a file their texts are summed."""
    (row,) = ask(source, "SELECT count(*) AS rows FROM {journal}")
    (plans,) = ask(source, "SELECT min(created_at) AS created_at FROM {plans}")
    (size,) = ask(source, _OCTETS_POSTGRESQL if source.is_postgresql else _OCTETS_SQLITE)
    return JournalSize(rows=row["rows"], octets=_whole(size["octets"]), oldest=plans["created_at"])


_OCTETS_POSTGRESQL = (
    "SELECT pg_total_relation_size('{plans}') + pg_total_relation_size('{journal}') AS octets"
)
_OCTETS_SQLITE = """
SELECT coalesce((SELECT sum(length(document)) FROM {plans}), 0) + coalesce((
  SELECT sum(coalesce(length(before_image), 0) + coalesce(length(after_image), 0)) FROM {journal}
), 0) AS octets
"""


def _whole(number: Any) -> int:  # noqa: ANN401 of either driver
    return int(number or 0)
