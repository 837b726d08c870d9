"""Jobs, plans and profiles as the JSON documents that scripts rely on; runs: `domain`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from llm_maint.domain.entity import Entity
from llm_maint.domain.moments import stamp
from llm_maint.domain.plan_document import plan_document, read_plan
from llm_maint.domain.profile import Attribute
from llm_maint.domain.schedule import Cron, Every

if TYPE_CHECKING:
    from llm_maint.store.effects import Effect
    from llm_maint.store.listing import ScheduledJob
    from llm_maint.store.memories import BotCount
    from llm_maint.store.plans import StoredPlan
    from llm_maint.store.profiles import EntityCount, ProfileHead
    from llm_maint.store.undo import Undone


def job_document(job: "ScheduledJob", *, now: datetime) -> dict[str, Any]:
    """Return a job as `jobs list --json` prints it."""
    timing = job.timing
    cron = timing.schedule if isinstance(timing.schedule, Cron) else None
    every = timing.schedule.interval if isinstance(timing.schedule, Every) else None
    return {
        "id": job.id,
        "name": job.name,
        "job_type": job.job_type,
        "bot_id": job.bot_id,
        "enabled": job.enabled,
        "interval_minutes": every and every // timedelta(minutes=1),
        "cron": cron and cron.expression,
        "timezone": cron and cron.zone,
        "priority": timing.priority,
        "misfire": timing.misfire,
        "grace_seconds": _seconds(timing.grace),
        "jitter_seconds": _seconds(timing.jitter),
        "timeout_seconds": _seconds(timing.timeout),
        "problem": job.problem,
        "last_run_at": stamp(job.last_run_at),
        "next_run_at": stamp(job.next_run_at),
        "last_status": job.last_status,
        "consecutive_failures": job.consecutive_failures,
        "running": job.is_running(now=now),
        "config": job.config,
    }


def job_in_full_document(job: "ScheduledJob", *, now: datetime) -> dict[str, Any]:
    """Return a job as `jobs show --json` prints it: with its next five runs."""
    slots = [stamp(slot) for slot in job.slots(5, now=now)]
    return {**job_document(job, now=now), "next_runs": slots}


def entity_document(counted: "EntityCount") -> dict[str, Any]:
    """Return an entity as `profile list --json` prints it."""
    return {
        "entity_type": counted.entity.type,
        "entity_id": counted.entity.id,
        "attributes": counted.attributes,
        "updated_at": stamp(counted.updated_at),
    }


def bot_document(counted: "BotCount") -> dict[str, Any]:
    """Return a bot as `memory list --json` prints it."""
    return {
        "bot_id": counted.entity.id,
        "memories": counted.memories,
        "updated_at": stamp(counted.updated_at),
    }


def profile_document(
    entity: Entity, head: "ProfileHead | None", rows: Sequence[Attribute]
) -> dict[str, Any]:
    """Return a profile as `profile show --json` prints it."""
    return {
        "entity_type": entity.type,
        "entity_id": entity.id,
        "display_name": head and head.display_name,
        "summary": head and head.summary,
        "summary_updated_at": stamp(head.summary_updated_at) if head else None,
        "attributes": [row.document() for row in rows],
    }


def stored_plan_document(plan: "StoredPlan", effects: "Sequence[Effect]") -> dict[str, Any]:
    """Return a stored plan, and what it did to rows, as `profile diff --json` prints it."""
    whole = plan_document(read_plan(plan.document)) if plan.document else {}
    done = [effect_document(each) for each in effects]
    return {**whole, **plan_line_document(plan), "effects": done}


def plan_line_document(plan: "StoredPlan") -> dict[str, Any]:
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


def undone_document(undone: "Undone", *, dry_run: bool) -> dict[str, Any]:
    """Return what an undo did, or would do, as `profile undo --json` prints it."""
    return {
        "plan_id": None if dry_run else undone.plan_id,
        "reverts": undone.reverts,
        "entity_id": undone.entity.id,
        "entity_type": undone.entity.type,
        "row_ids": undone.row_ids,
        "altered_by_database": undone.altered,
        "dry_run": dry_run,
    }


def set_document(
    entity: Entity, before: Attribute | None, after: Attribute, plan_id: str | None
) -> dict[str, Any]:
    """Return what was set as `profile set --json` prints it; no plan where it was so already."""
    return {
        **_named(entity),
        "plan_id": plan_id,
        "row_id": after.id,
        "before": before and before.document(),
        "after": after.document(),
    }


def unset_document(
    entity: Entity, gone: Sequence[Attribute], plan_id: str | None, *, dry_run: bool
) -> dict[str, Any]:
    """Return what was removed as `profile unset --json` prints it."""
    rows = [row.document() for row in gone]
    done = {"dry_run": dry_run, "plan_id": plan_id, "removed": len(rows)}
    return {**_named(entity), **done, "rows": rows}


def pins_document(entity: Entity, pinned: Sequence[str], *, changed: bool) -> dict[str, Any]:
    """Return the pinned keys as `profile pin --json` prints them."""
    return {**_named(entity), "pinned_keys": pinned, "changed": changed}


def effect_document(effect: "Effect") -> dict[str, Any]:
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
        "before": effect.before and effect.before.document(),
        "after": effect.after and effect.after.document(),
    }


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // timedelta(seconds=1)


def _named(entity: Entity) -> dict[str, str]:
    return {"entity_id": entity.id, "entity_type": entity.type}
