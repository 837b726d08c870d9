"""A run that has begun, and the ends it may have, for what is told of them."""

from datetime import timedelta
from typing import Any

from building import MORNING

from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import Claim, Finished, Run, Trigger
from llm_maint.domain.schedule import Every
from llm_maint.errors import ExitCode

RUN_ID = "0123456789abcdef0123456789abcdef"
RID = "01234567-89ab-cdef-0123-456789abcdef"
"""The same, as monitors know it."""


def finished(status: str = "success", *, expected: bool = False, **fields: Any) -> Finished:  # noqa: ANN401 any field
    """Return a run that has ended so."""
    values: dict[str, Any] = {
        "id": RUN_ID,
        "job_id": "j1",
        "job_name": "nightly",
        "job_type": "noting",
        "bot_id": None,
        "attempt": 1,
        "trigger": "due",
        "host": "here",
        "started_at": MORNING,
        "finished_at": MORNING,
        "duration_ms": 0,
        "result": None,
        "error_message": None if status == "success" else "it broke",
        **fields,
    }
    code = ExitCode.JOB_FAILED if status == "failed" else ExitCode.OK
    return Finished(Run(status=status, **values), code, expected)


CLAIM = Claim(
    run_id=RUN_ID,
    job_id="j1",
    job_name="nightly",
    job_type="noting",
    bot_id=None,
    config={},
    timing=Timing(schedule=Every(timedelta(hours=1))),
    due_at=MORNING,
    attempt=1,
    consecutive_failures=0,
    trigger=Trigger.DUE,
    host="here",
    started_at=MORNING,
)
"""The claim of such a run."""
