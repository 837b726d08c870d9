"""Names of what there is, for a shell that completes what is typed: few, the newest first."""

from collections.abc import Sequence

from llm_maint.domain.entity import MEMORY
from llm_maint.store.driver import Source
from llm_maint.store.listing import CALLED
from llm_maint.store.words import Row, ask

MOST = 50
"""More than anybody looks through; whoever wants another types more of it."""


def named_jobs(source: Source, start: str) -> Sequence[Row]:
    """Return jobs whose names or ids start so: id, name and type."""
    of_name, of_id = (
        f"substr({column}, 1, length(CAST({{start}} AS text))) = CAST({{start}} AS text)"
        for column in (CALLED, "id")
    )
    query = (
        f"SELECT id, {CALLED} AS name, job_type FROM {{jobs}} "  # noqa: S608 of our own conditions
        f"WHERE {of_name} OR {of_id} ORDER BY 2 LIMIT {{most}}"
    )
    return ask(source, query, start=start, most=MOST)


def named_runs(source: Source, start: str) -> Sequence[Row]:
    """Return the newest runs whose ids start so: id, job, status, start."""
    query = (
        "SELECT id, coalesce(job_name, job_type, job_id) AS name, status, started_at FROM {runs} "
        "WHERE id >= CAST({start} AS text) AND id < CAST({end} AS text) "
        "ORDER BY started_at DESC {nulls_last}, id DESC LIMIT {most}"
    )
    return ask(source, query, **_starting(start))


def named_plans(
    source: Source, start: str, *, of_memories: bool, status: str = ""
) -> Sequence[Row]:
    """Return the newest plans whose ids start so: id, entity, kind, status, creation.

    Args:
        source: an open connection.
        start: of their ids.
        of_memories: whether they are about memories, or about profiles.
        status: only of this one.

    """
    query = (
        "SELECT id, entity_id, kind, status, created_at FROM {plans} "
        "WHERE id >= CAST({start} AS text) AND id < CAST({end} AS text) "
        "AND CAST({status} AS text) IN (status, '') "
        "AND CASE WHEN entity_type = {memory} THEN 1 ELSE 0 END = {of_memories} "
        "ORDER BY created_at DESC, id DESC LIMIT {most}"
    )
    kind = {"status": status, "memory": MEMORY, "of_memories": int(of_memories)}
    return ask(source, query, **_starting(start), **kind)


def _starting(start: str) -> dict[str, str | int]:
    # Ids are hexadecimal, so none that starts so comes after the letter that follows f.
    return {"start": start, "end": f"{start}g", "most": MOST}
