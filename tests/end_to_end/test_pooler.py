"""Through PgBouncer in transaction mode: whatever the command does, no session is needed for it."""

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from command import ROWS, Command
from databases import Server, add_row, name_of, sql
from pooler import pooling
from workshop import Workshop, wait_until

PROCESSES, JOBS = 4, 60

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture(scope="module", params=[1, 2], ids=["one connection", "two connections"])
def pooler(request: pytest.FixtureRequest, postgresql: Server) -> Iterator[str]:
    """Return the URL of a pooler before the server; so few connections are soon all taken."""
    with pooling(postgresql.url, size=request.param) as url:
        yield url


@pytest.fixture
def pooled(pooler: str, database_url: str) -> str:
    """Return the URL of the test's database behind the pooler."""
    url = sa.make_url(pooler).set(database=name_of(database_url))
    return url.render_as_string(hide_password=False)


@pytest.fixture
def pooled_workshop(workshop: Workshop, pooled: str) -> Workshop:
    """Return a workshop whose ticks go through the pooler; the tests look in directly."""
    return Workshop(workshop.command.having(database_url=pooled), workshop.database)


def test_all_of_a_day_works_through_a_pooler(tmp_path: Path, pooled: str) -> None:
    """Create, import, consolidate, look, undo: as without it."""
    command = Command(tmp_path, {"database_url": pooled})
    command("init")
    command("init")
    command("profile", "import", "-", stdin=json.dumps(ROWS))
    before = command.export()
    assert command("run-due").errors == ""
    assert len(command.export()) < len(before)
    listed = command("jobs", "list", "--json").json
    assert {job["last_status"] for job in listed} == {"success"}
    assert "success" in command("runs", "tail").out
    assert command("db", "status", "--json").json["up_to_date"] is True
    assert "<html" in command("report", "-o", "-").out
    assert "ticked" in command("status").out
    (plan,) = [
        each
        for each in command("profile", "plans", "--json").json
        if each["kind"] == "consolidation"
    ]
    command("profile", "undo", plan["plan_id"])
    assert sorted(map(repr, command.export())) == sorted(map(repr, before))


def test_many_ticks_share_few_connections(pooled_workshop: Workshop) -> None:
    """More processes than connections: each job runs once, and no process fails."""
    names = [f"job-{number}" for number in range(JOBS)]
    pooled_workshop.add("noting", *names)
    crowd = [pooled_workshop.start("run-due") for _ in range(PROCESSES)]
    assert [(done.code, done.errors) for done in (each.wait() for each in crowd)] == [
        (0, "")
    ] * PROCESSES
    assert Counter(pooled_workshop.notes()) == dict.fromkeys(names, 1)
    assert pooled_workshop.succeeded() == dict.fromkeys(names, 1)
    assert pooled_workshop.claims() == []


def test_a_lease_is_renewed_through_a_pooler(pooled_workshop: Workshop) -> None:
    """A long job keeps its claim and writes in the end; a rival gets nothing."""
    pooled_workshop = pooled_workshop.hasty()
    add_row(pooled_workshop.database, "pet", '"cat"', confidence=0)
    pooled_workshop.add("writing", "long", until="the end")
    working = pooled_workshop.start("run-due")
    wait_until(pooled_workshop.notes)
    pooled_workshop.outlive_leases()
    assert pooled_workshop.tick("--json").json["runs"] == []
    pooled_workshop.command.home.joinpath("the end").touch()
    assert (working.wait().code, pooled_workshop.runs()) == (0, [("success", 1)])
    assert sql(pooled_workshop.database, "SELECT confidence FROM entity_profile_attributes") == [
        (1,)
    ]


def test_nothing_is_left_in_a_session(pooled_workshop: Workshop, pooled: str) -> None:
    """Who gets the connection next finds every setting as the server has it."""
    settings = "SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY name"
    prepared = "SELECT count(*) FROM pg_prepared_statements"
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as client:
        before = client.execute(settings).fetchall()
        pooled_workshop.add("noting", *(f"job-{number}" for number in range(10)))
        pooled_workshop.tick()
        assert client.execute(settings).fetchall() == before
        assert client.execute(prepared).fetchone() == (0,)


def test_signals_and_kills_leave_a_pooler_clean(pooled_workshop: Workshop) -> None:
    """No connection goes back with a transaction open, or a setting that the next would feel."""
    chance = random.Random(3)
    pooled_workshop.add("noting", "a", "b", "c", seconds=0.03)
    codes = []
    for _ in range(8):
        tick = pooled_workshop.start("run-due")
        tick.until_it_listens()
        time.sleep(chance.uniform(0, 0.25))
        tick.send(signal.SIGINT, times=chance.choice([1, 5]))
        done = tick.wait()
        assert (done.code in (0, 130), done.errors) == (True, "")
        assert pooled_workshop.claims() == []
        codes.append(done.code)
        pooled_workshop.let_all_be_due()
    assert 130 in codes
    pooled_workshop = pooled_workshop.hasty()
    dead = [pooled_workshop.start("run-due") for _ in range(3)]
    wait_until(lambda: len(pooled_workshop.notes()) > 1)
    for process in dead:
        process.send(signal.SIGKILL)
        process.wait()
    pooled_workshop.tick_until_settled()
    assert {status for status, _ in pooled_workshop.runs()} <= {
        "success",
        "interrupted",
        "abandoned",
    }
