"""Job type `history_pruning`: deletes old runs, and plans that are too old to be undone.

It also forgets the hosts that have not ticked for as long as runs are kept.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from llm_maint.contract import Job, JobContext
from llm_maint.domain.runs import Outcome, Success
from llm_maint.errors import ConfigurationError
from llm_maint.store import history

if TYPE_CHECKING:
    from llm_maint.store.database import Connection


def run(context: JobContext) -> Outcome:
    """Delete what is older than the settings `history.*` keep, in batches with short locks."""
    now = context.clock()
    kept = context.settings.history
    before = now - timedelta(days=kept.keep_days)
    plans_before = now - timedelta(days=kept.journal_keep_days)
    if context.dry_run:
        with context.database.read() as connection:
            return Success(
                {
                    "runs_deleted": history.prunable_runs(connection, before=before),
                    "plans_deleted": history.prunable_plans(connection, before=plans_before),
                }
            )
    done = {
        "runs_deleted": _in_batches(context, history.prune_runs, before),
        "plans_deleted": _in_batches(context, history.prune_plans, plans_before),
    }
    with context.write() as connection:
        history.forget_hosts(connection, before=before)
    return Success(done)


class _Prune(Protocol):
    def __call__(self, connection: "Connection", *, before: datetime) -> int: ...


def _in_batches(context: JobContext, prune: _Prune, before: datetime) -> int:
    total = 0
    while True:
        with context.write() as connection:
            deleted = prune(connection, before=before)
        total += deleted
        if deleted < history.BATCH:
            return total


def check(config: Mapping[str, Any]) -> None:
    """Refuse any configuration: the settings say how long the past is kept."""
    if config:
        raise ConfigurationError(
            "history_pruning takes no configuration; set history.keep_days in the settings"
        )


JOB = Job(
    type="history_pruning",
    summary="deletes old runs, and plans that are too old to be undone",
    run=run,
    check=check,
    default_config={},
)
