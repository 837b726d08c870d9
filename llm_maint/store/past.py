"""The past of an installation in numbers: its runs within a window, and what became of rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from llm_maint.domain.run_facts import RunFacts, facts_of
from llm_maint.store.driver import Source
from llm_maint.store.listing import as_run
from llm_maint.store.words import ask

BATCH = 500
"""Runs read at once: their results may be long, and a year has many."""


def facts_since(source: Source, since: datetime) -> Iterator[RunFacts]:
    """Yield the runs that started since a moment, oldest first, in numbers."""
    # By their ids, and not from time to time: a time that somebody wrote has many forms.
    listed = ask(
        source,
        "SELECT id FROM {runs} WHERE started_at >= {since} ORDER BY started_at, id",
        since=since,
    )
    ids = [row["id"] for row in listed]
    for start in range(0, len(ids), BATCH):
        given = {f"id{number}": each for number, each in enumerate(ids[start : start + BATCH])}
        marks = ", ".join(f"{{{name}}}" for name in given)
        query = f"SELECT * FROM {{runs}} WHERE id IN ({marks}) ORDER BY started_at, id"  # noqa: S608
        yield from (facts_of(as_run(row)) for row in ask(source, query, **given))


def rows_changed(
    source: Source, since: datetime, *, job_id: str | None = None
) -> Mapping[str, int]:
    """Return how many rows met each effect in the plans that were applied since a moment.

    Whoever started them: runs, and people; with a job, its runs. What was undone since does not
    count, nor do the summaries of profiles, which follow from their rows.
    """
    rows = ask(
        source,
        "SELECT effect, count(*) AS rows FROM {journal} JOIN {plans} ON id = plan_id "  # noqa: S608
        f"WHERE status = 'applied' AND applied_at >= {{since}} AND {OF_JOB if job_id else 'true'} "
        "AND table_name <> {heads} "
        "GROUP BY effect ORDER BY effect",
        since=since,
        heads=HEADS,
        **({"job_id": job_id} if job_id else {}),
    )
    return {row["effect"]: row["rows"] for row in rows}


HEADS = "entity_profiles"
"""The table of summaries, as `profiles.PROFILES` has it; the toolkit would come along with that."""

OF_JOB = (
    "EXISTS (SELECT 1 FROM {runs} AS run WHERE run.id = {plans}.run_id AND run.job_id = {job_id})"
)
"""A condition on plans: that a run of a job made it, as long as that run is kept."""
