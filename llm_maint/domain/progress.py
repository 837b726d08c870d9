"""How far long work is: steps expected and done, told to whoever watches."""

from collections.abc import Callable
from dataclasses import dataclass

HEARTBEAT = "llm_maint.heartbeat"
"""Name of the log that tells, each minute, how far long work is."""

Progress = Callable[[str, int, int], None]
"""Told of what there are how many, and how many of them are done: `told("requests", 3, 12)`."""


def untold(_what: str, _done: int, _total: int) -> None:
    """Be told, and let nobody know."""


Watch = Callable[[str], Progress]
"""Told the name of the work that begins; what it returns is told how far that is."""


def unwatched(_name: str) -> Progress:
    """Be told of work that begins, and let nobody know."""
    return untold


@dataclass(slots=True)
class Steps:
    """Steps of one kind; more may turn out to be needed while others are done already."""

    what: str
    told: Progress = untold
    total: int = 0
    done: int = 0

    def expect(self, number: int) -> None:
        """Count steps that are to come."""
        self.total += number
        self._tell()

    def step(self) -> None:
        """Count one that is done."""
        self.done += 1
        self._tell()

    def _tell(self) -> None:
        if self.total:
            self.told(self.what, self.done, self.total)
