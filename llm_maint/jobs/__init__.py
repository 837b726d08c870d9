"""The registry of job types: a line for each file beside this one, and installed packages' own."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points

from llm_maint.contract import Job
from llm_maint.domain.nearest import unknown
from llm_maint.errors import UnknownJobTypeError

BUILT_IN: Mapping[str, str] = {
    "profile_maintenance": "llm_maint.jobs.profile_maintenance",
    "memory_consolidation": "llm_maint.jobs.memory_consolidation",
    "memory_recurrence": "llm_maint.jobs.memory_recurrence",
    "memory_decay": "llm_maint.jobs.memory_decay",
    "history_pruning": "llm_maint.jobs.history_pruning",
}
"""Job type -> module whose `JOB` it is; imported when a job of that type is due."""

SHARED = ("profile_maintenance",)
"""Job types whose runs may be opened to other processes."""

ENTRY_POINTS = "llm_maint.jobs"
"""The entry-point group by which a package adds job types."""


def find_job_type(name: str) -> Job:
    """Return a job type.

    Raises:
        UnknownJobTypeError: there is none of that name; the message names the nearest.

    """
    job = import_module(BUILT_IN[name]).JOB if name in BUILT_IN else _added(name)
    assert isinstance(job, Job), f"{name} is not a Job"
    return job


def known_types() -> list[str]:
    """Return the names of all job types, those of installed packages last."""
    return [*BUILT_IN, *sorted(_installed().names - set(BUILT_IN))]


# Reading what is installed, or finding one of it, costs more than a small job.
@cache
def _installed() -> EntryPoints:
    return entry_points(group=ENTRY_POINTS)


@cache
def _added(name: str) -> object:
    added = _installed()
    if name not in added.names:
        raise UnknownJobTypeError(str(unknown("job type", name, [*BUILT_IN, *added.names])))
    return added[name].load()
