"""Progress bars: after a moment, of what there are several, and gone at the end."""

import io
import time

import pytest
from rich.console import Console

from llm_maint.console import bars
from llm_maint.console.bars import Bars


def _shown(after: float, monkeypatch: pytest.MonkeyPatch, seconds: float) -> str:
    monkeypatch.setattr(bars, "AFTER_SECONDS", after)
    file = io.StringIO()
    found = Bars("consolidating nick", Console(file=file, force_terminal=True, width=80))
    with found.shown():
        found.told("requests", 1, 7)
        found.told("entities", 0, 1)
        deadline = time.monotonic() + seconds
        while "1/7" not in file.getvalue() and time.monotonic() < deadline:
            time.sleep(0.02)
    return file.getvalue()


def test_bars_show_what_there_are_several_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """One entity has no bar of its own; the bars leave the terminal as it was."""
    shown = _shown(0.0, monkeypatch, 10.0)
    assert "consolidating nick" in shown
    assert "1/7" in shown
    assert "entities" not in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor comes back


def test_quick_work_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would only flicker."""
    assert "consolidating" not in _shown(60.0, monkeypatch, 0.1)


def test_each_job_begins_anew() -> None:
    """The bars of the job before are not those of the next, and its name is."""
    found = Bars("running what is due", Console(file=io.StringIO(), width=80))
    found.named("first")("entities", 3, 3)
    found.named("\x1b[31msecond")("requests", 1, 7)
    shown = [task.description for task in found._progress.tasks]
    assert shown == ["\\x1b[31msecond", "requests"]
