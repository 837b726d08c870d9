"""The way of a due job: claim, execute, settle, record; one job after the other, then done."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from llm_maint.contract import Clock, JobContext, LanguageModel
from llm_maint.domain.progress import Progress, untold
from llm_maint.domain.runs import Claim, Failure, Interrupted, Outcome, Run, Skipped
from llm_maint.domain.settlement import exit_code_of, settle, unrecorded
from llm_maint.errors import (
    ConfigurationError,
    DatabaseBusyError,
    ExitCode,
    InterruptedRunError,
    JobBusyError,
    MaintError,
    UnknownJobTypeError,
)
from llm_maint.jobs import find_job_type
from llm_maint.settings.sections import Settings
from llm_maint.store import queue
from llm_maint.store.database import Database

log = logging.getLogger(__name__)

RECORD_ATTEMPTS = 3
"""Tries to record a run, each as long as a lock is waited for."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended, and the exit code it asks for."""

    run: Run
    exit_code: ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs jobs.

    `interruptible()` is the one stretch of the way in which a signal may raise
    `InterruptedRunError`; anywhere else it waits, so that claims and records are never torn.
    """

    settings: Settings
    database: Database
    clock: Clock
    model: Callable[[], LanguageModel | None]
    host: str
    interruptible: Callable[[], AbstractContextManager[None]]
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
        self._rescue()  # first: what it takes back is due from then on, in this very tick
        started = self.clock()
        done: list[str] = []
        while limit is None or len(done) < limit:
            with self.interruptible():
                pass  # a signal that came while a run was recorded ends the tick here
            now = self.clock()
            if within is not None and now - started >= within:
                return
            with self.database.write() as connection:
                claim = queue.claim_next(
                    connection,
                    now=now,
                    due_by=started,
                    lease=self._lease,
                    host=self.host,
                    job_id=job_id,
                    besides=done,
                )
            if claim is None:
                return
            yield self._run(claim)
            done.append(claim.job_id)

    def run_now(self, job_id: str) -> Finished:
        """Run one job, whether it is due or not.

        Raises:
            JobBusyError: another process is running it.

        """
        self._rescue()
        with self.database.write() as connection:
            claim = queue.claim_now(
                connection, job_id, now=self.clock(), lease=self._lease, host=self.host
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
    def _lease(self) -> timedelta:
        return timedelta(seconds=self.settings.scheduler.lease_seconds)

    def _rescue(self) -> None:
        with self.database.write() as connection:
            rescued = queue.rescue_expired(connection, now=self.clock())
        for run in rescued:
            log.warning("%s: %s", run.job_name, run.error_message)

    def _run(self, claim: Claim) -> Finished:
        log.info("%s: begun (run %s)", claim.job_name, claim.run_id[:8])
        interruption: InterruptedRunError | None = None
        try:
            with self._renewed(claim):
                outcome = self._execute(claim)
        except InterruptedRunError as error:
            outcome, interruption = Interrupted(), error
        run = self._record(claim, outcome)
        log.info("%s: %s", claim.job_name, run.status)
        if interruption is not None:
            raise interruption
        return Finished(run, exit_code_of(outcome))

    def _record(self, claim: Claim, outcome: Outcome) -> Run:
        """Write what came of a run; insist where a lock is in the way, for the work is done."""
        for attempt in range(1, RECORD_ATTEMPTS + 1):
            now = self.clock()
            try:
                with self.database.write() as connection:
                    return queue.record(connection, claim, settle(claim, outcome, now=now), now=now)
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
        try:
            job = find_job_type(claim.job_type)
            context = self._context(claim, dry_run=dry_run)
            job.check(context.config)
            with self.interruptible():
                outcome = job.run(context)
            assert isinstance(outcome, Outcome), f"{claim.job_type} returned {outcome!r}"
        except UnknownJobTypeError as error:
            return Skipped(str(error))
        except MaintError as error:
            # 2 is for the command line, which was right: what is wrong is in the job.
            usage = error.exit_code is ExitCode.USAGE
            code = ExitCode.JOB_FAILED if usage else error.exit_code
            return Failure(error=str(error), transient=error.transient, exit_code=code)
        except (Exception, SystemExit) as error:
            log.exception("%s failed by a bug", claim.job_name)
            return Failure(error=f"a bug: {error!r}", transient=False)
        return outcome

    def _context(self, claim: Claim, *, dry_run: bool) -> JobContext:
        if claim.config is None:
            raise ConfigurationError(f"config_json of {claim.job_name} is not a JSON object")
        return JobContext(
            config=claim.config,
            database=self.database,
            settings=self.settings,
            clock=self.clock,
            model=self.model,
            claim=None if dry_run else claim,
            dry_run=dry_run,
            progress=self.progress,
        )

    @contextmanager
    def _renewed(self, claim: Claim) -> Iterator[None]:
        """Renew the lease while the job runs: it may think for longer, a dead process may not."""
        ended = threading.Event()
        renewing = threading.Thread(target=self._keep_renewing, args=(claim, ended), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()

    def _keep_renewing(self, claim: Claim, ended: threading.Event) -> None:
        while not ended.wait(self._lease.total_seconds() / 3):
            try:
                with self.database.write() as connection:
                    held = queue.renew(connection, claim, now=self.clock(), lease=self._lease)
            except MaintError as error:
                log.info("%s: the lease could not be renewed yet: %s", claim.job_name, error)
                continue
            if not held:
                log.warning("%s: the claim was lost; the run will change nothing", claim.job_name)
                return
