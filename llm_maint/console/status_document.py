"""The essentials of an installation as the JSON document that `status --json` prints."""

from datetime import timedelta
from typing import Any

from llm_maint.domain.moments import stamp
from llm_maint.domain.overview import DayOfTokens, Overview
from llm_maint.domain.run_document import run_document
from llm_maint.domain.schedule import Cron, Every
from llm_maint.domain.vitals import HostSeen, JobState


def status_document(overview: Overview) -> dict[str, Any]:
    """Return everything there is, whatever a screen would have room for."""
    vitals = overview.vitals
    return {
        "state": overview.state,
        "stale": overview.stale,
        "at": stamp(vitals.now),
        "database": overview.database,
        "checks": [
            {
                "name": check.name,
                "state": check.state,
                "found": check.found,
                "mend": check.mend or None,
            }
            for check in overview.checks
        ],
        "last_tick": vitals.last_tick and _host(vitals.last_tick),
        "hosts": [_host(seen) for seen in vitals.hosts],
        "last_success_at": stamp(vitals.last_success_at),
        "next_due_at": stamp(vitals.next_due_at),
        "jobs": [_job(job, overview) for job in overview.jobs],
        "tokens_per_day": [_day(day) for day in overview.tokens],
        "rows_last_7_days": dict(overview.rows),
        "held_plans": [plan.id for plan in vitals.held],
        "last_failures": [run_document(run) for run in overview.failures],
    }


def _host(seen: HostSeen) -> dict[str, Any]:
    return {"host": seen.host, "at": stamp(seen.seen_at), "version": seen.version}


def _job(job: JobState, overview: Overview) -> dict[str, Any]:
    now, schedule = overview.vitals.now, job.schedule
    every = schedule.interval if isinstance(schedule, Every) else None
    cron = schedule if isinstance(schedule, Cron) else None
    return {
        "id": job.id,
        "name": job.name,
        "job_type": job.job_type,
        "enabled": job.enabled,
        "interval_minutes": every and every // timedelta(minutes=1),
        "cron": cron and cron.expression,
        "timezone": cron and cron.zone,
        "problem": job.problem,
        "due_at": stamp(job.due_at),
        "overdue_seconds": job.overdue(now=now) // timedelta(seconds=1),
        "running": job.is_running(now=now),
        "last_run_at": stamp(job.last_run_at),
        "last_status": job.last_status,
        "last_success_at": stamp(job.last_success_at),
        "consecutive_failures": job.consecutive_failures,
        "last_runs": list(overview.last_runs.get(job.id, ())),
    }


def _day(day: DayOfTokens) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "prompt": day.prompt,
        "completion": day.completion,
    }
