"""The lease of a claim, renewed while its job runs: a job may take long, a dead process not."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from llm_maint.contract import Clock
from llm_maint.domain.runs import Claim
from llm_maint.errors import MaintError
from llm_maint.store import claims, workers
from llm_maint.store.database import Database
from llm_maint.store.workers import Worker

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A claim that is kept: since when, how long at most, and by which worker of another's."""

    claim: Claim
    since: datetime
    timeout: timedelta | None
    worker: Worker | None


@dataclass(slots=True, kw_only=True)
class Lease:
    """What it takes to keep claims, one after the other.

    `end_process` ends the process at once, for a job that no signal can interrupt: its claim is
    then taken back as that of a dead process.
    """

    database: Database
    clock: Clock
    length: timedelta
    end_process: Callable[[], None]
    _is_watched: bool = False
    _kept: Kept | None = None
    _at_work: Lock = field(default_factory=Lock)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let one thread watch over all that is kept within.

        A thread for each would cost more than many a job does.
        """
        self._is_watched = True
        try:
            with self._watching():
                yield
        finally:
            self._is_watched = False

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
        self._kept = Kept(claim, self.clock(), timeout, worker)
        try:
            with nullcontext() if self._is_watched else self._watching():
                yield
        finally:
            with self._at_work:  # a renewal that is under way is waited for
                self._kept = None

    @contextmanager
    def _watching(self) -> Iterator[None]:
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        watch.start()
        try:
            yield
        finally:
            ended.set()
            watch.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(self.length.total_seconds() / 3):
            with self._at_work:
                if self._kept is not None and not self._is_held(self._kept):
                    self._kept = None
                if self._kept is None and not self._is_watched:
                    return

    def _is_held(self, kept: Kept) -> bool:
        name = kept.claim.job_name
        if kept.timeout is not None and self.clock() - kept.since > kept.timeout + self.length:
            log.error("%s: it does not end, though its time is up", name)
            self.end_process()
        try:
            if self._renew(kept):
                return True
        except MaintError as error:
            log.info("%s: the lease could not be renewed yet: %s", name, error)
            return True
        # Where the claim is another's, that process tells.
        level = logging.WARNING if kept.worker is None else logging.INFO
        log.log(level, "%s: the claim was lost; the run will change nothing", name)
        return False

    def _renew(self, kept: Kept) -> bool:
        now = self.clock()
        with self.database.brief() as source:
            if kept.worker is not None:
                return workers.renew(source, kept.worker, now=now, lease=self.length)
            return claims.renew(source, kept.claim, now=now, lease=self.length)
