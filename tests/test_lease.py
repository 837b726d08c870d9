"""The lease of a claim is renewed while its job runs, and no longer than the claim is held."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
from building import MORNING
from databases import sql
from shared import LEASE, claimed, joined, opened_to_all

from llm_maint.domain.runs import Claim
from llm_maint.errors import DatabaseBusyError, DatabaseUnavailableError, MaintError
from llm_maint.lease import Lease
from llm_maint.store import claims, workers
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.jobs import all_jobs

SECONDS = 30

SECOND = timedelta(seconds=1)


class Beats:
    """Stands in for the event that tells that a job has ended: time passes when a test says so."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._waiting, self._ended = threading.Semaphore(0), SimpleQueue[bool]()

    def wait(self, seconds: float) -> bool:
        """Wait until the test lets time pass; return whether the job has ended."""
        self.asked.append(seconds)
        self._waiting.release()
        return self._ended.get(timeout=SECONDS)

    def set(self) -> None:
        """Tell that the job has ended."""
        self._ended.put(item=True)

    def begins(self) -> None:
        """Wait until the thread waits for the first time."""
        assert self._waiting.acquire(timeout=SECONDS)

    def pass_by(self) -> None:
        """Let the time pass, and wait until the thread has done what it does then."""
        self._ended.put(item=False)
        self.begins()

    def pass_for_the_last_time(self) -> None:
        """Let the time pass, after which the thread ends by itself."""
        self._ended.put(item=False)


@dataclass
class Kept:
    """A claim, its lease, and the time."""

    database: Database
    claim: Claim
    beats: Beats
    now: datetime = MORNING
    ended: list[datetime] = field(default_factory=list)

    @property
    def lease(self) -> Lease:
        """The lease; a process that is to be ended is only noted."""
        return Lease(
            database=self.database,
            clock=lambda: self.now,
            length=LEASE,
            end_process=lambda: self.ended.append(self.now),
        )

    @property
    def expires_at(self) -> datetime | None:
        """When the claim ends."""
        with self.database.read() as connection:
            (job,) = all_jobs(connection)
        return job.lease_expires_at


@pytest.fixture
def kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Return a claim that was taken in the morning; nothing of its renewal outlives the test."""
    beats = Beats()
    real = SimpleNamespace(Event=lambda: beats, Thread=threading.Thread)
    monkeypatch.setattr("llm_maint.lease.threading", real)
    before = threading.active_count()
    yield Kept(database, claimed(database), beats)
    assert threading.active_count() == before


def test_a_claim_is_renewed_three_times_a_lease(kept: Kept) -> None:
    """Two tries may fail before it is lost; each success counts a whole lease from then."""
    with kept.lease.kept(kept.claim, timeout=None):
        kept.beats.begins()
        assert kept.expires_at == MORNING + LEASE
        for _ in range(3):
            kept.now += LEASE / 3
            kept.beats.pass_by()
            assert kept.expires_at == kept.now + LEASE
    assert kept.beats.asked == [LEASE.total_seconds() / 3] * 4
    assert kept.ended == []


def test_the_part_of_a_worker_is_renewed_and_not_the_claim_of_another(kept: Kept) -> None:
    """Each process keeps what is its own, and nobody keeps a dead one alive."""
    opened_to_all(kept.database, kept.claim, now=MORNING)
    worker = joined(kept.database, now=MORNING)
    with kept.lease.kept(worker.claim, timeout=None, worker=worker):
        kept.beats.begins()
        kept.now += LEASE / 3
        kept.beats.pass_by()
    assert kept.expires_at == MORNING + LEASE
    with kept.database.brief() as source:
        assert workers.renew(source, worker, now=kept.now + LEASE - SECOND, lease=LEASE)


@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("error", [DatabaseBusyError, DatabaseUnavailableError])
def test_a_database_that_fails_for_a_while_is_borne(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, error: type[MaintError], failures: int
) -> None:
    """The next try comes as soon as it would anyway."""
    real, tried = claims.renew, list[int]()

    def renew(*arguments: Any, **named: Any) -> bool:  # noqa: ANN401 as what it stands for
        tried.append(1)
        if len(tried) <= failures:
            raise error
        return real(*arguments, **named)

    monkeypatch.setattr(claims, "renew", renew)
    with kept.lease.kept(kept.claim, timeout=None):
        kept.beats.begins()
        for _ in range(failures):
            kept.now += LEASE / 3
            kept.beats.pass_by()
            assert kept.expires_at == MORNING + LEASE
        kept.now += LEASE / 3 - SECOND
        kept.beats.pass_by()
        assert kept.expires_at == kept.now + LEASE


def _late(kept: Kept) -> None:
    kept.now += LEASE


def _rescued(kept: Kept) -> None:
    with kept.database.write() as connection:
        claims.rescue_expired(source_of(connection), now=MORNING + LEASE)


def _removed(kept: Kept) -> None:
    sql(kept.database, "DELETE FROM scheduled_jobs")


LOST = pytest.mark.parametrize("lost", [_late, _rescued, _removed])


@LOST
def test_a_lost_claim_is_told_and_no_longer_renewed(
    kept: Kept, lost: Callable[[Kept], None], caplog: pytest.LogCaptureFixture
) -> None:
    """What was lost may be another's by now; the job goes on, and will change nothing."""
    with kept.lease.kept(kept.claim, timeout=None):
        kept.beats.begins()
        lost(kept)
        kept.beats.pass_for_the_last_time()
    assert len(kept.beats.asked) == 1
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert told == [(logging.WARNING, "profiles: the claim was lost; the run will change nothing")]


@pytest.mark.parametrize("lost", [_rescued, _removed])
def test_the_end_of_the_run_of_another_is_no_message(
    kept: Kept, lost: Callable[[Kept], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever takes part stops without a word: the process whose claim it was has told."""
    opened_to_all(kept.database, kept.claim, now=MORNING)
    worker = joined(kept.database, now=MORNING)
    with kept.lease.kept(worker.claim, timeout=None, worker=worker):
        kept.beats.begins()
        lost(kept)
        kept.beats.pass_for_the_last_time()
    assert len(kept.beats.asked) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


TIMEOUT = timedelta(minutes=10)


def test_a_process_that_nothing_interrupts_is_ended_a_lease_after_its_time(kept: Kept) -> None:
    """The alarm has had a lease to end the job; what holds it is then no better than dead."""
    with kept.lease.kept(kept.claim, timeout=TIMEOUT):
        kept.beats.begins()
        while kept.now < MORNING + TIMEOUT + LEASE:
            kept.now += LEASE / 3
            kept.beats.pass_by()
            assert kept.ended == []
        kept.now += SECOND
        kept.beats.pass_by()
    assert kept.ended == [MORNING + TIMEOUT + LEASE + SECOND]


def test_a_job_without_a_time_out_is_never_ended(kept: Kept) -> None:
    """However long it works, its claim is renewed and its process lives."""
    with kept.lease.kept(kept.claim, timeout=None):
        kept.beats.begins()
        for _ in range(30):
            kept.now += LEASE - SECOND
            kept.beats.pass_by()
        assert kept.expires_at == kept.now + LEASE
    assert kept.ended == []


def test_a_job_that_fails_ends_the_renewing_too(kept: Kept) -> None:
    """No thread keeps a claim whose job is over, however that came about."""
    with pytest.raises(ZeroDivisionError), kept.lease.kept(kept.claim, timeout=None):
        raise ZeroDivisionError
    assert kept.expires_at == MORNING + LEASE
