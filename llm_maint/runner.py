"""The way of a due job: claim, execute, settle, record; one job after the other, then done."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from llm_maint.contract import Clock, LanguageModel
from llm_maint.domain.progress import Progress, untold
from llm_maint.domain.runs import Claim, Interrupted, Outcome, Run, Skipped, Status
from llm_maint.domain.settlement import exit_code_of, settle, unrecorded
from llm_maint.errors import (
    ClaimLostError,
    DatabaseBusyError,
    ExitCode,
    InterruptedRunError,
    JobBusyError,
    JobTimedOutError,
)
from llm_maint.execution import Execution
from llm_maint.jobs import SHARED, find_job_type
from llm_maint.lease import Lease
from llm_maint.settings.sections import Settings
from llm_maint.store import claims, queue, shares
from llm_maint.store.database import Database, Source
from llm_maint.store.shares import Worker

log = logging.getLogger(__name__)

RECORD_ATTEMPTS = 3
"""Tries to record a run, each as long as a lock is waited for."""

LOOK_SECONDS = 0.1
"""How often to look whether a job that another process has just begun is opened to others."""


Next = Callable[[Source], Claim | None]
"""Claims the next job in the transaction that is open."""


def no_next(_source: Source) -> Claim | None:
    """Claim nothing."""
    return None


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended, and the exit code it asks for; `expected` where it needs no telling."""

    run: Run
    exit_code: ExitCode
    expected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs jobs.

    `interruptible()` is the one stretch of the way in which a signal may raise
    `InterruptedRunError`, and a time-out `JobTimedOutError`; anywhere else they wait, so that
    claims and records are never torn. `end_process` is for a job that cannot be interrupted.
    """

    settings: Settings
    database: Database
    clock: Clock
    model: Callable[[], LanguageModel | None]
    host: str
    interruptible: Callable[[timedelta | None], AbstractContextManager[None]]
    end_process: Callable[[ExitCode], None]
    progress: Progress = untold

    def run_due(
        self,
        *,
        limit: int | None = None,
        job_id: str | None = None,
        within: timedelta | None = None,
    ) -> Iterator[Finished]:
        """Run the jobs that are due now, one after the other; yield each as it has ended.

        Args:
            limit: at most so many jobs.
            job_id: only this job.
            within: begin no job later than this after the start.

        Raises:
            InterruptedRunError: a signal came; the claim was handed back.

        """
        # First: what it takes back is due from then on, in this very tick.
        yield from self._rescue()
        started = self.clock()
        tick = queue.Tick(due_by=started, lease=self._lease.length, host=self.host, job_id=job_id)
        ran = 0

        def goes_on() -> bool:
            in_time = within is None or self.clock() - started < within
            return in_time and (limit is None or ran < limit)

        def claim_next(source: Source) -> Claim | None:
            ends = not goes_on() or self._is_told_to_stop()
            return None if ends else tick.claim_next(source, now=self.clock())

        with self.database.brief(durable=False) as source:
            claim = claim_next(source)
        while claim is not None:
            ran += 1
            # In the transaction that records a run the next is claimed: one wait for the disk.
            finished, claim = self._run(claim, claim_next)
            yield finished
        with self.interruptible(None):
            pass  # a signal that came while a run was recorded ends the tick here
        if goes_on():
            self._take_part(job_id)

    def run_now(self, job_id: str) -> Finished:
        """Run one job, whether it is due or not.

        Raises:
            JobBusyError: another process is running it.

        """
        for _ in self._rescue():
            pass  # what was given up before is no news to who wants another run
        with self.database.brief() as source:
            claim = queue.claim_now(
                source, job_id, now=self.clock(), lease=self._lease.length, host=self.host
            )
        if claim is None:
            raise JobBusyError
        finished, _ = self._run(claim)
        return finished

    def preview(self, *, job_id: str | None = None, limit: int | None = None) -> Iterator[Finished]:
        """Run the due jobs dry: nothing is claimed, written or recorded."""
        with self.database.brief() as source:
            due = queue.due(source, now=self.clock(), job_id=job_id)
        for claim in due[:limit]:
            yield self._preview(claim)

    def preview_now(self, job_id: str) -> Finished:
        """Run one job dry, whether it is due or not."""
        with self.database.brief() as source:
            claim = queue.unclaimed(source, job_id, now=self.clock())
        return self._preview(claim)

    @property
    def _execution(self) -> Execution:
        return Execution(
            settings=self.settings,
            database=self.database,
            clock=self.clock,
            model=self.model,
            interruptible=self.interruptible,
            progress=self.progress,
        )

    @property
    def _lease(self) -> Lease:
        return Lease(
            database=self.database,
            clock=self.clock,
            length=timedelta(seconds=self.settings.scheduler.lease_seconds),
            end_process=partial(self.end_process, ExitCode.JOB_FAILED),
        )

    def _rescue(self) -> Iterator[Finished]:
        """Take back what dead processes held; yield the runs of jobs that are given up for now."""
        with self.database.brief() as source:
            rescued = claims.rescue_expired(source, now=self.clock())
        for run in rescued:
            if run.status == Status.FAILED:
                yield Finished(run, ExitCode.JOB_FAILED)
            else:
                log.warning("%s: %s", run.job_name, run.error_message)

    def _is_told_to_stop(self) -> bool:
        try:
            with self.interruptible(None):
                return False
        except InterruptedRunError:
            return True

    def _run(self, claim: Claim, then: Next = no_next) -> tuple[Finished, Claim | None]:
        """Run a job; return what came of it, and the claim of the next."""
        log.info("%s: begun (run %s)", claim.job_name, claim.run_id[:8])
        interruption: InterruptedRunError | None = None
        try:
            with self._lease.kept(claim, timeout=self._execution.timeout(claim)):
                outcome = self._execution.execute(claim)
        except InterruptedRunError as error:
            outcome, interruption, then = Interrupted(), error, no_next
        run, following = self._record(claim, outcome, then)
        log.info("%s: %s", claim.job_name, run.status)
        if interruption is not None:
            raise interruption
        expected = isinstance(outcome, Skipped) and outcome.expected
        return Finished(run, exit_code_of(outcome), expected), following

    def _record(self, claim: Claim, outcome: Outcome, then: Next) -> tuple[Run, Claim | None]:
        """Write what came of a run; insist where a lock is in the way, for the work is done."""
        for attempt in range(1, RECORD_ATTEMPTS + 1):
            now = self.clock()
            settlement = settle(claim, outcome, now=now)
            try:
                with self.database.brief() as source:
                    run = claims.record(source, claim, settlement, now=now)
                    following = then(source)
            except DatabaseBusyError as error:
                if attempt == RECORD_ATTEMPTS:
                    raise
                log.info("%s: not recorded yet: %s", claim.job_name, error)
            else:
                # None: somebody has deleted it.
                return run or unrecorded(claim, outcome, now=now), following
        raise AssertionError("unreachable")

    def _preview(self, claim: Claim) -> Finished:
        outcome = self._execution.execute(claim, dry_run=True)
        return Finished(unrecorded(claim, outcome, now=self.clock()), exit_code_of(outcome))

    def _take_part(self, job_id: str | None) -> None:
        """Share in what other processes have opened to others, until nothing is left to take."""
        while True:
            now = self.clock()
            with self.database.write() as connection:
                worker = shares.join(
                    connection, now=now, lease=self._lease.length, host=self.host, job_id=job_id
                )
                wait = worker is None and shares.may_open(connection, SHARED, now=now)
            if worker is not None:
                self._take_part_as(worker)
            elif wait:
                with self.interruptible(None):
                    time.sleep(LOOK_SECONDS)
            else:
                return

    def _take_part_as(self, worker: Worker) -> None:
        claim = worker.claim
        log.info("%s: taking part in run %s", claim.job_name, claim.run_id[:8])
        timeout = self._execution.timeout(claim)
        try:
            take_part = find_job_type(claim.job_type).take_part
            context = self._execution.context(claim, worker=worker)
            if take_part is not None:
                kept = self._lease.kept(claim, timeout=timeout, worker=worker)
                with kept, self.interruptible(timeout):
                    take_part(context)
        except (ClaimLostError, JobTimedOutError) as error:
            log.info("%s: no longer taking part: %s", claim.job_name, error)
        finally:
            with self.database.write() as connection:
                shares.leave(connection, worker)
