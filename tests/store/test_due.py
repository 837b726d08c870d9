"""Whether anything is due: the question of the quick way has the answer of the full way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Server, is_sqlite, opened, sql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from llm_maint.store import claims, driver, queue
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.driver import Source, sqlite_time
from llm_maint.store.due import anything_due
from llm_maint.store.migrations import MIGRATIONS
from llm_maint.store.schema import LATEST
from llm_maint.store.tables import jobs

EXAMPLES = settings(
    deadline=None,
    derandomize=True,
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NOW = datetime.fromisoformat("2026-05-05T12:00:00.123600+00:00")

HOST = "o'brien"

WRITTEN: dict[str, tuple[Any, ...]] = {
    "sqlite": (
        *(
            "garbage",
            "",
            "2026-05-05T11:00:00Z",
            "2026-05-05T13:00:00Z",
            "2026-05-05",
            "2026-05-06",
        ),
        *("2026-05-05 12:00:00", "2026-05-05 12:00:00.123", "2026-05-05 12:00:00.1239", "12:00"),
        *("2026-05-05 12:00:00.124", "2026-05-05 12:00:00.1234", "2026-05-05 12:00:00.123600"),
        *("2026-05-05T13:30:00+02:00", "2026-05-05T15:30:00+02:00", 2461166, 2461167.5, b"x", 0),
        *("infinity", "9999-12-31 23:59:59.999999", "0001-01-01 00:00:00.000000", "2026-13-01"),
    ),
    "postgresql": ("infinity", "-infinity", "0044-03-15 12:00 BC", "9999-12-31", "294276-12-31"),
}
"""Times as people write them."""


@pytest.fixture
def source(database_url: str) -> Iterator[Source]:
    """Return the driver's own connection to the database."""
    found = driver.opened(database_url, schema="", timeout=5)
    assert found is not None
    yield found
    found.close()


@EXAMPLES
@given(data=st.data())
def test_both_ways_find_the_same(database: Database, source: Source, data: st.DataObject) -> None:
    """Whatever rows there are, in any state: there is work for one way where there is for both."""
    kind = "sqlite" if is_sqlite(database) else "postgresql"
    now = NOW if kind == "sqlite" else _server_time(database)
    near = st.sampled_from([-86_400, -60, -1, 60, 3_600]).map(lambda seconds: _at(now, seconds))
    times = st.none() | st.sampled_from(WRITTEN[kind]) | near
    enabled = st.sampled_from([0, 1, 2] if kind == "sqlite" else [True, False])
    rows = st.lists(st.tuples(times, enabled, st.none() | st.just("r"), times), max_size=4)
    _schedule(database, data.draw(rows))
    assert _due(source, now) is _full(database, now)


def test_this_very_moment_is_due(database: Database, source: Source) -> None:
    """A job is due at its time, not after it."""
    now = NOW if is_sqlite(database) else _server_time(database)
    _schedule(database, [(_at(now, 0), True, None, None)])
    assert _due(source, now) is True
    _schedule(database, [(_at(now, 3_600), True, "r", _at(now, 0))])
    assert _due(source, now) is True
    _schedule(database, [(_at(now, 3_600), True, "r", _at(now, 3_600))])
    assert _due(source, now) is False


@pytest.mark.parametrize("version", [LATEST - 1, LATEST + 1])
def test_another_schema_has_no_answer(database: Database, source: Source, version: int) -> None:
    """An older or a newer version is for the full way to explain."""
    sql(database, "DELETE FROM maintenance_schema")
    assert _due(source, NOW) is None
    sql(database, "INSERT INTO maintenance_schema VALUES (:version, '2026-01-01')", version=version)
    assert _due(source, NOW) is None


def test_the_schema_is_the_one_that_the_migrations_make() -> None:
    """A migration that comes is counted where the quick way can read it."""
    assert len(MIGRATIONS) == LATEST


def test_a_schema_of_their_own_is_asked(postgresql: Server) -> None:
    """Where `database.schema` says so, jobs are looked for there and nowhere else."""
    url = postgresql.create()
    fresh = opened(url, schema="own")
    sql(fresh, "CREATE SCHEMA own")
    fresh.upgrade(now=NOW)
    found = driver.opened(url, schema="own", timeout=5)
    assert found is not None
    assert _due(found, NOW) is False
    sql(fresh, "INSERT INTO own.scheduled_jobs (id, job_type) VALUES ('1', 'x')")
    assert _due(found, NOW) is True
    found.close()
    fresh.close()
    postgresql.drop(url)


def _due(source: Source, now: datetime) -> bool | None:
    found = anything_due(source, host=HOST, now=now)
    return None if found is None else found[0]


def _server_time(database: Database) -> datetime:
    return datetime.now(UTC) + database.greeted(lambda: datetime.now(UTC))


def _at(now: datetime, seconds: int) -> str:
    return sqlite_time(now + timedelta(seconds=seconds))


def _schedule(database: Database, rows: list[tuple[Any, Any, str | None, Any]]) -> None:
    sql(database, "DELETE FROM scheduled_jobs")
    time = "{}" if is_sqlite(database) else "CAST({} AS timestamp) AT TIME ZONE 'UTC'"
    for number, (next_run_at, enabled, claim, lease) in enumerate(rows):
        sql(
            database,
            "INSERT INTO scheduled_jobs (id, job_type, enabled, next_run_at, claim_run_id, "
            f"lease_expires_at) VALUES (:id, 'x', :enabled, {time.format(':next_run_at')}, :claim, "
            f"{time.format(':lease')})",
            id=str(number),
            enabled=enabled,
            next_run_at=next_run_at,
            claim=claim,
            lease=lease,
        )


def _full(database: Database, now: datetime) -> bool:
    with database.read() as connection:
        due = queue.due(source_of(connection), now=now)
    with database.write(rolls_back=True) as connection:
        held = _claims(connection)
        claims.rescue_expired(source_of(connection), now=now)
        return bool(due) or _claims(connection) < held


def _claims(connection: Connection) -> int:
    query = sa.select(sa.func.count(jobs.c.claim_run_id))
    return connection.execute(query).scalar_one()


def test_a_locked_table_is_waited_for_no_longer_than_that(postgresql: Server) -> None:
    """Behind somebody who holds the whole table, the question gives up as any other would."""
    url = postgresql.create()
    fresh = opened(url)
    fresh.upgrade(now=NOW)
    found = driver.opened(url, schema="", timeout=5)
    assert found is not None
    with fresh.write() as connection:
        connection.execute(sa.text("LOCK TABLE scheduled_jobs IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(Exception, match="lock timeout"):
            anything_due(found, host=HOST, now=NOW, seconds=1)
    found.close()
    fresh.close()
    postgresql.drop(url)
