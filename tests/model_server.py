"""A scripted model server on the loopback: what a test lets the model say, over real HTTP."""

import json
import socketserver
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An answer to the byte.

    `delay` is in seconds and ends early with the server; `hangup` closes the connection without an
    answer. Where `finish_reason` is given, `body` is a message's content, wrapped as one.
    """

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    finish_reason: str | None = None
    hangup: bool = False


Reply = Callable[[dict[str, Any]], "str | Raw"]
"""What the model says to a request's JSON body: a message, or an answer to the byte."""


def completion(content: object, *, finish_reason: str = "stop") -> str:
    """Return the body of a chat completion with 7 prompt and 3 completion tokens."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return json.dumps({"model": "scripted", "choices": [choice], "usage": usage})


class ModelServer:
    """A server that answers chat and embeddings with what `reply` returns, until it is left.

    It lists `models`, or answers with `listing` where that is set. An exception of `reply` is
    answered with 500 and raised again where the server is left.
    """

    def __init__(self, reply: Reply, *, models: Sequence[str] = ("scripted",)) -> None:
        self.reply = reply
        self.models = models
        self.listing: Raw | None = None
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.failures: list[Exception] = []
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if error is None and self.failures:
            raise self.failures[0]

    def answer(self, body: dict[str, Any]) -> Raw:
        """Return the answer to a request of either kind."""
        self.requests.append(body)
        try:
            said = self.reply(body)
        except Exception as error:  # noqa: BLE001 raised again by __exit__
            self.failures.append(error)
            return Raw(status=500, body=repr(error))
        if isinstance(said, str):
            return Raw(body=completion(said))
        if said.finish_reason is None:
            return said
        return Raw(
            status=said.status,
            body=completion(_text(said.body), finish_reason=said.finish_reason),
            headers=said.headers,
            delay=said.delay,
        )


class _Server(socketserver.ThreadingTCPServer):
    # Handler threads are joined when the server closes: none outlives its test.
    request_queue_size = 64
    script: ModelServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that gave up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0, the default here: a connection ends with its answer, so nothing stays open.
    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        self._met()
        if self.server.script.listing is not None:
            self._send(self.server.script.listing)
            return
        listed = {"object": "list", "data": [{"id": name} for name in self.server.script.models]}
        found = self.path.endswith("/models")
        self._send(Raw(body=json.dumps(listed)) if found else Raw(status=404, body="no such path"))

    def do_POST(self) -> None:
        self._met()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = self.path.endswith(("/chat/completions", "/embeddings"))
        self._send(
            self.server.script.answer(body) if found else Raw(status=404, body="no such path")
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is inherited
        """Say nothing."""

    def _met(self) -> None:
        self.server.script.paths.append(self.path)
        self.server.script.headers.append({k.lower(): v for k, v in self.headers.items()})

    def _send(self, answer: Raw) -> None:
        if answer.delay:
            self.server.script.stopping.wait(answer.delay)
        if answer.hangup:
            return
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **answer.headers,
        }
        with suppress(OSError):  # the client may have given up meanwhile
            self.send_response(answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)


def _text(body: bytes | str) -> str:
    return body if isinstance(body, str) else body.decode()
