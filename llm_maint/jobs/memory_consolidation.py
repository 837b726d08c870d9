"""Job type `memory_consolidation`: merges memories that state one fact, told again."""

from llm_maint import bots
from llm_maint.contract import Job, JobContext
from llm_maint.domain.runs import Outcome
from llm_maint.recalling import meter_of, recall
from llm_maint.rounds import Round


def run(context: JobContext) -> Outcome:
    """Consolidate the memories of the job's bot, or with `*` of every bot with new ones."""
    round_ = Round(context, meter_of(context.settings))
    results = (recall(round_, bot).result() for bot in bots.bots_meant(context))
    return round_.outcome(results, rows_are="memories")


JOB = Job(
    type="memory_consolidation",
    summary="merges memories that state one fact: the model groups what looks alike, code decides",
    run=run,
    check=bots.check,
    default_config={},
)
