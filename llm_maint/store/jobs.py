"""The scheduled jobs as people see them: listed, and found by a name."""

from sqlalchemy.engine import Connection

from llm_maint.store import dialect, listing
from llm_maint.store.listing import ScheduledJob


def all_jobs(connection: Connection) -> list[ScheduledJob]:
    """Return every job, in the order of their names."""
    return listing.all_jobs(dialect.source_of(connection))


def find_job(connection: Connection, name: str) -> ScheduledJob:
    """Return the job of a name, an id or a unique start of an id; see `listing.find_job`."""
    return listing.find_job(dialect.source_of(connection), name)
