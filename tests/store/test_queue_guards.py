"""A claim holds as long as its lease: renewed, lost, rescued, recorded, handed back."""

from datetime import datetime, timedelta

import pytest
from building import MORNING, NICK
from claiming import claim_next
from databases import dump, sql

from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import Claim, Failure, Interrupted, Run, Status, Success
from llm_maint.domain.schedule import Every
from llm_maint.domain.settlement import settle
from llm_maint.errors import ClaimLostError
from llm_maint.store import claims, history, job_edits, jobs, judgements
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.listing import ScheduledJob

LEASE = timedelta(minutes=2)
ENDED = MORNING + LEASE
SOON = MORNING + timedelta(minutes=1)


@pytest.fixture
def claim(database: Database) -> Claim:
    """Return a claim, taken in the morning, of the only job."""
    with database.write() as connection:
        job_edits.add_job(
            connection,
            job_type="history_pruning",
            name="pruning",
            timing=Timing(schedule=Every(timedelta(hours=1))),
            bot_id=None,
            config={},
            now=MORNING,
        )
    return _claim(database, MORNING)


def _claim(database: Database, now: datetime) -> Claim:
    with database.write() as connection:
        claim = claim_next(connection, now=now, due_by=now, lease=LEASE, host="here")
    assert claim is not None
    return claim


def _rescue(database: Database, now: datetime) -> list[Run]:
    with database.write() as connection:
        return claims.rescue_expired(source_of(connection), now=now)


def _record(database: Database, claim: Claim, outcome: Success | Failure | Interrupted) -> Run:
    with database.write() as connection:
        settlement = settle(claim, outcome, now=SOON)
        run = claims.record(source_of(connection), claim, settlement, now=SOON)
    assert run is not None
    return run


def _job(database: Database) -> ScheduledJob:
    with database.read() as connection:
        (job,) = jobs.all_jobs(connection)
    return job


def test_a_renewed_lease_begins_anew(database: Database, claim: Claim) -> None:
    """After a renewal the claim holds for a whole lease more."""
    with database.write() as connection:
        assert claims.renew(source_of(connection), claim, now=SOON, lease=LEASE)
    assert _job(database).lease_expires_at == SOON + LEASE
    assert _rescue(database, ENDED) == []
    with database.write() as connection:
        claims.fence(source_of(connection), claim, now=ENDED)


@pytest.mark.parametrize("rescued", [False, True])
def test_a_lost_claim_is_never_renewed(database: Database, claim: Claim, *, rescued: bool) -> None:
    """A lease that ran out stays so, although nobody else has taken the job yet."""
    if rescued:
        _rescue(database, ENDED)
    with database.write() as connection:
        assert not claims.renew(source_of(connection), claim, now=ENDED, lease=LEASE)


def _write_behind_the_fence(database: Database, claim: Claim, now: datetime) -> None:
    with database.write() as connection:
        judgements.remember_judged(connection, NICK, [], judge="a model", now=now)
        claims.fence(source_of(connection), claim, now=now)


@pytest.mark.parametrize(
    "rescued", [pytest.param(False, id="expired"), pytest.param(True, id="rescued and taken")]
)
def test_the_fence_rolls_back_what_a_lost_claim_wrote(
    database: Database, claim: Claim, *, rescued: bool
) -> None:
    """A job that outlived its lease changes nothing."""
    if rescued:
        _rescue(database, ENDED)
        _claim(database, ENDED)
    before = dump(database)
    with pytest.raises(ClaimLostError):
        _write_behind_the_fence(database, claim, ENDED)
    assert dump(database) == before


def test_the_fence_lets_a_held_claim_pass(database: Database, claim: Claim) -> None:
    """Within the lease what a job writes is committed."""
    _write_behind_the_fence(database, claim, ENDED - timedelta(microseconds=1))
    assert len(sql(database, "SELECT 1 FROM maintenance_profile_states")) == 1


