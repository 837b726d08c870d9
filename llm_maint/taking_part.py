"""Taking part in runs that other processes have opened to others."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from llm_maint.contract import Clock
from llm_maint.errors import ClaimLostError, JobTimedOutError
from llm_maint.execution import Execution
from llm_maint.jobs import SHARED, find_job_type
from llm_maint.lease import Lease
from llm_maint.store import workers
from llm_maint.store.database import Database
from llm_maint.store.workers import Worker

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
"""How often to look whether a job that another process has just begun is opened to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTaker:
    """A process that has no job of its own left to run; see `Runner`."""

    database: Database
    clock: Clock
    host: str
    lease: Lease
    execution: Execution
    interruptible: Callable[[timedelta | None], AbstractContextManager[None]]

    def take_part(self, job_id: str | None, *, by: datetime | None) -> None:
        """Share in what other processes have opened to others, once in each run.

        Whoever has left a run before its end could do no more for it, and would not do better now.
        """
        seen: list[str] = []
        while by is None or self.clock() < by:
            now, lease = self.clock(), self.lease.length
            with self.database.brief() as source:
                runs = workers.under_way(source, now=now, host=self.host, job_id=job_id)
                fresh = (run.claim for run in runs if run.is_open and run.claim.run_id not in seen)
                claim = next(fresh, None)
                worker = (
                    None if claim is None else workers.join(source, claim, now=now, lease=lease)
                )
            if worker is not None:
                seen.append(worker.claim.run_id)
                self._take_part_as(worker)
            elif any(run.may_open and run.claim.job_type in SHARED for run in runs):
                with self.interruptible(None):
                    time.sleep(LOOK_SECONDS)
            else:
                return

    def _take_part_as(self, worker: Worker) -> None:
        claim = worker.claim
        log.info("%s: taking part in run %s", claim.job_name, claim.run_id[:8])
        timeout = self.execution.timeout(claim)
        try:
            take_part = find_job_type(claim.job_type).take_part
            context = self.execution.context(claim, worker=worker)
            if take_part is not None:
                kept = self.lease.kept(claim, timeout=timeout, worker=worker)
                with kept, self.interruptible(timeout):
                    take_part(context)
        except (ClaimLostError, JobTimedOutError) as error:
            log.info("%s: no longer taking part: %s", claim.job_name, error)
        finally:
            with self.database.brief() as source:
                workers.leave(source, worker)
