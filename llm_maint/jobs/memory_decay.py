"""Job type `memory_decay`: reports which memories have faded and, if allowed, prunes them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from llm_maint import bots
from llm_maint.contract import Job, JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Outcome
from llm_maint.fading import fade


def run(context: JobContext) -> Outcome:
    """Report on the memories of the job's bot, or with `*` of every bot; prune with the setting."""
    do = partial(_line, context)
    return bots.outcome_of(bots.bots_meant(context), do, sums=("memories", "faded", "pruned"))


def _line(context: JobContext, bot: Entity) -> Mapping[str, Any]:
    # Memory by memory it is in the plan; the result of a run is kept for a month.
    return {n: v for n, v in fade(context, bot).items() if n != "prunable"}


JOB = Job(
    type="memory_decay",
    summary="reports which memories have faded; prunes them where memory.prune is set",
    run=run,
    check=bots.check,
    default_config={},
)
