"""The way of a due job: claim, execute, settle, record; one job after the other, then done."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from llm_maint.contract import Clock, JobContext, LanguageModel
from llm_maint.domain.progress import Progress, untold
from llm_maint.domain.runs import Claim, Failure, Interrupted, Outcome, Run, Skipped, Status
from llm_maint.domain.settlement import exit_code_of, settle, unrecorded
from llm_maint.errors import (
    ClaimLostError,
    ConfigurationError,
    DatabaseBusyError,
    ExitCode,
    InterruptedRunError,
    JobBusyError,
    JobTimedOutError,
    MaintError,
    UnknownJobTypeError,
)
from llm_maint.jobs import SHARED, find_job_type
from llm_maint.lease import Lease
from llm_maint.settings.sections import Settings
from llm_maint.store import claims, queue, shares
from llm_maint.store.database import Database
from llm_maint.store.shares import Worker

log = logging.getLogger(__name__)

RECORD_ATTEMPTS = 3
"""Tries to record a run, each as long as a lock is waited for."""

LOOK_SECONDS = 0.1
"""How often to look whether a job that another process has just begun is opened to others."""


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
        for _ in count() if limit is None else range(limit):
            with self.interruptible(None):
                pass  # a signal that came while a run was recorded ends the tick here
            now = self.clock()
            if within is not None and now - started >= within:
                return
            with self.database.write() as connection:
                claim = tick.claim_next(connection, now=now)
            if claim is None:
                self._take_part(job_id, by=None if within is None else started + within)
                return
            yield self._run(claim)

    def run_now(self, job_id: str) -> Finished:
        """Run one job, whether it is due or not.

        Raises:
            JobBusyError: another process is running it.

        """
        for _ in self._rescue():
            pass  # what was given up before is no news to who wants another run
        with self.database.write() as connection:
            claim = queue.claim_now(
                connection, job_id, now=self.clock(), lease=self._lease.length, host=self.host
            )
        if claim is None:
            raise JobBusyError
        return self._run(claim)

    def preview(self, *, job_id: str | None = None, limit: int | None = None) -> Iterator[Finished]:
        """Run the due jobs dry: nothing is claimed, written or recorded."""
        with self.database.read() as connection:
            due = queue.due(connection, now=self.clock(), job_id=job_id)
        for claim in due[:limit]:
            yield self._preview(claim)

    def preview_now(self, job_id: str) -> Finished:
        """Run one job dry, whether it is due or not."""
        with self.database.read() as connection:
            claim = queue.unclaimed(connection, job_id, now=self.clock())
        return self._preview(claim)

    @property
    def _lease(self) -> Lease:
        return Lease(
            database=self.database,
            clock=self.clock,
            length=timedelta(seconds=self.settings.scheduler.lease_seconds),
            end_process=partial(self.end_process, ExitCode.JOB_FAILED),
        )

    def _timeout(self, claim: Claim) -> timedelta | None:
        """Return how long a job may take; None is for ever."""
        default = timedelta(minutes=self.settings.scheduler.job_timeout_minutes)
        return (default if claim.timing.timeout is None else claim.timing.timeout) or None

    def _rescue(self) -> Iterator[Finished]:
        """Take back what dead processes held; yield the runs of jobs that are given up for now."""
        with self.database.write() as connection:
            rescued = claims.rescue_expired(connection, now=self.clock())
        for run in rescued:
            if run.status == Status.FAILED:
                yield Finished(run, ExitCode.JOB_FAILED)
            else:
                log.warning("%s: %s", run.job_name, run.error_message)

    def _run(self, claim: Claim) -> Finished:
        log.info("%s: begun (run %s)", claim.job_name, claim.run_id[:8])
        interruption: InterruptedRunError | None = None
        try:
            with self._lease.kept(claim, timeout=self._timeout(claim)):
                outcome = self._execute(claim)
        except InterruptedRunError as error:
            outcome, interruption = Interrupted(), error
        run = self._record(claim, outcome)
        log.info("%s: %s", claim.job_name, run.status)
        if interruption is not None:
            raise interruption
        expected = isinstance(outcome, Skipped) and outcome.expected
        return Finished(run, exit_code_of(outcome), expected)

    def _record(self, claim: Claim, outcome: Outcome) -> Run:
        """Write what came of a run; insist where a lock is in the way, for the work is done."""
        for attempt in range(1, RECORD_ATTEMPTS + 1):
            now = self.clock()
            try:
                with self.database.write() as connection:
                    settlement = settle(claim, outcome, now=now)
                    return claims.record(connection, claim, settlement, now=now)
            except DatabaseBusyError as error:
                if attempt == RECORD_ATTEMPTS:
                    raise
                log.info("%s: not recorded yet: %s", claim.job_name, error)
        raise AssertionError("unreachable")

    def _preview(self, claim: Claim) -> Finished:
        outcome = self._execute(claim, dry_run=True)
        return Finished(unrecorded(claim, outcome, now=self.clock()), exit_code_of(outcome))

    def _execute(self, claim: Claim, *, dry_run: bool = False) -> Outcome:
        """Run the job's code. The only place where an exception becomes an outcome."""
        if claim.slot is None:
            return Skipped(f"its time was missed (misfire = {claim.timing.misfire})", expected=True)
        try:
            job = find_job_type(claim.job_type)
            context = self._context(claim, dry_run=dry_run)
            job.check(context.config)
            with self.interruptible(self._timeout(claim)):
                outcome = job.run(context)
            assert isinstance(outcome, Outcome), f"{claim.job_type} returned {outcome!r}"
        except UnknownJobTypeError as error:
            return Skipped(str(error))
        except JobTimedOutError:
            error_text = f"timed out: it took longer than {self._timeout(claim)}"
            return Failure(error=error_text, transient=True)
        except MaintError as error:
            # 2 is for the command line, which was right: what is wrong is in the job.
            usage = error.exit_code is ExitCode.USAGE
            code = ExitCode.JOB_FAILED if usage else error.exit_code
            return Failure(error=str(error), transient=error.transient, exit_code=code)
        except (Exception, SystemExit) as error:
            log.exception("%s failed by a bug", claim.job_name)
            return Failure(error=f"a bug: {error!r}", transient=False)
        return outcome

    def _context(
        self, claim: Claim, *, dry_run: bool = False, worker: Worker | None = None
    ) -> JobContext:
        if claim.problem is not None:
            raise ConfigurationError(claim.problem)
        if claim.config is None:
            raise ConfigurationError(f"config_json of {claim.job_name} is not a JSON object")
        return JobContext(
            config=claim.config,
            database=self.database,
            settings=self.settings,
            clock=self.clock,
            model=self.model,
            claim=None if dry_run else claim,
            worker=worker,
            dry_run=dry_run,
            progress=self.progress,
        )

    def _take_part(self, job_id: str | None, *, by: datetime | None) -> None:
        """Share in what other processes have opened to others, once in each run.

        Whoever has left a run before its end could do no more for it, and would not do better now.
        """
        seen: list[str] = []
        while by is None or self.clock() < by:
            now, lease = self.clock(), self._lease.length
            with self.database.write() as connection:
                # In this order: a run that is opened between the two is joined.
                wait = shares.may_open(connection, SHARED, now=now)
                worker = shares.join(
                    connection, now=now, lease=lease, host=self.host, job_id=job_id, but=seen
                )
            if worker is not None:
                seen.append(worker.claim.run_id)
                self._take_part_as(worker)
            elif wait:
                with self.interruptible(None):
                    time.sleep(LOOK_SECONDS)
            else:
                return

    def _take_part_as(self, worker: Worker) -> None:
        claim = worker.claim
        log.info("%s: taking part in run %s", claim.job_name, claim.run_id[:8])
        timeout = self._timeout(claim)
        try:
            take_part = find_job_type(claim.job_type).take_part
            context = self._context(claim, worker=worker)
            if take_part is not None:
                kept = self._lease.kept(claim, timeout=timeout, worker=worker)
                with kept, self.interruptible(timeout):
                    take_part(context)
        except (ClaimLostError, JobTimedOutError) as error:
            log.info("%s: no longer taking part: %s", claim.job_name, error)
        finally:
            with self.database.write() as connection:
                shares.leave(connection, worker)
