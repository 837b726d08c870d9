"""What is told of a run in a few words, whatever its job type has to say."""

from typing import Any

import pytest

from llm_maint.console.tables import outcome
from llm_maint.domain.runs import Run, Status, Trigger

NONE = {"entities": [], "attributes_before": 0, "attributes_after": 0, "held": 0}


def _run(job_type: str, result: dict[str, Any]) -> Run:
    return Run(
        id="1",
        job_id="1",
        job_name="a job",
        job_type=job_type,
        bot_id=None,
        status=Status.SUCCESS,
        attempt=1,
        trigger=Trigger.DUE,
        host="here",
        started_at=None,
        finished_at=None,
        duration_ms=1,
        result=result,
        error_message=None,
    )


@pytest.mark.parametrize(
    ("job_type", "result", "told"),
    [
        ("profile_maintenance", NONE, "nothing has changed since the last run"),
        ("stale", {"stale": 2, "entities": {"nick": 2}}, "stale 2"),
        ("stale", {"memories_before": 3}, "memories before 3"),
        ("stale", {}, ""),
    ],
)
def test_a_result_of_any_job_type_is_told(job_type: str, result: Any, told: str) -> None:  # noqa: ANN401
    """A package's job may use the names that ours do, for values of another shape."""
    assert outcome(_run(job_type, result)) == told
