"""Signals and time-outs raise where they tear nothing, and once."""

import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from interrupting import LONG, NEVER, SOON, raised, send, waits, works

from llm_maint.bootstrap.signals import Signals
from llm_maint.errors import InterruptedRunError, JobTimedOutError


def test_a_signal_raises_within(signals: Signals) -> None:
    """The error has the exit code of the signal."""
    error = raised(signals, send, works)
    assert isinstance(error, InterruptedRunError)
    assert error.exit_code == 143


def test_a_signal_outside_waits_for_the_next_stretch(signals: Signals) -> None:
    """Where claims and records are written nothing is torn; no other job begins after it."""
    begun: list[str] = []
    send(signal.SIGINT)
    for timeout in (None, NEVER):
        error = raised(signals, lambda: begun.append("a job"), timeout=timeout)
        assert isinstance(error, InterruptedRunError)
        assert error.exit_code == 130
    assert begun == []


def test_repeated_signals_raise_once(signals: Signals) -> None:
    """Further ones do not tear what the first has begun to clean up; the first is what counts."""
    cleaned = 0

    def work() -> None:
        nonlocal cleaned
        try:
            send(signal.SIGINT)
            works()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT) * 3:
                send(number)
                cleaned += 1

    error = raised(signals, work)
    assert isinstance(error, InterruptedRunError)
    assert (error.exit_code, cleaned) == (130, 6)
    send()
    assert signals.pending == signal.SIGINT


def test_a_time_out_raises_within_and_not_before(signals: Signals) -> None:
    """The work has all the time that it was given."""
    begun = time.monotonic()
    assert isinstance(raised(signals, works, timeout=SOON), JobTimedOutError)
    assert SOON <= timedelta(seconds=time.monotonic() - begun) < LONG


@pytest.mark.parametrize("error", [None, ValueError], ids=["well", "badly"])
def test_a_time_out_ends_with_the_stretch(signals: Signals, error: type[Exception] | None) -> None:
    """However the work ends, no alarm is left that would hit what records it."""
    with suppress(ValueError), signals.interruptible(SOON):
        if error:
            raise error
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signals.deferred


def test_an_alarm_after_the_end_does_nothing(signals: Signals) -> None:
    """One that was under way as the work ended, with or without a signal beside it."""
    with signals.interruptible(NEVER):
        pass
    send(signal.SIGALRM)
    send()
    send(signal.SIGALRM)
    assert signals.pending == signal.SIGTERM


def test_no_except_of_a_job_takes_a_time_out_for_a_failure(signals: Signals) -> None:
    """A job that bears every `Exception` and goes on is ended all the same."""
    borne: list[Exception] = []

    def work() -> None:
        while len(borne) < 3:
            try:
                works(within=timedelta(seconds=3))
            except Exception as error:  # noqa: BLE001 what the test is about
                borne.append(error)

    assert isinstance(raised(signals, work, timeout=SOON), JobTimedOutError)
    assert borne == []


def test_the_next_stretch_has_its_own_time(signals: Signals) -> None:
    """One that was timed out leaves the others theirs; without a time-out there is none."""
    for _ in range(2):
        assert isinstance(raised(signals, works, timeout=SOON), JobTimedOutError)
    with signals.interruptible():
        waits(2 * SOON.total_seconds())


def test_a_signal_wakes_who_waits_for_another_thread(signals: Signals) -> None:
    """As the thread does that waits for models: it does not first get its answer."""
    answer = threading.Event()
    sender = threading.Timer(0.02, send)
    sender.start()
    error = raised(signals, lambda: answer.wait(LONG.total_seconds()))
    assert isinstance(error, InterruptedRunError)
    sender.join()
