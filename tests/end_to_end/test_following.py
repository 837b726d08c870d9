"""`runs tail -f`: it goes on while the database is away, and ends as a reader of it ends it."""

import json
import logging
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from command import Command

from llm_maint.cli import following
from llm_maint.errors import (
    ConfigurationError,
    DatabaseBusyError,
    DatabaseUnavailableError,
    MaintError,
)


@dataclass
class Followed:
    """A session whose database is reached, or not, as the test says for each try and each look."""

    tries: list[MaintError | None]
    looks: list[MaintError | None]
    postgresql: bool = True
    waited: list[float] = field(default_factory=list)
    opened: int = 0
    readers: int = 100

    @property
    def out(self) -> "Followed":
        """Return itself: it is the output too."""
        return self

    def waits(self, seconds: float) -> bool:
        """Note how long it would wait; somebody reads on until the script has come to its end."""
        self.waited.append(seconds)
        self.readers -= 1
        return self.readers > 0 and bool(self.tries or self.looks)

    @contextmanager
    def listed(self) -> Iterator[Any]:
        """Open the database, or fail to."""
        if self.tries and (error := self.tries.pop(0)) is not None:
            raise error
        self.opened += 1
        yield SimpleNamespace(source=SimpleNamespace(is_postgresql=self.postgresql))

    def read(self, _source: object) -> Iterator[str]:
        """Look, or fail to."""
        if self.looks and (error := self.looks.pop(0)) is not None:
            raise error
        yield "run"


def _follow(followed: Any) -> list[str]:  # noqa: ANN401 it stands in for session and news
    shown: list[str] = []
    show: Callable[[Any], None] = shown.extend
    following.follow(followed, followed, show)
    return shown


def test_a_database_that_goes_away_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """One line when it is lost and one when it is back, and time between the tries."""
    gone, busy = DatabaseUnavailableError("cannot reach it"), DatabaseBusyError("locked")
    followed = Followed(tries=[None, gone, busy, gone, None], looks=[None, gone, None, None])
    with caplog.at_level(logging.WARNING):
        assert len(_follow(followed)) == 3
    assert caplog.messages == [
        "the database was lost, and is tried again: cannot reach it",
        "the database is back",
    ]
    assert followed.opened == 2
    assert followed.waited == [1.0, *[2.0] * 4, 1.0, 1.0]


def test_back_is_what_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """A server that only takes connections is not."""
    gone = DatabaseUnavailableError("starting up")
    followed = Followed(tries=[None, None, None], looks=[gone, gone, None])
    with caplog.at_level(logging.WARNING):
        assert _follow(followed) == ["run"]
    assert len(caplog.messages) == 2


def test_a_file_is_opened_anew_for_each_look() -> None:
    """Another may have been put in its place; an open one would be read for ever."""
    followed = Followed(tries=[None] * 3, looks=[], postgresql=False)
    assert len(_follow(followed)) == followed.opened == 3


def test_what_waiting_does_not_mend_is_an_error() -> None:
    """As it is at the start."""
    followed = Followed(tries=[None, ConfigurationError("not allowed")], looks=[], postgresql=False)
    with pytest.raises(ConfigurationError):
        _follow(followed)


def test_rows_come_at_once_and_an_interrupt_is_quiet(command: Command) -> None:
    """Piped on, each line is there as soon as its run is; Ctrl-C is no error."""
    process = command.started("runs", "tail", "-f", "-n", "0")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("RUN\t")
        command("jobs", "run", "history-pruning")
        while "\tsuccess\t" not in (line := process.stdout.readline()):
            assert "\trunning\t" in line
        assert "\thistory-pruning\t" in line
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, out, errors) == (130, "", "")
    finally:
        process.kill()
        process.wait()


def test_it_ends_when_nobody_reads_any_more(sqlite_command: Command) -> None:
    """At once, not at the next run, which may be an hour off: as `| head -1` ends it."""
    sqlite_command("jobs", "run", "history-pruning")
    line = " ".join(sqlite_command.line("runs", "tail", "-f", "--json"))
    done = subprocess.run(
        ["/bin/bash", "-c", f"{line} | head -n 1; echo ${{PIPESTATUS[0]}}"],
        env=sqlite_command.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    run, code = done.stdout.splitlines()
    assert json.loads(run)["job_name"] == "history-pruning"
    assert (code, done.stderr) == ("0", "")
