"""A probe's surroundings: one system on a database of its own, its starts, its jobs' marks."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.peers.systems import USUAL, Manner, Place, System
from benchmarks.postgres import Server
from benchmarks.processes import Ended, Started
from benchmarks.runner.noop_package.marks import Mark, marks_in

PATIENCE = 60
"""Seconds that a start gets; one that is still at it then is ended, and the cell says so."""

GLANCE = 0.02
"""Seconds between two looks at the marks."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One system, and where it works."""

    system: System
    place: Place

    def at(self, url: str) -> "Trial":
        """Return the trial with its workers sent to another address."""
        return Trial(self.system, replace(self.place, url=url))

    def add(self, kind: str, count: int = 1, *, delay: float = 0, seconds: float = 0) -> None:
        """Add jobs."""
        self.system.add(self.place, kind, count, delay=delay, seconds=seconds)

    def start(self, manner: Manner = USUAL) -> Started:
        """Start a worker."""
        return self.system.start(self.place, manner)

    def run(self, manner: Manner = USUAL, *, within: float = PATIENCE) -> Ended:
        """Start a worker and wait for its end."""
        return self.start(manner).ended(within=within)

    def begun(self) -> list[Mark]:
        """Return the marks of jobs that began."""
        return marks_in(self.place.marks)

    def finished(self) -> list[Mark]:
        """Return the marks of jobs that came to their end."""
        return marks_in(self.place.marks, "ended")

    def sees(self, count: int, *, within: float) -> bool:
        """Wait until so many jobs have begun; return whether they did."""
        until = time.monotonic() + within
        while len(self.begun()) < count:
            if time.monotonic() > until:
                return False
            time.sleep(GLANCE)
        return True


@contextmanager
def trial(system: System, server: Server, *, prepared: bool = True) -> Iterator[Trial]:
    """Give a trial on a new database, with the schema or without."""
    with tempfile.TemporaryDirectory() as folder, server.database() as url:
        place = Place(url, Path(folder))
        if prepared:
            system.prepare(place)
        yield Trial(system, place)


def how_it_ended(ended: Ended) -> str:
    """Return an exit code and the seconds it took, as a cell tells them."""
    if ended.overdue:
        return f"still running after {ended.wall:.0f} s"
    return f"exit {ended.code} after {ended.wall:.1f} s"
