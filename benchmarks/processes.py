"""Whole processes under the clock: wall time, processor time, exit code, and what they wrote."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that has ended; `code` is negative where a signal did it, times are in seconds.

    `overdue` tells that we ended it: it ran for longer than it was given.
    """

    code: int
    wall: float
    cpu: float
    out: str
    errors: str
    overdue: bool

    def checked(self) -> "Ended":
        """Insist on a good end."""
        if self.code or self.overdue:
            raise RuntimeError(f"a process ended with {self.code}:\n{self.errors[-2000:]}")
        return self


class Started:
    """A process that runs; what it writes goes to files, so that no pipe ever makes it wait."""

    def __init__(self, line: Sequence[str], environment: Mapping[str, str]) -> None:
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed when it is read
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed when it is read
        self._begun = time.perf_counter()
        self._process = subprocess.Popen(
            line,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._errors,
        )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._process.pid, number)

    def ended(self, *, within: float) -> Ended:
        """Wait for its end; after so many seconds, or where we are told to stop, end it."""
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            os.kill(self._process.pid, signal.SIGKILL)

        watch = threading.Timer(within, end)
        watch.start()
        try:
            _, status, used = os.wait4(self._process.pid, 0)
        except BaseException:
            self._process.kill()
            raise
        finally:
            watch.cancel()
        wall = time.perf_counter() - self._begun
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code  # what Popen would have asked the system for
        return Ended(
            code=code,
            wall=wall,
            cpu=used.ru_utime + used.ru_stime,
            out=_text(self._out),
            errors=_text(self._errors),
            overdue=overdue.is_set(),
        )


def run(line: Sequence[str], environment: Mapping[str, str], *, within: float = 600) -> Ended:
    """Run a process to its end."""
    return Started(line, environment).ended(within=within)


def _text(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode(errors="replace")
