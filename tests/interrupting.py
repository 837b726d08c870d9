"""Signals in tests: sent to this very process while it is at work, and what they raise."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from llm_maint.bootstrap.signals import Signals
from llm_maint.errors import InterruptedRunError, JobTimedOutError

SOON, NEVER, LONG = (timedelta(seconds=seconds) for seconds in (0.05, 60, 10))


def send(number: int = signal.SIGTERM) -> None:
    """Send a signal to this process, whose handler is called at once."""
    os.kill(os.getpid(), number)


def works(within: timedelta = LONG) -> None:
    """Be busy, at most for a while: nothing that comes may last as long."""
    ends = time.monotonic() + within.total_seconds()
    while time.monotonic() < ends:
        sum(range(100))
    raise AssertionError("nothing came")


def raised(
    signals: Signals, *work: Callable[[], object], timeout: timedelta | None = None
) -> BaseException:
    """Return what ends some work, which would go on otherwise."""
    with (
        pytest.raises((InterruptedRunError, JobTimedOutError)) as raised,
        signals.interruptible(timeout),
    ):
        [each() for each in work]
    return raised.value


def waits(seconds: float) -> None:
    """Let pass what might come."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(0.005)
