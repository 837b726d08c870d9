"""Fixtures of the jobs: hosts that share a run."""

from collections.abc import Iterator

import pytest
from crowd import Crowd, MakeCrowd, crowd_at
from databases import sql

from llm_maint.store.database import Database


@pytest.fixture
def make_crowd(database: Database, database_url: str) -> Iterator[MakeCrowd]:
    """Return what makes the crowd of so many entities, the second time as if it were the first."""
    made: list[Crowd] = []

    def make(entities: int) -> Crowd:
        if made:
            for table in TABLES:
                sql(database, f"DELETE FROM {table}")
        made.append(crowd_at(database_url, database, entities))
        return made[-1]

    yield make
    for each in made:
        each.close()


TABLES = (
    "entity_profile_attributes",
    "entity_profiles",
    "scheduled_jobs",
    "job_runs",
    *(f"maintenance_{name}" for name in ("plans", "journal", "profile_states", "profile_tries")),
    "maintenance_profile_memory",
)
"""What a run leaves traces in."""
