"""Sharing the entities of one run between processes, on as many hosts as there are."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.runs import Claim
from llm_maint.errors import DatabaseBusyError, MaintError
from llm_maint.store import queue, shares

if TYPE_CHECKING:
    from llm_maint.store.database import Connection

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 3
"""At what is written for others, each as long as a lock is waited for."""

POLL_SECONDS = 0.2
"""How often the process that opened a run looks whether the others are done."""


@dataclass(slots=True)
class Share:
    """This process's part of a shared run."""

    context: JobContext
    claim: Claim
    worker: str
    meter: Meter
    count: int = 0
    _taken: dict[Entity, int] = field(default_factory=dict)
    _reported: Usage = NO_USAGE

    def entities(self, *, until: Callable[[], bool]) -> Iterator[Entity]:
        """Take one entity after the other that nobody has, until none is left."""
        while not until() and not self._has_work_of_its_own():
            item, (calls, tokens) = self._insisting(self._take)
            if item is None:
                return
            mine = self._reported
            self.meter.elsewhere = Usage(calls - mine.calls, tokens - mine.tokens)
            self._taken[item.entity] = item.position
            yield item.entity

    def finish(self, entity: Entity, result: EntityResult) -> None:
        """Note what an entity came to, for the process that opened the run."""
        spent = self.meter.ended - self._reported
        position = self._taken.pop(entity)

        def finish(connection: "Connection") -> None:
            shares.finish(
                connection,
                self.claim.run_id,
                position,
                worker=self.worker,
                document=result.document(spent=spent),
                spent=spent,
                now=self.context.clock(),
            )

        self._insisting(finish)
        self._reported = self.meter.ended

    def take_rest(self) -> list[Entity]:
        """Take all that nobody has, for good: nobody else need look at it."""
        run_id, now = self.claim.run_id, self.context.clock()
        return self._insisting(lambda at: shares.take_rest(at, run_id, now=now))

    def is_unfinished(self) -> bool:
        """Wait for the others; return whether there is more to do: one of them died, or left."""
        while True:
            free, others = self._insisting(self._left)
            if free or not others:
                return free
            time.sleep(POLL_SECONDS)

    def _has_work_of_its_own(self) -> bool:
        """Whether a job is due that this process could run instead of helping another.

        Where a timer starts no second process beside one that runs, nobody else would.
        """
        if self.context.worker is None:
            return False
        with self.context.database.brief() as source:
            return bool(queue.due(source, now=self.context.clock(), limit=1))

    def _take(self, connection: "Connection") -> tuple[shares.Item | None, tuple[int, int]]:
        item = shares.take(connection, self.claim.run_id, self.worker)
        return item, shares.spent(connection, self.claim.run_id)

    def _left(self, connection: "Connection") -> tuple[bool, bool]:
        shares.take_back(connection, self.claim.run_id, now=self.context.clock())
        return shares.left(connection, self.claim.run_id)

    def _insisting(self, do: "Callable[[Connection], T]") -> T:
        """Write, and insist where a lock is in the way: what was done for others is not lost."""
        for _ in range(TRIES - 1):
            try:
                with self.context.write() as connection:
                    return do(connection)
            except DatabaseBusyError as error:
                log.info("%s: not shared yet: %s", self.claim.job_name, error)
        with self.context.write() as connection:
            return do(connection)

    def of_others(self) -> list[EntityResult]:
        """Return what the entities came to that other processes took."""
        with self.context.database.read() as connection:
            documents = shares.results_of_others(connection, self.claim.run_id)
        return [EntityResult.read(document) for document in documents]


@contextmanager
def opened(
    context: JobContext, claim: Claim, entities: Sequence[Entity], meter: Meter
) -> Iterator[Share]:
    """Open a run to others while its entities are worked on."""
    with context.write() as connection:
        shares.open_share(connection, claim, entities, now=context.clock())
    try:
        yield Share(context, claim, claim.run_id, meter, len(entities))
    finally:
        _close(context, claim)


def joined(context: JobContext, meter: Meter) -> Share:
    """Return this process's part of the run of another."""
    assert context.worker is not None
    return Share(context, context.worker.claim, context.worker.id, meter)


def _close(context: JobContext, claim: Claim) -> None:
    try:
        with context.database.write() as connection:
            shares.close(connection, claim.run_id)
    except MaintError as error:  # the next run of the job sees to it
        log.info("%s: its shared entities are still there: %s", claim.job_name, error)
