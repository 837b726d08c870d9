"""The tries of one request: whether there is another, how long to wait before it, and the end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from llm_maint.errors import MaintError
from llm_maint.llm.explained import explained
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.retry import LONGEST_WAIT, wait_before

_PASSING = frozenset({Kind.DOWN, Kind.BUSY, Kind.FAILED})


@dataclass(slots=True, kw_only=True)
class Tries:
    """Tries of a request to a `model` at a `place`: `most` of them, `made` so far.

    `seconds` are for all tries together, by the `clock`, which counts on from any moment. Waits
    that we choose ourselves take nothing from them.
    """

    most: int
    seconds: float
    place: str
    model: str
    clock: Callable[[], float]
    draw: random.Random
    made: int = 0
    _ends: float = field(init=False)

    def __post_init__(self) -> None:
        self._ends = self.clock() + self.seconds

    @property
    def left(self) -> float:
        """Seconds."""
        return self._ends - self.clock()

    def wait_after(self, fault: Fault) -> float:
        """Count a try that failed; return the seconds to wait before another.

        Raises:
            MaintError: there is no other; what the fault comes to.

        """
        self.made += 1
        within = self.left
        again = fault.kind in _PASSING and not fault.final
        more = again and self.made < self.most
        named = fault.named_wait
        longest = min(LONGEST_WAIT, max(within, 0)) if more else LONGEST_WAIT
        too_long = again and named is not None and named > longest
        wait = None
        if more and not too_long:
            wait = wait_before(self.made + 1, named=named, draw=self.draw, within=within)
        if wait is None:
            raise self.over(fault, too_long=too_long)
        self._ends += 0.0 if named else wait
        return wait

    def over(self, fault: Fault, *, too_long: bool = False) -> MaintError:
        """Return what a fault comes to that is final; `too_long` is the wait that it asks for."""
        return explained(
            fault, place=self.place, model=self.model, tries=self.made, too_long=too_long
        )
