"""Jobs and runs as they are listed: what the driver hands over means what the tables say."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from building import day
from databases import is_sqlite, sql

from llm_maint.errors import SchemaError
from llm_maint.store import driver, jobs, listing, vocabulary, words
from llm_maint.store.columns import JsonDocument, UtcTime
from llm_maint.store.database import Database
from llm_maint.store.driver import Source
from llm_maint.store.tables import jobs as job_table
from llm_maint.store.tables import runs as run_table
from llm_maint.store.tables import shares as share_table
from llm_maint.store.tables import ticks as tick_table

ODD: dict[str, Any] = {
    "next_run_at": ("tomorrow", "infinity"),
    "last_run_at": ("2026-01-01T10:00:00+02:00", "-infinity"),
    "created_at": (None, None),
    "config_json": ("{not json", '[1, {"a": null}]'),
    "name": ("", ""),
}
"""Columns as people write them, on SQLite and on PostgreSQL."""


@pytest.fixture
def source(database_url: str) -> Iterator[Source]:
    """Return the driver's own connection to the database."""
    found = driver.opened(database_url, schema="", timeout=5)
    assert found is not None
    yield found
    found.close()


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (UtcTime, words.TIMES),
        (JsonDocument, words.DOCUMENTS),
        (sa.Boolean, words.SWITCHES),
    ],
)
def test_each_column_is_read_as_its_table_has_it(kind: type[Any], names: frozenset[str]) -> None:
    """A time, a document or a switch that comes is one here as well."""
    tables = (job_table, run_table, share_table, tick_table)
    columns = [column for table in tables for column in table.columns]
    assert {column.name for column in columns if isinstance(column.type, kind)} == names


def test_a_claim_is_of_each_column_as_it_was_read() -> None:
    """On SQLite, where a row has no version: whatever a migration adds is one of them, or not."""
    told = {"created_at", "id", "last_run_at", "last_status", "lease_expires_at"}
    assert {column.name for column in job_table.columns} == told | set(vocabulary.CLAIMED)


def test_odd_rows_are_read_as_the_toolkit_reads_them(database: Database, source: Source) -> None:
    """Whatever somebody wrote into a row, both readings of it are the same."""
    index = 0 if is_sqlite(database) else 1
    row = {name: values[index] for name, values in ODD.items()}
    marks = ", ".join(f"CAST(:{name} AS {_type_of(name)})" if index else f":{name}" for name in row)
    sql(
        database,
        f"INSERT INTO scheduled_jobs (id, job_type, enabled, {', '.join(row)}) "
        f"VALUES ('1', 'x', false, {marks})",
        **row,
    )
    with database.read() as connection:
        (by_toolkit,) = connection.execute(sa.select(job_table)).mappings().all()
    (by_driver,) = words.ask(source, "SELECT * FROM {jobs}")
    assert dict(by_driver) == dict(by_toolkit)
    assert list(map(type, by_driver.values())) == list(map(type, by_toolkit.values()))


def _type_of(name: str) -> str:
    return {"config_json": "jsonb", "name": "text"}.get(name, "timestamptz")


def test_within_a_transaction_its_own_rows_are_listed(database: Database, source: Source) -> None:
    """A connection of the toolkit lends the driver's: what it wrote is there, and only there."""
    with database.write(rolls_back=True) as connection:
        statement = "INSERT INTO scheduled_jobs (id, job_type) VALUES ('1', 'x')"
        connection.execute(sa.text(statement))
        assert [job.id for job in jobs.all_jobs(connection)] == ["1"]
        assert listing.all_jobs(source) == []
    assert listing.all_jobs(source) == []


def test_the_servers_clock_is_told_where_there_is_one(database: Database, source: Source) -> None:
    """On SQLite the host's is the only one."""
    now = listing.greeted(source, "here")
    assert (now is None) is is_sqlite(database)
    assert now is None or now.utcoffset() is not None


def test_a_database_without_tables_is_refused(database_url: str) -> None:
    """Before anything is listed, with what to do about it."""
    if database_url.startswith("sqlite"):
        driver.open_sqlite(database_url.removeprefix("sqlite:///"), timeout=1, mode="rwc").close()
    found = driver.opened(database_url, schema="", timeout=5)
    assert found is not None
    with pytest.raises(SchemaError, match="create them with: llm-maint init"):
        listing.greeted(found, "here")
    found.close()


def test_runs_are_found_by_all_that_one_may_ask(database: Database, source: Source) -> None:
    """Job, status and moment narrow the list, alone and together."""
    for number, (job, status, started) in enumerate(
        [("a", "success", day(1)), ("a", "failed", day(2)), ("b", "failed", day(3))]
    ):
        sql(
            database,
            "INSERT INTO job_runs (id, job_id, status, started_at) VALUES (:id, :job, :status, "
            + (":at)" if is_sqlite(database) else "CAST(:at AS timestamptz))"),
            id=str(number),
            job=job,
            status=status,
            at=driver.sqlite_time(started) + ("" if is_sqlite(database) else "+00"),
        )
    assert [run.id for run in listing.tail(source, limit=2)] == ["1", "2"]
    assert [run.id for run in listing.tail(source, limit=9, job_id="a")] == ["0", "1"]
    assert [run.id for run in listing.tail(source, limit=9, status="failed")] == ["1", "2"]
    found = listing.tail(source, limit=9, job_id="a", status="failed")
    assert [run.id for run in found] == ["1"]
