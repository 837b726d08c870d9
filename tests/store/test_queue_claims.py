"""Claiming: what is due is claimed in order, by one process only, whoever wrote the row."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from building import MORNING, day
from claiming import claim_next
from databases import is_sqlite, opened, sql

from llm_maint.domain.runs import Claim, Trigger
from llm_maint.domain.schedule import Every
from llm_maint.store import history, queue
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of

LEASE = timedelta(minutes=2)


def _add(database: Database, job_id: str, next_run_at: str | None = None, **columns: Any) -> None:  # noqa: ANN401
    """Insert a job with only the usual columns, as a person does in `psql` or `sqlite3`."""
    row = {
        "id": job_id,
        "job_type": "profile_maintenance",
        "bot_id": "*",
        "enabled": True,
        "interval_minutes": 60,
        "last_run_at": None,
        "next_run_at": next_run_at,
        "created_at": "2026-01-01 00:00:00+00:00",
        "config_json": '{"entity_id": "*"}',
        **columns,
    }
    places = {name: f":{name}" for name in row}
    if not is_sqlite(database):
        for name in ("last_run_at", "next_run_at", "created_at"):
            places[name] = f"CAST(:{name} AS timestamptz)"
        places["config_json"] = "CAST(:config_json AS jsonb)"
    sql(
        database,
        f"INSERT INTO scheduled_jobs ({', '.join(row)}) VALUES ({', '.join(places.values())})",
        **row,
    )


def _claim(database: Database, **changed: Any) -> Claim | None:  # noqa: ANN401 any argument
    with database.write() as connection:
        arguments = {"now": MORNING, "due_by": MORNING, "lease": LEASE, "host": "here"}
        return claim_next(connection, **{**arguments, **changed})


def _claimed(database: Database, **changed: Any) -> list[str]:  # noqa: ANN401 any argument
    found: list[str] = []
    while (claim := _claim(database, **changed)) is not None:
        found.append(claim.job_id)
        assert len(found) <= 40, "no test has more jobs"
    return found


def test_what_has_been_due_for_longest_is_claimed_first(database: Database) -> None:
    """NULL is due now and comes first, then by time, then by id; the future is not due."""
    _add(database, "d-later", "2026-01-03 09:30:00+00:00")
    _add(database, "c-earlier", "2026-01-03 09:00:00+00:00")
    _add(database, "b-tie", "2026-01-03 09:30:00+00:00")
    _add(database, "z-now")
    _add(database, "a-exactly", "2026-01-03 10:00:00+00:00")
    _add(database, "future", "2026-01-03 10:00:01+00:00")
    _add(database, "off", enabled=False)
    assert _claimed(database) == ["z-now", "c-earlier", "b-tie", "d-later", "a-exactly"]


def test_a_row_of_the_usual_columns_is_a_good_job(database: Database) -> None:
    """What nobody filled in has defaults; the name falls back to the type."""
    _add(database, "by-hand", bot_id="nova")
    claim = _claim(database)
    assert claim is not None
    assert (claim.job_id, claim.job_name, claim.job_type, claim.bot_id) == (
        "by-hand",
        "profile_maintenance",
        "profile_maintenance",
        "nova",
    )
    assert (claim.config, claim.timing.schedule) == ({"entity_id": "*"}, Every(timedelta(hours=1)))
    assert (claim.attempt, claim.consecutive_failures, claim.due_at) == (1, 0, None)
    assert (claim.trigger, claim.host, claim.started_at) == (Trigger.DUE, "here", MORNING)


@pytest.mark.parametrize(
    ("text", "is_due"),
    [
        ("2026-01-03T10:00:00Z", True),
        ("2026-01-03T10:00:00.000Z", True),
        ("2026-01-03 10:00:00", True),
        ("2026-01-03T12:00:00+02:00", True),
        ("2026-01-03T10:00:01Z", False),
        ("2026-01-03 10:00:01", False),
        ("2026-01-03T10:00:00-02:00", False),
    ],
)
def test_a_time_in_any_iso_form_is_compared_as_a_time(
    database: Database, text: str, *, is_due: bool
) -> None:
    """A time written by hand is due when its moment has come, however it is spelled."""
    zoned = text if text[-1] == "Z" or text[-6] in "+-" else f"{text}+00:00"
    _add(database, "by-hand", text if is_sqlite(database) else zoned)
    claim = _claim(database)
    assert (claim is not None) == is_due
    if claim is not None:
        assert claim.due_at == MORNING


@pytest.mark.parametrize("config", ["[]", '"text"', "3"])
def test_a_configuration_that_is_no_object_is_told_apart(database: Database, config: str) -> None:
    """A job with another JSON than an object is claimed, without a configuration."""
    _add(database, "by-hand", config_json=config)
    claim = _claim(database)
    assert claim is not None
    assert claim.config is None


@pytest.mark.parametrize("config", [None, "null", "{}"])
def test_no_configuration_is_an_empty_one(database: Database, config: str | None) -> None:
    """NULL stands for no configuration."""
    _add(database, "by-hand", config_json=config)
    claim = _claim(database)
    assert claim is not None
    assert claim.config == {}


def test_what_is_not_json_stops_no_other_job(database: Database) -> None:
    """On SQLite anything can stand in the column: that job alone has no configuration."""
    _add(database, "b-good", "2026-01-03 09:00:00+00:00")
    _add(database, "a-bad")
    if is_sqlite(database):
        sql(database, "UPDATE scheduled_jobs SET config_json = '{entity: ' WHERE id = 'a-bad'")
    else:  # PostgreSQL takes nothing but JSON
        sql(database, "UPDATE scheduled_jobs SET config_json = '7' WHERE id = 'a-bad'")
    claims = [_claim(database), _claim(database)]
    assert [claim and (claim.job_id, claim.config) for claim in claims] == [
        ("a-bad", None),
        ("b-good", {"entity_id": "*"}),
    ]


def test_a_claim_opens_a_run_and_counts_an_attempt(database: Database) -> None:
    """The claim and its run are written together."""
    _add(database, "one")
    claim = _claim(database)
    assert claim is not None
    with database.read() as connection:
        (run,) = history.tail(connection, limit=5)
    assert (run.id, run.job_id, run.status) == (claim.run_id, "one", "running")
    assert (run.started_at, run.attempt, run.finished_at) == (MORNING, 1, None)
    held = sql(database, "SELECT claim_run_id, attempt, last_run_at FROM scheduled_jobs")
    assert held[0][:2] == (claim.run_id, 1)
    assert datetime.fromisoformat(str(held[0][2])).replace(tzinfo=UTC) == MORNING


def test_one_job_alone_can_be_asked_for(database: Database) -> None:
    """With `job_id` only that job is claimed, and only if it is due."""
    _add(database, "first")
    _add(database, "second")
    _add(database, "future", "2027-01-01 00:00:00+00:00")
    assert _claimed(database, job_id="second") == ["second"]
    assert _claimed(database, job_id="future") == []


def test_a_claim_rolled_back_is_none(database: Database) -> None:
    """A process that dies before the commit has claimed nothing."""
    _add(database, "one")
    with database.write(rolls_back=True) as connection:
        assert claim_next(connection, now=MORNING, due_by=MORNING, lease=LEASE, host="here")
    assert _claimed(database) == ["one"]


def test_a_person_may_run_what_is_not_due_but_not_what_is_held(database: Database) -> None:
    """`claim_now` takes a job that is off or not due, and one claim at a time."""
    _add(database, "off", "2027-01-01 00:00:00+00:00", enabled=False)
    for expected in (Trigger.MANUAL, None):
        with database.write() as connection:
            claim = queue.claim_now(
                source_of(connection), "off", now=MORNING, lease=LEASE, host="here"
            )
        assert (claim and claim.trigger) == expected


def test_two_connections_claim_different_jobs(database: Database, database_url: str) -> None:
    """While one claim is not yet committed, PostgreSQL gives the next job to another process."""
    _add(database, "a")
    _add(database, "b")
    other = opened(database_url)
    if is_sqlite(database):  # the second waits for the first: `BEGIN IMMEDIATE`
        claims = [_claim(database), _claim(other)]
    else:
        with database.write() as connection:
            first = claim_next(connection, now=MORNING, due_by=MORNING, lease=LEASE, host="here")
            claims = [first, _claim(other)]
    assert [claim and claim.job_id for claim in claims] == ["a", "b"]
    assert _claimed(other) == []
    other.close()


def test_claims_at_once_take_each_job_once(database: Database, database_url: str) -> None:
    """40 due jobs and 6 claimers: no job is claimed twice and none is left."""
    for number in range(40):
        _add(database, f"job-{number:02}")
    start = threading.Barrier(6)
    claimed: list[str] = []

    def work() -> None:
        own = opened(database_url)
        start.wait(timeout=30)
        claimed.extend(_claimed(own))
        own.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert Counter(claimed) == {f"job-{number:02}": 1 for number in range(40)}
    with database.read() as connection:
        assert len(history.tail(connection, limit=100)) == 40


def test_the_next_due_job_is_told(database: Database) -> None:
    """`next_due_at` is the earliest time of the enabled jobs, None where one is due now."""
    with database.read() as connection:
        assert queue.next_due_at(source_of(connection)) is None
    _add(database, "later", "2026-01-05 10:00:00+00:00")
    _add(database, "soon", "2026-01-04 10:00:00+00:00")
    _add(database, "off", "2026-01-01 00:00:00+00:00", enabled=False)
    with database.read() as connection:
        assert queue.next_due_at(source_of(connection)) == day(1)
    _add(database, "now")
    with database.read() as connection:
        assert queue.next_due_at(source_of(connection)) is None
