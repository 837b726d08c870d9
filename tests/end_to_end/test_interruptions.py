"""SIGTERM and Ctrl-C at any moment of a tick: what was begun is handed back, nothing is torn."""

import random
import signal
import socket
import time
from pathlib import Path

import pytest
from command import Command
from workshop import Workshop, start, wait_until

MOMENTS = 10
"""Ticks that are interrupted, each at a moment of its own."""


@pytest.mark.parametrize("times", [1, 5], ids=["once", "five times"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_an_interrupted_tick_hands_back_what_it_holds(
    workshop: Workshop, number: signal.Signals, code: int, times: int
) -> None:
    """No claim is left, no attempt is counted, nothing is said: the next tick finds all due."""
    chance = random.Random(f"{number} {times}")
    workshop.add("noting", "a", "b", "c", seconds=0.05)
    codes = []
    for moment in range(MOMENTS):
        begun = len(workshop.notes())
        tick = workshop.start("run-due")
        tick.until_it_listens()
        if moment % 2:  # while a job is at work, for sure
            wait_until(lambda: len(workshop.notes()) > begun)  # noqa: B023
        time.sleep(chance.uniform(0, 0.02 if moment % 2 else 0.3))
        tick.send(number, times=times)
        done = tick.wait()
        assert (done.code in (code, 0), done.out, done.errors) == (True, "", "")
        assert workshop.claims() == []
        assert {workshop.job(name).attempt for name in workshop.names()} == {0}
        codes.append(done.code)
        workshop.let_all_be_due()
    assert code in codes
    workshop.tick()
    found = set(workshop.runs())
    assert found == {("interrupted", 1), ("success", 1)}
    assert workshop.succeeded().keys() == workshop.names()


def test_signals_of_both_kinds_at_once_are_one_interruption(workshop: Workshop) -> None:
    """Whichever is seen first decides the exit code; the others change nothing of it."""
    workshop.add("noting", "long", until="never")
    for begun in range(3):
        tick = workshop.start("run-due")
        wait_until(lambda: len(workshop.notes()) > begun)  # noqa: B023
        for number in (signal.SIGTERM, signal.SIGINT) * 10:
            tick.send(number, times=2)
        done = tick.wait()
        assert (done.code in (130, 143), done.out, done.errors) == (True, "", "")
        assert workshop.claims() == []
    assert workshop.runs() == [("interrupted", 1)] * 3


def test_a_server_that_does_not_answer_does_not_keep_a_signal_waiting(tmp_path: Path) -> None:
    """A tick that waits for its database ends at once, long before it would give up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://maint@127.0.0.1:{silent.getsockname()[1]}/memory"
        settings = {"database_url": url, "database_connect_timeout_seconds": "60"}
        waiting = start(Command(tmp_path, settings), "run-due")
        with silent.accept()[0] as connection:
            connection.recv(1)
            started = time.monotonic()
            waiting.send(signal.SIGTERM)
            done = waiting.wait()
    assert (done.code, done.out, done.errors) == (143, "", "")
    assert time.monotonic() - started < 5
