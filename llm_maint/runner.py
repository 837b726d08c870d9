"""The way of a due job: claim, execute, settle, record; one job after the other, then done."""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from llm_maint.contract import Clock, LanguageModel
from llm_maint.domain.listening import NOBODY, Listener
from llm_maint.domain.progress import Watch, unwatched
from llm_maint.domain.runs import Claim, Finished, Interrupted, Outcome, Run, Skipped, Status
from llm_maint.domain.settlement import exit_code_of, settle, unrecorded
from llm_maint.errors import DatabaseBusyError, ExitCode, InterruptedRunError, JobBusyError
from llm_maint.execution import Execution
from llm_maint.lease import Lease
from llm_maint.settings.sections import Settings
from llm_maint.store import claims, queue
from llm_maint.store.database import Database
from llm_maint.store.driver import Source
from llm_maint.store.words import Answer, Query, ask_together
from llm_maint.taking_part import LOOK_SECONDS, PartTaker

log = logging.getLogger(__name__)

RECORD_ATTEMPTS = 3
"""Tries to record a run, each as long as a lock is waited for."""


Next = Callable[[Source, Sequence[Query]], tuple[Claim | None, list[Answer]]]
"""Asks what is to be asked, and claims the next job in the same trip to the server."""


def no_next(source: Source, before: Sequence[Query]) -> tuple[None, list[Answer]]:
    """Claim nothing."""
    return None, ask_together(source, *before)


