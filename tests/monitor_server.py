"""A monitor on the loopback, as healthchecks.io is one: it notes what it is told."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Ping:
    """What a monitor was told: the path with its query, and what came along."""

    method: str
    path: str
    agent: str
    body: str = ""


Answer = tuple[int, str]
"""A status and a text."""


def taken(_path: str) -> Answer:
    """Answer as a monitor does that is well."""
    return 200, "OK"


class MonitorServer:
    """A monitor that answers what `answer` returns for a path, once it is `free` to."""

    def __init__(self, answer: Callable[[str], Answer] = taken, *, is_free: bool = True) -> None:
        self.answer = answer
        self.pings: list[Ping] = []
        self.free = threading.Event()
        if is_free:
            self.free.set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.monitor = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [ping.path for ping in self.pings]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.free.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined when the server closes: none outlives its test
    monitor: MonitorServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that gave up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is inherited
        """Say nothing."""

    def _take(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        agent = self.headers["User-Agent"]
        self.server.monitor.pings.append(Ping(self.command, self.path, agent, body))
        self.server.monitor.free.wait(60)
        status, text = self.server.monitor.answer(self.path)
        with suppress(OSError):  # the client may have given up meanwhile
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if 300 <= status < 400:
                self.send_header("Location", f"{self.server.monitor.url}/elsewhere")
            self.end_headers()
            self.wfile.write(text.encode())
