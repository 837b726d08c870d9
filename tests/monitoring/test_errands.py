"""Errands are done in order, and whatever becomes of one, the others are done."""

import logging
import threading
from typing import NoReturn

import pytest
from logged import messages, ours

from llm_maint.monitoring.errands import Errands
from llm_maint.monitoring.telling import Telling

SECONDS = 30


def test_errands_are_done_in_order_up_to_the_last() -> None:
    """Each begins after the one before; the end of a thread is told once it has come."""
    done: list[object] = []
    errands = Errands("test", Telling(), last=lambda: done.append("last"))
    assert errands.have_ended(within=0)
    gate = threading.Event()
    errands.send(lambda: done.append(gate.wait(SECONDS)))
    for number in range(3):
        errands.send(lambda number=number: done.append(number))  # type: ignore[misc]
    for _ in range(3):
        errands.end()
    assert not errands.have_ended(within=0)
    gate.set()
    assert errands.have_ended(within=SECONDS)
    assert done == [True, 0, 1, 2, "last"]


def test_a_bug_ends_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, by its kind alone, for its text may hold a secret."""
    done: list[str] = []
    errands = Errands("test", Telling())

    def fail() -> NoReturn:
        raise ValueError("secret")

    for errand in (fail, fail, lambda: done.append("other")):
        errands.send(errand)
    errands.end()
    assert errands.have_ended(within=SECONDS)
    assert done == ["other"]
    assert messages(caplog) == ["monitoring: test: a bug (ValueError)"]


def test_where_no_thread_begins_nothing_is_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that has too many threads costs the monitors, and not the run."""

    def refuse(_thread: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    errands = Errands("test", Telling())
    errands.send(lambda: None)
    errands.end()
    assert errands.have_ended(within=SECONDS)
    assert [record.levelno for record in ours(caplog)] == [logging.WARNING]


def test_after_the_end_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A thread that is left behind does not write while the process ends."""
    telling = Telling()
    telling.end("not all was told")
    telling.once("a", "too late")
    said = Telling()
    said.once("a", "it is down")
    said.end("not all was told")  # which is known by now
    assert messages(caplog) == [
        "monitoring: not all was told",
        "monitoring: it is down",
    ]