@dataclass(slots=True, kw_only=True)
class Turn:
    """What a tick may begin: what is due, until its time or its number is up, or it is stopped."""

    tick: queue.Tick
    clock: Clock
    by: datetime | None
    left: int | None
    is_told_to_stop: Callable[[], bool]

    @property
    def goes_on(self) -> bool:
        """Whether more may be begun."""
        return self.left != 0 and (self.by is None or self.clock() < self.by)

    def claim_next(
        self, source: Source, before: Sequence[Query]
    ) -> tuple[Claim | None, list[Answer]]:
        """Claim the next job, in the transaction that records the one before."""
        if not self.goes_on or self.is_told_to_stop():
            return no_next(source, before)
        claim, answers = self.tick.claim_next_after(source, before, now=self.clock())
        if claim is not None:
            self.left = None if self.left is None else self.left - 1
            # What comes after it takes it to the disk. Were it lost with the server before that,
            # the job would be due as it was, and what was recorded with the claim would be run
            # again; the last record of a tick waits, and with it all that it tells. On PostgreSQL
            # the claim itself says so.
            source.waits = False
        return claim, answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs jobs.

    `interruptible()` is the one stretch of the way in which a signal may raise
    `InterruptedRunError`, and a time-out `JobTimedOutError`; anywhere else they wait, so that
    claims and records are never torn. `end_process` is for a job that cannot be interrupted.
    `listener` is told of runs, dry ones excepted.
    """

    settings: Settings
    database: Database
    clock: Clock
    model: Callable[[], LanguageModel | None]
    host: str
    interruptible: Callable[[timedelta | None], AbstractContextManager[None]]
    end_process: Callable[[ExitCode], None]
    watch: Watch = unwatched
    listener: Listener = NOBODY

    def run_due(
        self,
        *,
        limit: int | None = None,
        job_id: str | None = None,
        within: timedelta | None = None,
    ) -> Generator[Finished]:
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
        started, lease = self.clock(), self._lease
        by = None if within is None else started + within
        turn = Turn(
            tick=queue.Tick(due_by=started, lease=lease.length, host=self.host, job_id=job_id),
            clock=self.clock,
            by=by,
            left=limit,
            is_told_to_stop=self._is_told_to_stop,
        )
        with self.database.brief() as source:
            claim, _ = turn.claim_next(source, ())
        if claim is not None:
            yield from self._one_after_the_other(claim, lease, turn)
        with self.interruptible(None):  # a signal that came while a run was recorded raises here
            if turn.tick.passed_over:  # whoever has it may be about to open its run to others
                time.sleep(LOOK_SECONDS)
        if turn.goes_on:
            self._part_taker(lease).take_part(job_id, by=by)

    def _one_after_the_other(self, claim: Claim, lease: Lease, turn: Turn) -> Iterator[Finished]:
        following: Claim | None = claim
        with lease.watching():
            while following is not None:
                finished, following = self._run(following, lease, turn.claim_next)
                try:
                    yield finished
                except GeneratorExit:  # whoever asked wants no more
                    if following is not None:
                        self._record(following, Interrupted(), no_next)
                    raise

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
        finished, _ = self._run(claim, self._lease)
        return finished

    def preview(self, *, job_id: str | None = None, limit: int | None = None) -> Iterator[Finished]:
        """Run the due jobs dry: nothing is claimed, written or recorded."""
        with self.database.brief(writes=False) as source:
            due = queue.due(source, now=self.clock(), job_id=job_id)
        for claim in due[:limit]:
            yield self._preview(claim)

    def preview_now(self, job_id: str) -> Finished:
        """Run one job dry, whether it is due or not."""
        with self.database.brief(writes=False) as source:
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
            watch=self.watch,
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
                finished = Finished(run, ExitCode.JOB_FAILED)
                self.listener.ended(finished)
                yield finished
            else:
                log.warning("%s: %s", run.job_name, run.error_message)

    def _is_told_to_stop(self) -> bool:
        try:
            with self.interruptible(None):
                return False
        except InterruptedRunError:
            return True

    def _run(
        self, claim: Claim, lease: Lease, then: Next = no_next
    ) -> tuple[Finished, Claim | None]:
        """Run a job; return what came of it, and the claim of the next."""
        log.info("%s: begun (run %s)", claim.job_name, claim.run_id[:8])
        self.listener.begun(claim)
        interruption: InterruptedRunError | None = None
        try:
            with lease.kept(claim, timeout=self._execution.timeout(claim)):
                outcome = self._execution.execute(claim)
        except InterruptedRunError as error:
            outcome, interruption, then = Interrupted(), error, no_next
        run, following = self._record(claim, outcome, then)
        log.info("%s: %s", claim.job_name, run.status)
        expected = isinstance(outcome, Skipped) and outcome.expected
        finished = Finished(run, exit_code_of(outcome), expected)
        self.listener.ended(finished)
        if interruption is not None:
            raise interruption
        return finished, following

    def _record(self, claim: Claim, outcome: Outcome, then: Next) -> tuple[Run, Claim | None]:
        """Write what came of a run; insist where a lock is in the way, for the work is done."""
        following: Claim | None = None
        for attempt in range(1, RECORD_ATTEMPTS + 1):
            now = self.clock()
            settlement = settle(claim, outcome, now=now)
            try:
                with self.database.brief() as source:
                    claimed, answers = then(source, claims.recording(claim, settlement, now=now))
                    if claimed is not None:  # and committed: one is enough, should this go on
                        following, then = claimed, no_next
                    run = claims.recorded(source, claim, settlement, answers, now=now)
            except DatabaseBusyError as error:
                if attempt == RECORD_ATTEMPTS:
                    raise
                log.info("%s: not recorded yet: %s", claim.job_name, error)
            else:
                # None: somebody has deleted it.
                return run or unrecorded(claim, outcome, now=now), following
        raise AssertionError("unreachable")

    def _part_taker(self, lease: Lease) -> PartTaker:
        return PartTaker(
            database=self.database,
            clock=self.clock,
            host=self.host,
            lease=lease,
            execution=self._execution,
            interruptible=self.interruptible,
        )

    def _preview(self, claim: Claim) -> Finished:
        outcome = self._execution.execute(claim, dry_run=True)
        return Finished(unrecorded(claim, outcome, now=self.clock()), exit_code_of(outcome))
