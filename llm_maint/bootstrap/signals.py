"""The signals of this process: SIGINT and SIGTERM end what is being done, cleanly."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from llm_maint.errors import InterruptedRunError

TYPE_CHECKING = False  # as `typing` has it, without the time that importing it costs a tick
if TYPE_CHECKING:
    from types import FrameType


class Signals:
    """The signal that came, and whether it may raise where it arrives.

    No dataclass, which costs a tick that has nothing to do half of its time.
    """

    __slots__ = ("deferred", "pending")

    def __init__(self) -> None:
        self.deferred = False
        self.pending: int | None = None

    def arrived(self, number: int, _frame: "FrameType | None") -> None:
        """Note a signal; raise where that tears nothing."""
        if self.pending is not None:
            return  # the first is being seen to; a second must not tear what it cleans up
        self.pending = number
        if not self.deferred:
            raise InterruptedRunError(number)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let signals raise within; one that came before raises at once."""
        try:
            self.deferred = False
            if self.pending is not None:
                raise InterruptedRunError(self.pending)
            yield
        finally:
            self.deferred = True


SIGNALS = Signals()
"""Of this process: signals have no other home than the process itself."""


def install_signals() -> None:
    """Let SIGINT and SIGTERM end what is being done, cleanly, however often they come."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, SIGNALS.arrived)


def ignore_signals() -> None:
    """Let nothing interrupt the end of the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
