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
from llm_maint.errors import DatabaseBusyError, DatabaseUnavailableError, MaintError
from llm_maint.store import claims, queue
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
        "attempt = 'twice'",
        "consecutive_failures = 'many'",
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


@ONLY_SQLITE
@pytest.mark.parametrize("misfire", ["latest", "all", "skip"])
@pytest.mark.parametrize(
    "time",
    [
        *("2026-01-01 10:00:00+00", "20260101T100000", "2026-01-01T10", "2026-01-01 10:00:00,5"),
        *("2461041.5", "12:00", "2025-02-30", "soon", "", "2026-01-01\x0010:00"),
    ],
)
def test_a_time_that_only_one_of_us_can_read_is_mended(
    world: World, time: str, misfire: str
) -> None:
    """Python and SQLite read different forms: the job runs and has a time again, whichever does."""
    world.add("a")
    sql(
        world.database,
        "UPDATE scheduled_jobs SET next_run_at = :time, misfire = :misfire",
        time=time,
        misfire=misfire,
    )
    world.tick()
    next_run_at = world.jobs()["a"].next_run_at
    assert next_run_at is not None
    assert next_run_at > world.now
    assert world.tick() == {}


@ONLY_SQLITE
def test_dead_claims_of_odd_ids_are_taken_back(world: World) -> None:
    """Ids of two kinds can be put in no order of their own."""
    world.add("a")
    world.add("b")
    held = "claim_run_id = name, lease_expires_at = '2000-01-01 00:00:00.000'"
    sql(world.database, f"UPDATE scheduled_jobs SET {held}")
    sql(world.database, "UPDATE scheduled_jobs SET id = x'00ff' WHERE name = 'b'")
    assert world.tick()["a"] == "success"


def test_a_run_of_an_odd_trigger_stops_nobody(world: World) -> None:
    """One that another version wrote, or a hand: its claim is looked at, and taken back."""
    world.add("a")
    world.add("b")
    lease = timedelta(minutes=2)
    with world.database.write() as connection:
        claim_next(connection, now=START, due_by=START, lease=lease, host="there")
    sql(world.database, "UPDATE job_runs SET trigger = 'cron'")
    assert len(world.tick()) == 1
    world.now += lease
    assert "success" in world.tick().values()


@pytest.mark.parametrize("error", [DatabaseBusyError, DatabaseUnavailableError])
def test_the_next_claim_is_kept_where_the_last_record_fails_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch, error: type[MaintError]
) -> None:
    """The claim is committed with the record: what goes wrong after that makes no further one."""
    for name in ("a", "b", "c"):
        world.add(name)
    recorded, failures = claims.recorded, iter([error("locked")])

    def fails_once(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 as what it stands for
        if found := next(failures, None):
            raise found
        return recorded(*arguments, **named)

    monkeypatch.setattr(claims, "recorded", fails_once)
    if error is DatabaseBusyError:
        assert world.tick() == dict.fromkeys("abc", "success")
        assert len(sql(world.database, "SELECT id FROM job_runs")) == 3
    else:
        with pytest.raises(error):
            world.tick()
    held = "SELECT count(*) FROM scheduled_jobs WHERE claim_run_id IS NOT NULL"
    assert sql(world.database, held) == [(0 if error is DatabaseBusyError else 1,)]
