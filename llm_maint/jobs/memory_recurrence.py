"""Job type `memory_recurrence`: tags memories whose theme comes up again and again."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from llm_maint import bots
from llm_maint.contract import Job, JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Outcome
from llm_maint.recurring import tag_recurring

log = logging.getLogger(__name__)


def run(context: JobContext) -> Outcome:
    """Tag the memories of the job's bot, or with `*` of every bot."""
    do = partial(_tagged, context)
    return bots.outcome_of(bots.bots_meant(context), do, sums=("recurring", "tagged", "untagged"))


def _tagged(context: JobContext, bot: Entity) -> Mapping[str, Any]:
    line = tag_recurring(context, bot)
    if line["warning"] is not None:
        log.info("%s: %s", bot, line["warning"])  # the result tells it: no mail of cron's does
    return line


JOB = Job(
    type="memory_recurrence",
    summary="tags memories whose theme recurs on several days or in several sessions",
    run=run,
    check=bots.check,
    default_config={},
)
