"""Fixtures of the composition root: the signals of this process."""

import signal
import sys
from collections.abc import Iterator

import pytest

from llm_maint.bootstrap.signals import Signals

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Return the signals of this process, seen to as the command does; then all is as before."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    hook, of_test = sys.unraisablehook, Signals()
    of_test.deferred = True
    for number in NUMBERS[:2]:
        signal.signal(number, of_test.arrived)
    signal.signal(signal.SIGALRM, of_test.rang)
    sys.unraisablehook = of_test.was_swallowed
    yield of_test
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.unraisablehook = hook
    for number, handler in before.items():
        signal.signal(number, handler)
