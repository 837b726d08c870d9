"""Job types for benchmarks and probes: one does nothing, one leaves a mark, one raises, one sleeps.

`sleeps` takes `{"seconds": 12}`.
"""

import time
from collections.abc import Mapping
from typing import Any

from marks import mark

from llm_maint.contract import Job, JobContext
from llm_maint.domain.runs import Outcome, Success


def _noop(_context: JobContext) -> Outcome:
    return Success()


def _marks(context: JobContext) -> Outcome:
    mark("begun", _name(context))
    return Success()


def _raises(context: JobContext) -> Outcome:
    mark("begun", _name(context))
    raise RuntimeError("raised on purpose")


def _sleeps(context: JobContext) -> Outcome:
    mark("begun", _name(context))
    time.sleep(float(context.config["seconds"]))
    mark("ended", _name(context))
    return Success()


def _name(context: JobContext) -> str:
    return context.claim.job_id if context.claim else "dry"


def _check(_config: Mapping[str, Any]) -> None:
    """Take any configuration."""


NOOP = Job(type="noop", summary="does nothing", run=_noop, check=_check, default_config={})
MARKS = Job(type="marks", summary="leaves a mark", run=_marks, check=_check, default_config={})
RAISES = Job(type="raises", summary="raises", run=_raises, check=_check, default_config={})
SLEEPS = Job(
    type="sleeps", summary="sleeps", run=_sleeps, check=_check, default_config={"seconds": 1}
)
