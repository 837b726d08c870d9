"""Jobs as people administer them: added, found, switched, removed."""

from datetime import timedelta

import pytest
from building import MORNING
from databases import sql

from llm_maint.domain.firing import Timing
from llm_maint.domain.schedule import Every
from llm_maint.errors import JobBusyError, UnknownNameError, UsageError
from llm_maint.store import job_edits, jobs, queue
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.listing import ScheduledJob


def _add(database: Database, name: str) -> ScheduledJob:
    with database.write() as connection:
        return job_edits.add_job(
            connection,
            job_type="profile_maintenance",
            name=name,
            timing=Timing(schedule=Every(timedelta(minutes=90))),
            bot_id="nova",
            config={"entity_id": "nick"},
            now=MORNING,
        )


def _find(database: Database, name: str) -> ScheduledJob:
    with database.read() as connection:
        return jobs.find_job(connection, name)


def test_an_added_job_is_due_at_once(database: Database) -> None:
    """What was given is kept, and nothing has run yet."""
    added = _add(database, "nightly")
    assert added == _find(database, "nightly")
    assert (added.job_type, added.bot_id, added.config) == (
        "profile_maintenance",
        "nova",
        {"entity_id": "nick"},
    )
    assert (added.timing.schedule, added.enabled, added.next_run_at) == (
        Every(timedelta(minutes=90)),
        True,
        None,
    )
    assert (added.last_run_at, added.last_status) == (None, None)


def test_a_job_is_found_by_name_id_or_start_of_its_id(database: Database) -> None:
    """All three name the same job."""
    nightly, hourly = _add(database, "nightly"), _add(database, "hourly")
    sql(database, "UPDATE scheduled_jobs SET id = 'abc1' WHERE id = :id", id=nightly.id)
    sql(database, "UPDATE scheduled_jobs SET id = 'abd2' WHERE id = :id", id=hourly.id)
    for name in ("nightly", "abc1", "abc"):
        assert _find(database, name).name == "nightly"


def test_an_id_goes_before_a_name_and_a_name_before_a_start(database: Database) -> None:
    """A name that is also the start of another job's id means the job of that name."""
    named, other = _add(database, "ab"), _add(database, "other")
    sql(database, "UPDATE scheduled_jobs SET id = 'ff' WHERE id = :id", id=named.id)
    sql(database, "UPDATE scheduled_jobs SET id = 'abc' WHERE id = :id", id=other.id)
    assert _find(database, "ab").name == "ab"
    assert _find(database, "ff").name == "ab"


@pytest.mark.parametrize("name", ["twin", "ab"], ids=["two of one name", "two of one start"])
def test_a_name_that_is_not_unique_is_refused(database: Database, name: str) -> None:
    """The message lists the ids to choose from."""
    insert = "INSERT INTO scheduled_jobs (id, job_type, interval_minutes) VALUES (:id, 'twin', 60)"
    sql(database, insert, id="ab1")
    sql(database, insert, id="ab2")
    with pytest.raises(UnknownNameError, match=r"ab1, ab2"):
        _find(database, name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nightli", "did you mean 'nightly'"),
        ("zzz", "known: hourly, nightly"),
        ("", "known: hourly, nightly"),
        ("night%", "did you mean 'nightly'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    database: Database, name: str, message: str
) -> None:
    """A slip of the hand is met with the name that was meant; `%` is no wildcard."""
    _add(database, "nightly")
    _add(database, "hourly")
    with pytest.raises(UnknownNameError, match=message):
        _find(database, name)


def test_without_jobs_the_message_says_so(database: Database) -> None:
    """An empty list of known names is said in words."""
    with pytest.raises(UnknownNameError, match="there is no job yet"):
        _find(database, "nightly")


def test_two_jobs_of_one_name_are_refused(database: Database) -> None:
    """The second is not added."""
    _add(database, "nightly")
    with pytest.raises(UsageError, match="--name"):
        _add(database, "nightly")
    assert len(sql(database, "SELECT 1 FROM scheduled_jobs")) == 1


def test_jobs_are_listed_by_name(database: Database) -> None:
    """The list is in the order of the names, whenever the jobs were added."""
    for name in ("nightly", "hourly", "weekly"):
        _add(database, name)
    with database.read() as connection:
        assert [job.name for job in jobs.all_jobs(connection)] == ["hourly", "nightly", "weekly"]


def test_a_job_can_be_switched_off_and_on(database: Database) -> None:
    """Switching touches this job only."""
    job, other = _add(database, "nightly"), _add(database, "hourly")
    for enabled in (False, True):
        with database.write() as connection:
            job_edits.set_enabled(connection, job, enabled=enabled)
        assert _find(database, job.id).enabled == enabled
        assert _find(database, other.id).enabled


def test_a_removed_job_leaves_the_others(database: Database) -> None:
    """Only the job itself goes."""
    job, _ = _add(database, "nightly"), _add(database, "hourly")
    with database.write() as connection:
        job_edits.remove_job(connection, job, now=MORNING)
    assert sql(database, "SELECT name FROM scheduled_jobs") == [("hourly",)]


def test_a_running_job_is_not_removed(database: Database) -> None:
    """A job that a process holds stays until it has ended."""
    job = _add(database, "nightly")
    with database.write() as connection:
        queue.claim_now(
            source_of(connection), job.id, now=MORNING, lease=timedelta(minutes=2), host="here"
        )
    with (
        pytest.raises(JobBusyError, match="nightly is running"),
        database.write() as connection,
    ):
        job_edits.remove_job(connection, job, now=MORNING)
    assert _find(database, "nightly").id == job.id


def test_a_job_of_a_dead_process_can_be_removed(database: Database) -> None:
    """A claim whose lease has run out holds nothing any more."""
    job = _add(database, "nightly")
    lease = timedelta(minutes=2)
    with database.write() as connection:
        queue.claim_now(source_of(connection), job.id, now=MORNING, lease=lease, host="here")
    claimed = _find(database, "nightly")
    assert claimed.is_running(now=MORNING)
    assert not claimed.is_running(now=MORNING + lease)
    with database.write() as connection:
        job_edits.remove_job(connection, job, now=MORNING + lease)
    assert sql(database, "SELECT 1 FROM scheduled_jobs") == []
