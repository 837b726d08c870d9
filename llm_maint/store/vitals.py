"""The vitals of an installation, read by the driver alone: `status` is typed often."""

from datetime import datetime

from llm_maint.domain.entity import MEMORY
from llm_maint.domain.vitals import HeldPlan, HostSeen, JobState, JournalSize, Vitals
from llm_maint.store import ticks
from llm_maint.store.driver import Source
from llm_maint.store.listing import as_job
from llm_maint.store.past import OF_JOB
from llm_maint.store.values import read_time
from llm_maint.store.words import Row, ask


def vitals(source: Source, *, now: datetime, job_id: str | None = None) -> Vitals:
    """Return what an installation is known to do, as it is now.

    Args:
        source: an open connection.
        now: the present, by the clock of the database.
        job_id: only of this job; the ticks are everybody's.

    """
    return Vitals(
        now=now,
        hosts=[HostSeen(**row) for row in ticks.hosts(source) if row["seen_at"] is not None],
        jobs=_jobs(source, job_id),
        held=_held(source, job_id),
        journal=None if job_id else _journal(source),
    )


def _jobs(source: Source, job_id: str | None) -> list[JobState]:
    """Return jobs by their names, each with its last success: its runs' index has it first."""
    rows = ask(
        source,
        "SELECT job.*, (SELECT coalesce(finished_at, started_at) FROM {runs} AS run "  # noqa: S608
        "WHERE run.job_id = job.id AND run.status = 'success' "
        "ORDER BY run.started_at DESC {nulls_last}, run.id DESC LIMIT 1) AS last_success_at "
        f"FROM {{jobs}} AS job WHERE {'id = {job_id}' if job_id else 'true'}",
        **({"job_id": job_id} if job_id else {}),
    )
    return sorted((_state(row) for row in rows), key=lambda job: (job.name, job.id))


def _state(row: Row) -> JobState:
    job = as_job(row)
    return JobState(
        id=job.id,
        name=job.name,
        job_type=job.job_type,
        enabled=job.enabled,
        due_at=job.next_run_at,
        lease_expires_at=job.lease_expires_at,
        is_claimed=job.claim_run_id is not None,
        last_run_at=job.last_run_at,
        last_status=job.last_status,
        last_success_at=read_time(row["last_success_at"]),
        consecutive_failures=job.consecutive_failures,
        problem=job.problem,
        schedule=job.timing.schedule,
        created_at=row["created_at"],
    )


def _held(source: Source, job_id: str | None) -> list[HeldPlan]:
    rows = ask(
        source,
        "SELECT id, entity_type, entity_id, created_at FROM {plans} "  # noqa: S608 of our own
        f"WHERE status = 'held' AND {OF_JOB if job_id else 'true'} ORDER BY created_at, id",
        **({"job_id": job_id} if job_id else {}),
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
    """Return the size of plans and journal: a server knows it, of a file the newest tell it."""
    query = _SIZE_POSTGRESQL if source.is_postgresql else _SIZE_SQLITE
    (size,) = ask(source, query, **({} if source.is_postgresql else {"newest": NEWEST}))
    return JournalSize(rows=size["rows"], octets=int(size["octets"]), oldest=size["created_at"])


NEWEST = 1_000
"""Plans, and rows of the journal, that are as long as all are on the average.

To read them all is to read the file: a gigabyte, for one number.
"""

_COUNTED = "(SELECT count(*) FROM {journal}) AS rows, (SELECT min(created_at) FROM {plans})"
_SIZE_POSTGRESQL = f"""
SELECT {_COUNTED} AS created_at,
  pg_total_relation_size('{{plans}}') + pg_total_relation_size('{{journal}}') AS octets
"""
_SIZE_SQLITE = f"""
SELECT {_COUNTED} AS created_at, coalesce((
  SELECT avg(length(document)) FROM (
    SELECT coalesce(document, '') AS document FROM {{plans}} ORDER BY rowid DESC LIMIT {{newest}}
  )
) * (SELECT count(*) FROM {{plans}}), 0) + coalesce((
  SELECT avg(length(images)) FROM (
    SELECT coalesce(before_image, '') || coalesce(after_image, '') AS images
    FROM {{journal}} ORDER BY rowid DESC LIMIT {{newest}}
  )
) * (SELECT count(*) FROM {{journal}}), 0) AS octets
"""  # noqa: S608 of our own words
