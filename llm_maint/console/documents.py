"""Jobs, runs and profiles as the JSON documents that scripts rely on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from llm_maint.domain.plan_document import plan_document, read_plan, row_document
from llm_maint.domain.profile import Attribute, Entity
from llm_maint.domain.request import iso
from llm_maint.domain.runs import Run
from llm_maint.store.effects import Effect
from llm_maint.store.jobs import ScheduledJob
from llm_maint.store.plans import StoredPlan
from llm_maint.store.profiles import EntityCount, ProfileHead


def job_document(job: ScheduledJob, *, now: datetime) -> dict[str, Any]:
    """Return a job as `jobs list --json` prints it."""
    return {
        "id": job.id,
        "name": job.name,
        "job_type": job.job_type,
        "bot_id": job.bot_id,
        "enabled": job.enabled,
        "interval_minutes": job.interval // timedelta(minutes=1),
        "cron": None,
        "timezone": None,
        "last_run_at": stamp(job.last_run_at),
        "next_run_at": stamp(job.next_run_at),
        "last_status": job.last_status,
        "consecutive_failures": job.consecutive_failures,
        "running": job.is_running(now=now),
        "config": job.config,
    }


def run_document(run: Run) -> dict[str, Any]:
    """Return a run as `runs tail --json` prints it; its id is null for a dry run."""
    return {
        "id": run.id or None,
        "job_id": run.job_id,
        "job_name": run.job_name,
        "job_type": run.job_type,
        "bot_id": run.bot_id,
        "status": run.status,
        "attempt": run.attempt,
        "trigger": run.trigger,
        "host": run.host,
        "started_at": stamp(run.started_at),
        "finished_at": stamp(run.finished_at),
        "duration_ms": run.duration_ms,
        "result": run.result,
        "error_message": run.error_message,
    }


def entity_document(counted: EntityCount) -> dict[str, Any]:
    """Return an entity as `profile list --json` prints it."""
    return {
        "entity_type": counted.entity.type,
        "entity_id": counted.entity.id,
        "attributes": counted.attributes,
        "updated_at": stamp(counted.updated_at),
    }


def profile_document(
    entity: Entity, head: ProfileHead | None, rows: Sequence[Attribute]
) -> dict[str, Any]:
    """Return a profile as `profile show --json` prints it."""
    return {
        "entity_type": entity.type,
        "entity_id": entity.id,
        "display_name": head and head.display_name,
        "summary": head and head.summary,
        "summary_updated_at": stamp(head.summary_updated_at) if head else None,
        "attributes": [row_document(row) for row in rows],
    }


def stored_plan_document(plan: StoredPlan) -> dict[str, Any]:
    """Return a stored plan as `profile diff --json` prints it."""
    whole = plan_document(read_plan(plan.document)) if plan.document else {}
    return {**whole, **plan_line_document(plan)}


def plan_line_document(plan: StoredPlan) -> dict[str, Any]:
    """Return a stored plan as `profile plans --json` prints it: without its operations."""
    return {
        "plan_id": plan.id,
        "kind": plan.kind,
        "status": plan.status,
        "entity_id": plan.entity.id,
        "entity_type": plan.entity.type,
        "run_id": plan.run_id,
        "reverts": plan.reverts,
        "created_at": stamp(plan.created_at),
        "applied_at": stamp(plan.applied_at),
    }


def effect_document(effect: Effect) -> dict[str, Any]:
    """Return what became of a row as `profile history --json` prints it."""
    return {
        "at": stamp(effect.at),
        "plan_id": effect.plan_id,
        "kind": effect.kind,
        "status": effect.status,
        "row_id": effect.row_id,
        "effect": effect.effect,
        "reason": effect.reason,
        "winner_id": effect.winner_id,
        "before": effect.before and row_document(effect.before),
        "after": effect.after and row_document(effect.after),
    }


def stamp(moment: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC with `Z`."""
    return None if moment is None else iso(moment)