def test_a_rescue_takes_back_what_expired_and_only_that(database: Database, claim: Claim) -> None:
    """At the end of the lease the run is abandoned and the job due again, its attempt counted."""
    assert _rescue(database, ENDED - timedelta(microseconds=1)) == []
    (run,) = _rescue(database, ENDED)
    assert (run.id, run.status, run.finished_at) == (claim.run_id, Status.ABANDONED, ENDED)
    assert run.duration_ms == 120_000
    assert "here died" in (run.error_message or "")
    job = _job(database)
    assert (job.claim_run_id, job.lease_expires_at, job.next_run_at) == (None, None, ENDED)
    assert (job.last_status, job.consecutive_failures) == ("abandoned", 1)
    assert _rescue(database, ENDED) == []
    assert _claim(database, ENDED).attempt == 2


def test_a_job_that_kills_its_process_waits_for_its_slot_in_the_end(database: Database) -> None:
    """After three deaths the job is not due at once any more."""
    with database.write() as connection:
        job_edits.add_job(
            connection,
            job_type="history_pruning",
            name="deadly",
            timing=Timing(schedule=Every(timedelta(hours=1))),
            bot_id=None,
            config={},
            now=MORNING,
        )
    now = MORNING
    for attempt in (1, 2, 3):
        assert _claim(database, now).attempt == attempt
        now += LEASE
        assert len(_rescue(database, now)) == 1
    next_run_at = _job(database).next_run_at
    assert next_run_at is not None
    assert next_run_at > now


def test_a_claim_whose_run_was_deleted_is_rescued_all_the_same(
    database: Database, claim: Claim
) -> None:
    """No hand-made gap in the history leaves a job stuck."""
    sql(database, "DELETE FROM job_runs WHERE id = :id", id=claim.run_id)
    assert _rescue(database, ENDED) == []
    assert _job(database).claim_run_id is None


def test_an_outcome_is_recorded_once_and_settles_the_job(database: Database, claim: Claim) -> None:
    """The run is completed, the claim given back, the next slot set."""
    run = _record(database, claim, Success({"rows": 3}))
    assert (run.status, run.result, run.finished_at) == ("success", {"rows": 3}, SOON)
    assert (run.duration_ms, run.error_message) == (60_000, None)
    job = _job(database)
    assert (job.claim_run_id, job.last_status) == (None, "success")
    assert job.next_run_at == MORNING + timedelta(hours=1)


def test_a_rescued_run_stays_abandoned(database: Database, claim: Claim) -> None:
    """What a process reports after it lost its claim changes neither its run nor the job."""
    _rescue(database, ENDED)
    new = _claim(database, ENDED)
    before = dump(database)
    run = _record(database, claim, Success({"rows": 3}))
    assert (run.id, run.status, run.result) == (claim.run_id, "abandoned", None)
    assert dump(database) == before
    assert _record(database, new, Success()).status == "success"


def test_a_run_outlives_its_job(database: Database, claim: Claim) -> None:
    """A job deleted while it ran leaves a completed run."""
    sql(database, "DELETE FROM scheduled_jobs")
    assert _record(database, claim, Success()).status == "success"
    with database.read() as connection:
        assert [run.status for run in history.tail(connection, limit=5)] == ["success"]


def test_an_interruption_hands_the_job_back(database: Database, claim: Claim) -> None:
    """The job is as due as it was and the attempt is not counted."""
    run = _record(database, claim, Interrupted())
    assert run.status == "interrupted"
    job = _job(database)
    assert (job.claim_run_id, job.next_run_at, job.consecutive_failures) == (None, None, 0)
    assert _claim(database, SOON).attempt == 1


def test_text_that_no_database_can_hold_is_recorded_all_the_same(
    database: Database, claim: Claim
) -> None:
    """NUL and half characters, in errors or results, become replacement characters."""
    outcome = Failure(error="a\x00b \ud800", transient=False, result={"k\x00": ["\udfff\x00"]})
    run = _record(database, claim, outcome)
    assert run.error_message == "a\ufffdb \ufffd"
    assert run.result == {"k\ufffd": ["\ufffd\ufffd"]}
