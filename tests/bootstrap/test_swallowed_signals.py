"""Signals and time-outs that arrive in a destructor, where Python lets nothing get out."""

import gc
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from interrupting import NEVER, raised, send, waits, works

from llm_maint.bootstrap.signals import Signals
from llm_maint.errors import InterruptedRunError, JobTimedOutError


def _in_destructor(do: Callable[[], object]) -> None:
    class Last:
        def __del__(self) -> None:
            do()

    Last()


def _in_weakref_callback(do: Callable[[], object]) -> None:
    class Thing:
        pass

    thing = Thing()
    kept = weakref.ref(thing, lambda _: do())
    del thing
    assert kept() is None


def _in_collection(do: Callable[[], object]) -> None:
    class Last:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            do()

    Last()
    gc.collect()


SWALLOWING = pytest.mark.parametrize(
    "swallowing",
    [_in_destructor, _in_weakref_callback, _in_collection],
    ids=["a destructor", "a callback of a weak reference", "a collection of cycles"],
)

Swallowing = Callable[[Callable[[], object]], None]


@SWALLOWING
@pytest.mark.parametrize("timeout", [None, timedelta(seconds=5)])
def test_a_signal_is_not_lost_where_python_swallows_it(
    signals: Signals, swallowing: Swallowing, timeout: timedelta | None
) -> None:
    """It raises again a moment later, as the signal it was, whatever time the work has."""
    error = raised(signals, lambda: swallowing(send), works, timeout=timeout)
    assert isinstance(error, InterruptedRunError)
    assert error.exit_code == 143


@SWALLOWING
def test_a_time_out_is_not_lost_where_python_swallows_it(
    signals: Signals, swallowing: Swallowing
) -> None:
    """It comes again as long as the stretch lasts, here after it was swallowed twice."""

    def until_it_comes_again() -> None:
        _in_destructor(lambda: send(signal.SIGALRM))
        works()

    error = raised(signals, lambda: swallowing(until_it_comes_again), works, timeout=NEVER)
    assert isinstance(error, JobTimedOutError)


def test_what_was_swallowed_last_comes_to_nothing_after_the_end(signals: Signals) -> None:
    """A time-out that was swallowed as the work ended is over; the next stretch is not hit."""
    with suppress(JobTimedOutError), signals.interruptible(NEVER):
        _in_destructor(lambda: send(signal.SIGALRM))
    with signals.interruptible():
        waits(0.05)
    assert signals.pending is None


def test_other_errors_in_destructors_are_told(
    signals: Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Python tells them; they bring no alarm."""

    def fail() -> None:
        raise ValueError("as ever")

    with signals.interruptible():
        _in_destructor(fail)
        waits(0.05)
    assert "ValueError: as ever" in capsys.readouterr().err


SCRIPT = """
import os, signal, time
from datetime import timedelta
from llm_maint.bootstrap.signals import SIGNALS, install_signals

class Last:
    def __del__(self):
        {swallowed}

install_signals()
try:
    with SIGNALS.interruptible(timedelta(seconds={seconds})):
        Last()
        time.sleep(10)
except BaseException as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("swallowed", "seconds", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", 60, "InterruptedRunError"),
        ("os.kill(os.getpid(), signal.SIGINT)", 60, "InterruptedRunError"),
        ("time.sleep(10)", 0.05, "JobTimedOutError"),
    ],
    ids=["SIGTERM", "SIGINT", "time-out"],
)
def test_the_command_sees_to_all_of_them(swallowed: str, seconds: float, told: str) -> None:
    """In a process of its own: what it installs is what is tested here."""
    script = SCRIPT.format(swallowed=swallowed, seconds=seconds)
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (f"{told}\n", "")
