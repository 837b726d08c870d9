"""Migration 4 on a database at work: no row is lost or changed, whatever people wrote into it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from building import MORNING, day
from databases import Server, is_sqlite, opened, sql
from sqlalchemy.engine import Connection

from llm_maint.domain.firing import Timing
from llm_maint.domain.schedule import Every
from llm_maint.errors import DataError, MaintError
from llm_maint.store import claims, listing, migrations, queue
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.driver import Source
from llm_maint.store.driver import opened as opened_by_driver
from llm_maint.store.due import anything_due
from llm_maint.store.migrations import MIGRATIONS
from llm_maint.store.schema import LATEST
from llm_maint.store.tables import schema_versions

TIMES: dict[str, tuple[Any, ...]] = {
    "sqlite": (
        *("2026-01-03 10:00:00.000000", "2026-01-03T12:00:00+02:00", "2026-01-03", "12:00"),
        *("now", "NOW", b"now", "garbage", "", "infinity", "9999-12-31 23:59:59.999999", b"\xff"),
        *(0, 2461166.5, -1, "2026-13-01", "now()", " now", "CURRENT_TIMESTAMP", None),
    ),
    "postgresql": (
        *("2026-01-03 10:00:00+00", "infinity", "-infinity", "0044-03-15 12:00 BC", "294276-12-31"),
        *("now", None),
    ),
}
"""What may stand in a column of times."""

FALSE = (0, "false")
STATUSES = ("success", "failed", "skipped", "interrupted", "abandoned", "pending", "running", "odd")
JOBS = (
    *("id", "job_type", "bot_id", "enabled", "interval_minutes", "last_run_at", "next_run_at"),
    *("created_at", "config_json", "name", "last_status", "attempt", "consecutive_failures"),
    *("claim_run_id", "lease_expires_at", "slot_at"),
)
RUNS = (
    *("id", "job_id", "bot_id", "status", "started_at", "finished_at", "duration_ms"),
    *("result_json", "error_message", "job_name", "job_type", "attempt", "trigger", "host"),
)


@dataclass(frozen=True, slots=True)
class Old:
    """A database of version 3; `prefix` stands before the names of our tables."""

    database: Database
    url: str
    schema: str

    @property
    def times(self) -> tuple[Any, ...]:
        """What stands in the columns of times, a job for each."""
        return TIMES["sqlite" if is_sqlite(self.database) else "postgresql"]

    @property
    def prefix(self) -> str:
        """What stands before the name of a table."""
        return f'"{self.schema}".' if self.schema else ""

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """Return these columns of all rows as they are written, on PostgreSQL as text."""
        shown = columns if is_sqlite(self.database) else [f"{name}::text" for name in columns]
        query = f"SELECT {', '.join(shown)} FROM {self.prefix}{table} ORDER BY id"
        return sql(self.database, query)

    def insert(self, table: str, **row: Any) -> None:  # noqa: ANN401 any column
        """Insert a row; on PostgreSQL its texts become what the columns are."""
        typed = {name: sa.literal(value, sa.types.NullType()) for name, value in row.items()}
        target = sa.table(table, *map(sa.column, row), schema=self.schema or None)
        with self.database.write() as connection:
            connection.execute(sa.insert(target).values(typed))

    def shape(self) -> dict[str, list[str]]:
        """Return the columns and the indexes of all tables of ours."""
        with self.database.read() as connection:
            look = sa.inspect(connection)
            names = look.get_table_names(self.schema or None)
            return {
                name: [str(each["name"]) for each in look.get_columns(name, self.schema or None)]
                + _indexes(connection, name)
                for name in names
            }


def _indexes(connection: Connection, table: str) -> list[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = :t"
        if connection.dialect.name == "sqlite"
        else "SELECT indexname FROM pg_indexes WHERE tablename = :t"
    )
    return sorted(connection.execute(sa.text(query), {"t": table}).scalars())


@pytest.fixture(params=["sqlite", "postgresql", "a schema of its own"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    """Return a database of version 3 with jobs and runs of every kind."""
    if request.param == "sqlite":
        yield from _old(f"sqlite:///{tmp_path}/assistant.db", "")
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.create()
    yield from _old(url, "" if request.param == "postgresql" else "own")
    server.drop(url)


def _old(url: str, schema: str) -> Iterator[Old]:
    database = opened(url, schema=schema)
    with database.write() as connection:
        if schema:
            connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
        for number, migration in enumerate(MIGRATIONS[:3], start=1):
            migration(connection)
            connection.execute(schema_versions.insert().values(version=number, applied_at=MORNING))
    found = Old(database, url, schema)
    _fill(found)
    yield found
    database.close()


def _fill(old: Old) -> None:
    for number, time in enumerate(old.times):
        old.insert(
            "scheduled_jobs",
            id=f"job-{number}",
            job_type="any",
            name=f"job {number}",
            enabled=number % 3 > 0,
            interval_minutes=number + 1,
            last_run_at=time,
            next_run_at=time,
            slot_at=time,
            config_json='{"entity_id": "n\u00efck"}',
            attempt=number % 3,
            claim_run_id=None if number % 2 else f"run-{number}",
            lease_expires_at=None if number % 2 else "2026-01-03 10:02:00+00:00",
        )
    for number, status in enumerate(STATUSES * 2):
        old.insert(
            "job_runs",
            id=f"run-{number}",
            job_id=f"job-{number % 4}",
            status=status,
            started_at=old.times[number % len(old.times)],
            result_json='{"a": [1, null]}',
            error_message="r\u00e9sum\u00e9\n",
        )


def test_an_upgrade_loses_nothing(old: Old) -> None:
    """Every column of every row is as it was, and the new ones say what was so before."""
    jobs, runs = old.rows("scheduled_jobs", JOBS), old.rows("job_runs", RUNS)
    assert (len(jobs), len(runs)) == (len(old.times), 2 * len(STATUSES))
    assert old.database.upgrade(now=day(1)) == (3, LATEST)
    assert old.rows("scheduled_jobs", JOBS) == [tuple(map(_still, JOBS, row)) for row in jobs]
    assert old.rows("job_runs", RUNS) == runs
    assert {row[1:] for row in old.rows("job_runs", ("id", "scheduled_for"))} == {(None,)}
    with old.database.read() as connection:
        for job in listing.all_jobs(source_of(connection)):
            number = int(job.id.removeprefix("job-"))
            every = Every(timedelta(minutes=number + 1))
            assert (job.timing, job.problem) == (Timing(schedule=every), None)


def _still(column: str, value: Any) -> Any:  # noqa: ANN401 of any column
    """Return a value as it is after the upgrade: a word that no index can hold says "due now"."""
    written = value.decode("latin-1") if isinstance(value, bytes) else value
    due_now = column == "next_run_at" and str(written).lower() == "now"
    return None if due_now else value


def test_an_upgrade_brings_the_indexes(old: Old) -> None:
    """What is due, held, new or fired is found by an index; those that served so far are gone."""
    old.database.upgrade(now=day(1))
    shape = old.shape()
    assert {name for name in shape["scheduled_jobs"] if name.endswith("_idx")} == {
        "scheduled_jobs_due_idx",
        "scheduled_jobs_lease_idx",
    }
    assert {name for name in shape["job_runs"] if name.endswith("_idx")} == {
        *("job_runs_newest_idx", "job_runs_job_idx", "job_runs_slot_idx"),
    }
    assert shape.keys() >= {f"maintenance_{each}" for each in ("shares", "share_items")}
    slot = {"job_id": "j", "scheduled_for": "2026-01-03 10:00:00+00:00"}
    for attempt in (1, 2, 3):
        old.insert("job_runs", id=f"new-{attempt}", status="failed", attempt=attempt, **slot)
    with pytest.raises(DataError, match="job_runs"):
        old.insert("job_runs", id="twice", status="success", attempt=3, **slot)


def test_the_work_goes_on(old: Old) -> None:
    """What was due is due, what was held is taken back when its lease has run out, and runs."""
    old.database.upgrade(now=day(1))
    source = opened_by_driver(old.url, schema=old.schema, timeout=5)
    assert source is not None
    assert anything_due(source, host="studio", now=day(1)) == (True, False)
    source.close()
    jobs = {row[0]: row for row in old.rows("scheduled_jobs", ("id", "enabled", "claim_run_id"))}
    with old.database.brief() as brief:
        claims.rescue_expired(brief, now=day(1))
        expected = {claim.job_id for claim in queue.due(brief, now=day(1))}
        claimed = list(_claimed(brief))
    assert Counter(claimed) == dict.fromkeys(expected, 1)
    assert expected <= {job_id for job_id, enabled, _ in jobs.values() if enabled not in FALSE}
    assert expected & {job_id for job_id, _, claim in jobs.values() if claim is not None}


def _claimed(source: Source) -> Iterator[str]:
    tick = queue.Tick(due_by=day(1), lease=timedelta(minutes=2), host="here")
    while (claim := tick.claim_next(source, now=day(1))) is not None:
        yield claim.job_id


def test_a_second_upgrade_changes_nothing(old: Old) -> None:
    """It is the latest version, and stays so to the byte."""
    old.database.upgrade(now=day(1))
    before = (old.shape(), old.rows("scheduled_jobs", JOBS), old.rows("job_runs", RUNS))
    assert old.database.upgrade(now=day(2)) == (LATEST, LATEST)
    assert (old.shape(), old.rows("scheduled_jobs", JOBS), old.rows("job_runs", RUNS)) == before


@pytest.mark.parametrize("dies", ["at its last table", "after its last statement"])
def test_an_upgrade_that_dies_leaves_version_3(
    old: Old, dies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is there: no column, no index, no row that was changed on the way."""
    if dies == "at its last table":
        sql(old.database, f"CREATE TABLE {old.prefix}maintenance_share_workers (id integer)")
    else:
        monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS[:3], _applied_and_dead))
    before = (old.shape(), old.rows("scheduled_jobs", JOBS), old.rows("job_runs", RUNS))
    with pytest.raises((sa.exc.DBAPIError, MaintError, KeyboardInterrupt)):
        old.database.upgrade(now=day(1))
    assert old.database.version() == 3
    assert (old.shape(), old.rows("scheduled_jobs", JOBS), old.rows("job_runs", RUNS)) == before


def _applied_and_dead(connection: Connection) -> None:
    MIGRATIONS[3](connection)
    raise KeyboardInterrupt
