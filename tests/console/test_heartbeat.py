"""The heartbeat: a line for each minute of work, none for less, where somebody hears it."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from llm_maint.bootstrap.process import install_log
from llm_maint.console import heartbeat
from llm_maint.console.bars import Bars
from llm_maint.console.heartbeat import Heartbeat
from llm_maint.console.output import Output
from llm_maint.domain.progress import HEARTBEAT, Watch, unwatched


@dataclass
class Minutes:
    """A clock that only moves while somebody waits, and what happens at which of its seconds."""

    script: dict[float, Callable[[], object]]
    until: float
    now: float = 0.0
    asleep: Sequence[float] = ()
    waits: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Return the present."""
        return self.now

    def wait(self, _ended: threading.Event, seconds: float) -> bool:
        """Let time pass up to the end of the wait; return whether the work is over."""
        self.waits.append(seconds)
        end = self.now + seconds
        for moment in sorted(self.script):
            if self.now <= moment < end:
                self.now = moment
                self.script.pop(moment)()
        self.now = end + sum(self.asleep)
        self.asleep = ()
        return self.now > self.until


def _told(
    caplog: pytest.LogCaptureFixture, minutes: Minutes, heart: Heartbeat | None = None
) -> list[str]:
    heart = heart or Heartbeat(clock=minutes.clock, wait=minutes.wait)
    with caplog.at_level(logging.INFO, HEARTBEAT):
        heart._beat(threading.Event())
    return caplog.messages


def test_each_minute_of_work_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """With what is at work, how far each kind of step is, and since when."""
    minutes = Minutes({}, until=150)
    heart = Heartbeat(clock=minutes.clock, wait=minutes.wait)
    told = heart.named("profile-maintenance")
    minutes.script = {
        10: lambda: told("entities", 0, 1),
        20: lambda: told("requests", 5, 120),
        100: lambda: (told("entities", 1, 1), told("requests", 1_037, 1_200)),
    }
    assert _told(caplog, minutes, heart) == [
        "profile-maintenance: entities 0 of 1, requests 5 of 120 after 1 min",
        "profile-maintenance: requests 1,037 of 1,200 after 2 min",
    ]


def test_work_that_is_done_within_a_minute_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """However long the tick is that it is a part of: each job is counted from its own beginning."""
    minutes = Minutes({}, until=200)
    heart = Heartbeat(clock=minutes.clock, wait=minutes.wait)
    minutes.script = {second: lambda: heart.named("quick") for second in range(10, 150, 40)}
    assert _told(caplog, minutes, heart) == ["quick: still at work after 1 min"]  # the last alone
    assert min(minutes.waits) > 1, "it waits, it does not look all the time"


def test_a_host_that_slept_tells_once(caplog: pytest.LogCaptureFixture) -> None:
    """What was missed is not made up for."""
    minutes = Minutes({}, until=7_400, asleep=[7_200])
    heart = Heartbeat(clock=minutes.clock, wait=minutes.wait)
    heart.named("nightly")
    assert _told(caplog, minutes, heart) == [
        "nightly: still at work after 2 h 1 min",
        "nightly: still at work after 2 h 2 min",
        "nightly: still at work after 2 h 3 min",
    ]


def test_it_ends_with_the_work(caplog: pytest.LogCaptureFixture) -> None:
    """Its thread is woken at the end, though it would wait for a minute, and says nothing more."""
    with caplog.at_level(logging.INFO, HEARTBEAT), heartbeat.beating() as watch:
        watch("nightly")("requests", 1, 2)
        assert _is_beating()
    assert not _is_beating()
    assert caplog.messages == []


def _is_beating() -> bool:
    return any(thread.name == "heartbeat" for thread in threading.enumerate())


@pytest.fixture
def _logs() -> Iterator[None]:
    """Leave the logs as they were."""
    root, beat = logging.getLogger(), logging.getLogger(HEARTBEAT)
    before = root.level, list(root.handlers), beat.level
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    beat.setLevel(before[2])


def _output(*, terminal: bool = False, quiet: bool = False) -> Output:
    return Output(terminal=False, error_terminal=terminal, colour=False, quiet=quiet)


CASES = [
    # started by, verbose, quiet, journal -> whether it beats
    ("cron", False, False, False, False),
    ("cron", True, False, False, True),
    ("cron", False, False, True, True),
    ("cron", False, True, True, False),
    ("a person", False, False, False, True),
    ("a person", True, False, False, True),
    ("a person", False, True, False, False),
    ("a person", False, True, True, False),
    ("a tick", False, False, False, False),
    ("a tick", False, False, True, True),
    ("a tick", False, True, True, False),
]


@pytest.mark.usefixtures("_logs")
@pytest.mark.parametrize(("by", "verbose", "quiet", "journal", "beats"), CASES)
def test_it_beats_where_somebody_hears_it(
    by: str, *, verbose: bool, quiet: bool, journal: bool, beats: bool
) -> None:
    """Cron mails whatever is printed, so it hears nothing unless it asks; a person always does."""
    install_log(verbose=verbose, quiet=quiet, journal=journal)
    with _watching(by, quiet=quiet) as watch:
        assert (watch is not unwatched) is beats


@pytest.mark.usefixtures("_logs")
def test_on_a_terminal_there_are_bars_and_no_heartbeat() -> None:
    """Both would be one too many."""
    install_log(verbose=True, quiet=False, journal=False)
    with _output(terminal=True).watching("running") as watch:
        assert isinstance(getattr(watch, "__self__", None), Bars)
        assert not _is_beating()


@pytest.mark.usefixtures("_logs")
def test_a_line_is_written_as_all_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """To standard error: with our name for a person, with a priority for the journal."""
    for journal, prefix in ((False, "llm-maint: "), (True, "<6>")):
        install_log(verbose=False, quiet=False, journal=journal)
        heartbeat.be_heard()
        heartbeat.log.info("%s", "nightly: still at work after 1 min")
        assert capsys.readouterr().err == f"{prefix}nightly: still at work after 1 min\n"


def _watching(by: str, *, quiet: bool) -> AbstractContextManager[Watch]:
    if by == "a tick":
        return heartbeat.beating()
    return _output(quiet=quiet).watching("running", is_cron=by == "cron")
