"""Sharing the entities of one run between processes, on as many hosts as there are."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.profile import Entity
from llm_maint.domain.runs import Claim
from llm_maint.errors import MaintError
from llm_maint.store import shares

log = logging.getLogger(__name__)

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
        while not until():
            with self.context.write() as connection:
                item = shares.take(connection, self.claim.run_id, self.worker)
                calls, tokens = shares.spent(connection, self.claim.run_id)
            if item is None:
                return
            mine = self._reported
            self.meter.elsewhere = Usage(calls - mine.calls, tokens - mine.tokens)
            self._taken[item.entity] = item.position
            yield item.entity

    def finish(self, entity: Entity, result: EntityResult) -> None:
        """Note what an entity came to, for the process that opened the run."""
        spent = self.meter.ended - self._reported
        with self.context.write() as connection:
            shares.finish(
                connection,
                self.claim.run_id,
                self._taken.pop(entity),
                worker=self.worker,
                document=result.document(spent=spent),
                spent=spent,
                now=self.context.clock(),
            )
        self._reported = self.meter.ended

    def take_rest(self) -> list[Entity]:
        """Take all that nobody has, for good: nobody else need look at it."""
        with self.context.write() as connection:
            return shares.take_rest(connection, self.claim.run_id, now=self.context.clock())

    def is_unfinished(self) -> bool:
        """Wait for the others; return whether there is more to do: one of them died, or left."""
        while True:
            with self.context.write() as connection:
                shares.take_back(connection, self.claim.run_id, now=self.context.clock())
                free, others = shares.left(connection, self.claim.run_id)
            if free or not others:
                return free
            time.sleep(POLL_SECONDS)

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
