"""The history of runs: read, searched, pruned."""

from datetime import datetime

import pytest
from building import day
from databases import sql

from llm_maint.errors import UnknownNameError
from llm_maint.store import history
from llm_maint.store.database import Database
from llm_maint.store.tables import runs


def _add(
    database: Database,
    run_id: str,
    started_at: datetime | None,
    status: str = "success",
    job: str = "a",
) -> None:
    with database.write() as connection:
        connection.execute(
            runs.insert().values(
                id=run_id,
                job_id=job,
                job_name=job,
                job_type="history_pruning",
                status=status,
                started_at=started_at,
                finished_at=None if status == "running" else started_at,
                attempt=1,
                trigger="due",
            )
        )


@pytest.fixture
def past(database: Database) -> Database:
    """Return a database with five runs of two jobs, one each day, one of which is still running."""
    _add(database, "c3", day(3), status="failed")
    _add(database, "a1", day(1))
    _add(database, "b2", day(2), job="b")
    _add(database, "e5", day(5), status="running")
    _add(database, "d4", day(4), job="b")
    return database


@pytest.mark.parametrize(
    ("limit", "filters", "expected"),
    [
        (9, {}, ["a1", "b2", "c3", "d4", "e5"]),
        (2, {}, ["d4", "e5"]),
        (9, {"job_id": "b"}, ["b2", "d4"]),
        (1, {"job_id": "b"}, ["d4"]),
        (9, {"status": "failed"}, ["c3"]),
        (9, {"job_id": "none"}, []),
    ],
)
def test_the_last_runs_come_newest_last(
    past: Database, limit: int, filters: dict[str, str], expected: list[str]
) -> None:
    """The limit keeps the newest, filters hold together, and the order is that of `tail`."""
    with past.read() as connection:
        found = history.tail(connection, limit=limit, **filters)
    assert [run.id for run in found] == expected


@pytest.mark.parametrize(("name", "found"), [("c3", "c3"), ("c", "c3")])
def test_a_run_is_found_by_the_start_of_its_id(past: Database, name: str, found: str) -> None:
    """An id or a unique start of one names a run."""
    with past.read() as connection:
        assert history.find_run(connection, name).id == found


def test_an_id_goes_before_the_start_of_another(past: Database) -> None:
    """A whole id means its run, although another id begins so."""
    _add(past, "a12", day(6))
    with past.read() as connection:
        assert history.find_run(connection, "a1").id == "a1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a", "more than one run starts with 'a'"),
        ("z9", "no run 'z9'; known: a1, a12"),
        ("", "no run ''|more than one"),
        ("_1", "no run '_1'"),
    ],
)
def test_a_name_of_no_single_run_is_refused(past: Database, name: str, message: str) -> None:
    """None and several are errors; `_` and `%` are no wildcards."""
    _add(past, "a12", day(6))
    with past.read() as connection, pytest.raises(UnknownNameError, match=message):
        history.find_run(connection, name)


def test_pruning_deletes_old_runs_that_have_ended(past: Database) -> None:
    """A run at the limit stays, and so does one that is still running, however old."""
    _add(past, "f6", day(-9), status="running")
    with past.write() as connection:
        assert history.prunable_runs(connection, before=day(3)) == 2
        assert history.prune_runs(connection, before=day(3)) == 2
        assert history.prunable_runs(connection, before=day(3)) == 0
    assert sorted(sql(past, "SELECT id FROM job_runs")) == [("c3",), ("d4",), ("e5",), ("f6",)]


def test_pruning_goes_in_batches(past: Database) -> None:
    """One call deletes at most its limit."""
    deleted: list[int] = []
    while not deleted or deleted[-1]:
        with past.write() as connection:
            deleted.append(history.prune_runs(connection, before=day(9), limit=3))
    assert deleted == [3, 1, 0]


def test_a_run_is_found_among_many_of_one_start(database: Database) -> None:
    """However many other ids begin with it, a whole id is found."""
    for run_id in ("100", "10", "101", "1"):
        _add(database, run_id, day(1))
    with database.read() as connection:
        assert history.find_run(connection, "1").id == "1"


def test_a_run_without_a_start_is_the_oldest(past: Database) -> None:
    """A run that somebody wrote without a time hides none that happened."""
    _add(past, "none", None)
    with past.read() as connection:
        assert [run.id for run in history.tail(connection, limit=9)][:2] == ["none", "a1"]
