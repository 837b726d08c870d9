"""Running a job's code: the only place where an exception becomes an outcome."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from llm_maint.contract import Clock, JobContext, LanguageModel
from llm_maint.domain.progress import Watch
from llm_maint.domain.runs import Claim, Failure, Outcome, Skipped
from llm_maint.errors import (
    ConfigurationError,
    ExitCode,
    JobTimedOutError,
    MaintError,
    UnknownJobTypeError,
)
from llm_maint.jobs import find_job_type
from llm_maint.settings.sections import Settings
from llm_maint.store.database import Database
from llm_maint.store.workers import Worker

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What jobs run with; see `Runner`."""

    settings: Settings
    database: Database
    clock: Clock
    model: Callable[[], LanguageModel | None]
    interruptible: Callable[[timedelta | None], AbstractContextManager[None]]
    watch: Watch

    def execute(self, claim: Claim, *, dry_run: bool = False) -> Outcome:
        """Run the job of a claim; return what it came to."""
        if claim.slot is None:
            return Skipped(f"its time was missed (misfire = {claim.timing.misfire})", expected=True)
        try:
            job = find_job_type(claim.job_type)
            context = self.context(claim, dry_run=dry_run)
            job.check(context.config)
            with self.interruptible(self.timeout(claim)):
                outcome = job.run(context)
            assert isinstance(outcome, Outcome), f"{claim.job_type} returned {outcome!r}"
        except UnknownJobTypeError as error:
            return Skipped(str(error))
        except JobTimedOutError:
            error_text = f"timed out: it took longer than {self.timeout(claim)}"
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

    def context(
        self, claim: Claim, *, dry_run: bool = False, worker: Worker | None = None
    ) -> JobContext:
        """Return what the job of a claim works with.

        Raises:
            ConfigurationError: there is something wrong with the job's row.

        """
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
            progress=self.watch(claim.job_name),
        )

    def timeout(self, claim: Claim) -> timedelta | None:
        """Return how long a job may take; None is for ever."""
        default = timedelta(minutes=self.settings.scheduler.job_timeout_minutes)
        return (default if claim.timing.timeout is None else claim.timing.timeout) or None
