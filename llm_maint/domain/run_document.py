"""A run as the JSON document that scripts rely on: printed, and handed to a failure command."""

from typing import Any

from llm_maint.domain.moments import stamp
from llm_maint.domain.runs import Run


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
        "scheduled_for": stamp(run.scheduled_for),
        "started_at": stamp(run.started_at),
        "finished_at": stamp(run.finished_at),
        "duration_ms": run.duration_ms,
        "result": run.result,
        "error_message": run.error_message,
    }
