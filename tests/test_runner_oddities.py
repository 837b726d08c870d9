"""What no job and no hand should write, and does: it stops nobody else."""

import math
from datetime import timedelta
from typing import Any

import pytest
from claiming import claim_next
from databases import sql
from running import START, World

from llm_maint.contract import JobContext
from llm_maint.domain.runs import Outcome, Success
from llm_maint.store import queue
from llm_maint.store.dialect import source_of

ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""PostgreSQL refuses a value that is not of its column's type."""


@pytest.mark.parametrize(
    "result",
    [{"at": START}, {"rows": {1, 2}}, {"share": math.nan}, {b"x": 1}],
    ids=["a time", "a set", "not a number", "a key of bytes"],
)
def test_a_result_that_is_not_json_stops_nobody(world: World, result: Any) -> None:  # noqa: ANN401
    """The run ends, one way or the other, and its claim is given back."""
    world.add("a", lambda _: Success(result))
    world.add("b")
    statuses = world.tick()
    assert statuses["a"] in ("success", "failed")
    assert statuses["b"] == "success"
    assert world.jobs()["a"].claim_run_id is None


def test_a_job_that_returns_no_outcome_fails_alone(world: World) -> None:
    """A job type whose code forgets to return has failed, by a bug."""

    def nothing(_: JobContext) -> Outcome:
        return None  # type: ignore[return-value]

    world.add("a", nothing)
    world.add("b")
    assert world.tick() == {"a": "failed", "b": "success"}


@pytest.mark.parametrize("microsecond", [0, 1, 499, 500, 600, 999])
def test_a_rescued_job_is_due_in_this_very_tick(world: World, microsecond: int) -> None:
    """SQLite's own functions know milliseconds only: a time is never later than itself."""
    world.add("a")
    with world.database.write() as connection:
        lease = timedelta(minutes=2)
        claim_next(connection, now=START, due_by=START, lease=lease, host="dead")
    world.now = START + timedelta(minutes=2, microseconds=microsecond)
    assert world.tick() == {"a": "success"}


@ONLY_SQLITE
@pytest.mark.parametrize(
    "change",
    [
        "interval_minutes = 'often'",
        "next_run_at = 'soon'",
        "last_run_at = 'yesterday'",
        "created_at = 'once'",
        "config_json = '{'",
    ],
)
def test_an_odd_row_stops_nobody(world: World, change: str) -> None:
    """Whatever a hand has written into one row, the other jobs run and can be listed."""
    world.add("a")
    world.add("b")
    sql(world.database, f"UPDATE scheduled_jobs SET {change} WHERE name = 'a'")
    assert world.tick()["b"] == "success"
    assert set(world.jobs()) == {"a", "b"}
    with world.database.read() as connection:
        queue.next_due_at(source_of(connection))
