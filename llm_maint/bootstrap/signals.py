"""The signals of this process: they, and time-outs, end what is being done, cleanly."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from llm_maint.errors import InterruptedRunError, JobTimedOutError

TYPE_CHECKING = False  # as `typing` has it, without the time that importing it costs a tick
if TYPE_CHECKING:
    from datetime import timedelta
    from sys import UnraisableHookArgs
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

    def rang(self, _number: int, _frame: "FrameType | None") -> None:
        """Raise what the alarm was set for: a time-out, or a signal that was swallowed."""
        if self.deferred:
            return
        if self.pending is not None:
            raise InterruptedRunError(self.pending)
        raise JobTimedOutError

    def was_swallowed(self, unraisable: "UnraisableHookArgs") -> None:
        """Raise once more what came while Python was in a destructor, where nothing gets out."""
        if unraisable.exc_type in (InterruptedRunError, JobTimedOutError):
            signal.setitimer(signal.ITIMER_REAL, _SOON_SECONDS)
        else:
            sys.__unraisablehook__(unraisable)

    @contextmanager
    def interruptible(self, timeout: "timedelta | None" = None) -> Iterator[None]:
        """Let signals raise within; one that came before raises at once.

        Raises:
            JobTimedOutError: what is within takes longer than the time-out.

        """
        try:
            self.deferred = False
            if self.pending is not None:
                raise InterruptedRunError(self.pending)
            if timeout is not None:
                signal.setitimer(signal.ITIMER_REAL, timeout.total_seconds())
            yield
        finally:
            self.deferred = True
            signal.setitimer(signal.ITIMER_REAL, 0)


_SOON_SECONDS = 0.01


SIGNALS = Signals()
"""Of this process: signals have no other home than the process itself."""


def install_signals() -> None:
    """Let SIGINT and SIGTERM end what is being done, cleanly, however often they come."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, SIGNALS.arrived)
    signal.signal(signal.SIGALRM, SIGNALS.rang)
    sys.unraisablehook = SIGNALS.was_swallowed


def ignore_signals() -> None:
    """Let nothing interrupt the end of the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
