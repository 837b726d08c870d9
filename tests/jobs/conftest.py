"""Fixtures of the jobs: hosts that share a run."""

from collections.abc import Iterator

import pytest
from crowd import Crowd, MakeCrowd, crowd_at

from llm_maint.store.database import Database


@pytest.fixture
def make_crowd(database: Database, database_url: str) -> Iterator[MakeCrowd]:
    """Return what makes the crowd of so many entities."""
    made: list[Crowd] = []

    def make(entities: int) -> Crowd:
        made.append(crowd_at(database_url, database, entities))
        return made[-1]

    yield make
    for each in made:
        each.close()
