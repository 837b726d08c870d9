"""What `status` shows beside the vitals: read through indexes, or of the last few days alone."""

from collections.abc import Sequence
from datetime import date, datetime

from llm_maint.domain.overview import DayOfTokens, every_day, first_of
from llm_maint.domain.runs import Run
from llm_maint.store.driver import Source
from llm_maint.store.listing import as_run
from llm_maint.store.words import Row, ask, ask_together

LAST_RUNS = 24
"""Runs of each job that are shown."""

BATCH = 500
"""Jobs asked about at once."""

LOOKED_THROUGH = 5_000
"""Runs among which failures are looked for: there may be millions, and none that failed."""


def last_statuses(source: Source, job_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the statuses of the last runs of each job, oldest first."""
    query = (
        "SELECT status FROM {runs} WHERE job_id = {job_id} "
        "ORDER BY started_at DESC {nulls_last}, id DESC LIMIT {limit}"
    )
    found = {}
    for start in range(0, len(job_ids), BATCH):
        some = job_ids[start : start + BATCH]
        asked = [(query, {"job_id": job_id, "limit": LAST_RUNS}) for job_id in some]
        for job_id, answer in zip(some, ask_together(source, *asked), strict=True):
            found[job_id] = [row["status"] for row in answer.rows][::-1]
    return found


def last_failures(source: Source, *, limit: int, job_id: str | None = None) -> list[Run]:
    """Return the last runs that failed or were abandoned, newest first.

    Among the last `LOOKED_THROUGH` runs; their results, which may be long, are not looked at.
    """
    of_job = "WHERE job_id = {job_id} " if job_id else ""
    failed = ask(
        source,
        "SELECT id FROM (SELECT id, status, started_at FROM {runs} "  # noqa: S608 of our own
        f"{of_job}ORDER BY started_at DESC {{nulls_last}}, id DESC LIMIT {{most}}) AS latest "
        "WHERE status IN ('failed', 'abandoned') "
        "ORDER BY started_at DESC {nulls_last}, id DESC LIMIT {limit}",
        most=LOOKED_THROUGH,
        limit=limit,
        **({"job_id": job_id} if job_id else {}),
    )
    by_id = "SELECT * FROM {runs} WHERE id = {run_id}"
    rows = [row for each in failed for row in ask(source, by_id, run_id=each["id"])]
    return [as_run(row) for row in rows]


def tokens_by_day(source: Source, *, now: datetime, job_id: str | None = None) -> list[DayOfTokens]:
    """Return what the results of runs say of tokens, for each of the last days.

    The database adds it up: results are long. They may hold anything, see `domain.run_facts`.
    """
    query = _TOKENS_POSTGRESQL if source.is_postgresql else _TOKENS_SQLITE
    of_job = "AND job_id = {job_id}" if job_id else ""
    given = {"job_id": job_id} if job_id else {}
    rows = ask(source, query.replace("{of_job}", of_job), since=first_of(now), now=now, **given)
    return every_day(map(_day, rows), now=now)


def _day(row: Row) -> DayOfTokens:
    day = row["day"]
    return DayOfTokens(
        day=day if isinstance(day, date) else date.fromisoformat(day),
        prompt=int(row["prompt"] or 0),
        completion=int(row["completion"] or 0),
    )


_TOKENS_POSTGRESQL = """
SELECT day, sum(greatest(CASE jsonb_typeof(prompt) WHEN 'number' THEN prompt::numeric END, 0))
  AS prompt,
  sum(greatest(CASE jsonb_typeof(completion) WHEN 'number' THEN completion::numeric END, 0))
  AS completion
FROM (
  SELECT CAST(started_at AT TIME ZONE 'UTC' AS date) AS day,
    result_json -> 'llm' -> 'prompt_tokens' AS prompt,
    result_json -> 'llm' -> 'completion_tokens' AS completion
  FROM {runs} WHERE started_at >= {since} AND started_at <= {now} {of_job}
) AS told GROUP BY day
"""
# The limit is none: it keeps both from being made one, which would read each document thrice.
_TOKENS_SQLITE = """
SELECT day,
  total(CASE WHEN json_type(llm, '$.prompt_tokens') = 'integer'
    THEN max(json_extract(llm, '$.prompt_tokens'), 0) END) AS prompt,
  total(CASE WHEN json_type(llm, '$.completion_tokens') = 'integer'
    THEN max(json_extract(llm, '$.completion_tokens'), 0) END) AS completion
FROM (
  SELECT date(started_at) AS day,
    CASE WHEN json_valid(result_json) AND json_type(result_json, '$.llm') = 'object'
      THEN json_extract(result_json, '$.llm') END AS llm
  FROM {runs} WHERE started_at >= {since} AND started_at <= {now} {of_job}
  LIMIT -1
) AS told WHERE day IS NOT NULL GROUP BY day
"""
