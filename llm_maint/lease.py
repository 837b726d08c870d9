"""The lease of a claim, renewed while its job runs: a job may take long, a dead process not."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from llm_maint.contract import Clock
from llm_maint.domain.runs import Claim
from llm_maint.errors import MaintError
from llm_maint.store import claims, shares
from llm_maint.store.database import Database
from llm_maint.store.shares import Worker

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What it takes to keep a claim.

    `end_process` ends the process at once, for a job that no signal can interrupt: its claim is
    then taken back as that of a dead process.
    """

    database: Database
    clock: Clock
    length: timedelta
    end_process: Callable[[], None]

    @contextmanager
    def kept(
        self, claim: Claim, *, timeout: timedelta | None, worker: Worker | None = None
    ) -> Iterator[None]:
        """Renew a claim, or the worker's part of another's, three times a lease.

        Args:
            claim: whose job runs.
            timeout: how long that may take; a lease later the process is ended.
            worker: this process, where the claim is another's.

        """
        ended = threading.Event()
        arguments = (claim, worker, timeout, ended)
        renewing = threading.Thread(target=self._keep, args=arguments, daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()

    def _keep(
        self,
        claim: Claim,
        worker: Worker | None,
        timeout: timedelta | None,
        ended: threading.Event,
    ) -> None:
        begun = self.clock()
        while not ended.wait(self.length.total_seconds() / 3):
            if timeout is not None and self.clock() - begun > timeout + self.length:
                log.error("%s: it does not end, though its time is up", claim.job_name)
                self.end_process()
            try:
                held = self._renew(claim, worker)
            except MaintError as error:
                log.info("%s: the lease could not be renewed yet: %s", claim.job_name, error)
                continue
            if not held:
                log.warning("%s: the claim was lost; the run will change nothing", claim.job_name)
                return

    def _renew(self, claim: Claim, worker: Worker | None) -> bool:
        if worker is None:
            with self.database.brief() as source:
                return claims.renew(source, claim, now=self.clock(), lease=self.length)
        with self.database.write() as connection:
            return shares.renew(connection, worker, now=self.clock(), lease=self.length)
