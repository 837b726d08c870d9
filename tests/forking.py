"""Commands started by a fork server: real processes, without the second that importing takes."""

import atexit
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Self

PROGRAM = Path(__file__).parent / "fork_server.py"

_ONE_AT_A_TIME = Lock()


class Streams(NamedTuple):
    """Files for the standard streams of a command; what is written is appended."""

    input: str = os.devnull
    output: str = os.devnull
    errors: str = os.devnull


@dataclass(frozen=True, slots=True)
class ForkServer:
    """Starts commands at once, and tells how they ended."""

    process: "subprocess.Popen[str]"

    @classmethod
    def begun(cls) -> Self:
        """Start a server; it ends where its input does, and what it started with it."""
        line = [sys.executable, str(PROGRAM)]
        return cls(subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def end(self) -> None:
        """End the server, and with it whatever it started."""
        self.process.communicate()

    def start(
        self,
        environment: Mapping[str, str],
        home: Path,
        arguments: Sequence[str],
        streams: Streams = Streams(),  # noqa: B008 a value
    ) -> int:
        """Start a command; return its process id, which stays its own until it is waited for."""
        pid = self._ask("start", environment, str(home), arguments, streams)
        assert isinstance(pid, int)
        return pid

    def wait(self, pid: int) -> int:
        """Return the exit code of a process, or the signal that ended it as a negative number."""
        while (code := self.poll(pid)) is None:
            time.sleep(0.002)
        return code

    def poll(self, pid: int) -> int | None:
        """Return the same, or None while the process runs."""
        return self._ask("poll", pid)

    def _ask(self, *what: Any) -> int | None:  # noqa: ANN401 any JSON
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with _ONE_AT_A_TIME:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
            answer: int | None = json.loads(self.process.stdout.readline())
            return answer


@cache
def fork_server() -> ForkServer:
    """Return the server of this process; the first who asks starts it."""
    server = ForkServer.begun()
    atexit.register(server.end)
    return server
