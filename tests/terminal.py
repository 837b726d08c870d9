"""A command on a pseudo-terminal, and the person who sits in front of it."""

import os
import pty
import re
import select
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from command import Command
from forking import Streams, fork_server

PATIENCE = 30
"""Seconds after which a command that says nothing has hung."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What is on the screen of a command that runs, and what is typed."""

    def __init__(self, command: Command, *arguments: str, output: Path | None = None) -> None:
        self._leader, follower = pty.openpty()
        termios.tcsetwinsize(follower, (60, 200))
        name = os.ttyname(follower)
        streams = Streams(name, str(output or name), name)
        environment = {"TERM": "xterm", "LANG": "C.UTF-8", **command.environment}
        self._pid = fork_server().start(environment, command.home, arguments, streams)
        self._follower = follower
        self._raw = b""
        self._seen = 0
        self.code: int | None = None

    @property
    def screen(self) -> str:
        """All that was shown, without what moves the cursor or sets colours."""
        return _CONTROL.sub("", self.raw)

    @property
    def raw(self) -> str:
        """All that was shown, as it came."""
        return self._raw.decode(errors="replace").replace("\r\n", "\n")

    def until(self, text: str) -> Self:
        """Wait until something is shown, after what was waited for before."""
        while (found := self.screen.find(text, self._seen)) < 0:
            assert self._read(PATIENCE), f"{text!r} did not come:\n{self.screen}"
        self._seen = found + len(text)
        return self

    def type(self, text: str) -> Self:
        """Type a line."""
        os.write(self._leader, f"{text}\n".encode())
        return self

    def press(self, key: bytes) -> Self:
        """Press a key."""
        os.write(self._leader, key)
        return self

    def interrupted(self, code: int = 128 + signal.SIGINT) -> str:
        """Send what a terminal sends for Ctrl-C, until the end; return all that was shown.

        One that comes just before the command waits for input is seen with the next.
        """
        while (ended := fork_server().poll(self._pid)) is None:
            os.kill(self._pid, signal.SIGINT)
            self._read(0.05)
        self.code = ended
        return self.ended(code)

    def ended(self, code: int = 0) -> str:
        """Wait for the end, with this exit code; return all that was shown."""
        if self.code is None:
            self.code = fork_server().wait(self._pid)
        while self._read(0):
            pass
        assert self.code == code, f"{self.code}:\n{self.screen}"
        return self.screen

    def close(self) -> None:
        """End the command, if it is still there."""
        if self.code is None:
            os.kill(self._pid, signal.SIGKILL)
            self.code = fork_server().wait(self._pid)
        os.close(self._follower)
        os.close(self._leader)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._leader], [], [], seconds)
        self._raw += os.read(self._leader, 100_000) if ready else b""
        return bool(ready)


@contextmanager
def terminal(command: Command, *arguments: str, output: Path | None = None) -> Iterator[Terminal]:
    """Start a command on a terminal of its own; its standard output may be a file."""
    started = Terminal(command, *arguments, output=output)
    try:
        yield started
    finally:
        started.close()
