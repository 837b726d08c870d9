"""A model server that fails on its sockets: what a test lets go wrong, request by request."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

CHAT = ("/chat/completions", "/messages")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the chat endpoint, as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Json

    @property
    def asked(self) -> Json:
        """The JSON document of the user message."""
        found: Json = json.loads(self.body["messages"][-1]["content"])
        return found

    @property
    def native(self) -> bool:
        """Whether it came by the messages protocol."""
        return self.path.endswith("/messages")

    @property
    def structure(self) -> str:
        """How it asks for the structure of its reply."""
        if self.native:
            asked = "json_schema" if "output_config" in self.body else "none"
            return "tool" if "tools" in self.body else asked
        return str(self.body.get("response_format", {}).get("type", "none"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is sent for one request, to the byte, and what becomes of the connection then.

    "hang" leaves it open and silent until the server is left. With `piece` the bytes go out that
    many at a time, with `pause` seconds before each. With `early` the request's body is not read.
    """

    wire: bytes = b""
    then: Literal["keep", "close", "reset", "hang"] = "close"
    piece: int = 0
    pause: float = 0.0
    early: bool = False


Entry = Act | Callable[[Request], Act]


class FaultServer:
    """Performs one entry after the other, one a request; the last one repeats.

    `requests` are those to the chat endpoint, in the order of their arrival. An exception of an
    entry is raised again where the server is left.
    """

    def __init__(self, *entries: Entry) -> None:
        self.entries = entries
        self.requests: list[Request] = []
        self.failures: list[Exception] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"
        self._accepting = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._accepting.join()
        self._listening.close()
        for connection in self._connections:
            with suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        if error is None and self.failures:
            raise self.failures[0]

    def _accept(self) -> None:
        with suppress(OSError):  # the end
            while True:
                connection, _ = self._listening.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._connections.append(connection)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader, suppress(OSError):
            while head := _head(reader):
                act = self._act(head, reader)
                self._send(connection, act)
                if act.then == "reset":
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                elif act.then == "hang":
                    self._stopping.wait()
                if act.then != "keep":
                    return

    def _act(self, head: tuple[str, str, Mapping[str, str]], reader: BinaryIO) -> Act:
        method, path, headers = head
        if method == "GET" and path.endswith("/models"):
            return http({"object": "list", "data": [{"id": "m"}]})
        if method != "POST" or not path.endswith(CHAT):
            return http({"error": "no such path"}, 404, then="close")
        with self._lock:
            entry = self.entries[min(len(self.requests), len(self.entries) - 1)]
            unread = isinstance(entry, Act) and entry.early
            sent = b"{}" if unread else reader.read(int(headers["content-length"]))
            request = Request(path, headers, json.loads(sent))
            self.requests.append(request)
        try:
            return entry if isinstance(entry, Act) else entry(request)
        except Exception as error:  # noqa: BLE001 raised again by __exit__
            self.failures.append(error)
            return Act()

    def _send(self, connection: socket.socket, act: Act) -> None:
        step = act.piece or max(len(act.wire), 1)
        for start in range(0, len(act.wire), step):
            if act.pause and self._stopping.wait(act.pause):
                return
            connection.sendall(act.wire[start : start + step])


def _head(reader: BinaryIO) -> tuple[str, str, Mapping[str, str]] | None:
    """Return method, path and headers of the next request on a connection; None at its end."""
    line = reader.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while text := reader.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return line[0], line[1], headers


def http(
    body: bytes | str | Json | list[Any],
    status: int = 200,
    *,
    then: Literal["keep", "close", "reset", "hang"] = "keep",
    interim: bytes = b"",
    **headers: str,
) -> Act:
    """Return a well-formed answer; the names of headers have `_` for `-`."""
    content = _bytes(body)
    named = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    named |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    head = f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1")
    return Act(wire=interim + head + content, then=then)


def right_reply(asked: Json) -> Json:
    """Return what a good model says to a request: its greeting goes, its last employer stays."""
    rows = {row["id"]: row["key"] for row in asked["rows"]}
    jobs = [name for name, key in rows.items() if key == "employer"]
    group = {"reason": "a new job", "op": "supersede", "ids": jobs}
    greetings = [name for name, key in rows.items() if key == "greeting"]
    return {
        "nonce": asked["nonce"],
        "groups": [group] if len(jobs) > 1 else [],
        "remove": [{"reason": "a greeting", "id": name, "why": "noise"} for name in greetings],
        "reviewed": list(rows),
    }


def right_text(request: Request) -> str:
    """Return the right reply as a model writes it."""
    return json.dumps(right_reply(request.asked))


def message(request: Request, content: object, finish: str | None = None, **more: object) -> Json:
    """Return a successful answer around a message's content; `more` are fields of the message."""
    if request.native:
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        counted = {"input_tokens": 300, "output_tokens": 80}
        base = {"type": "message", "role": "assistant", "model": "scripted", "usage": counted}
        return {**base, "content": blocks, "stop_reason": finish or "end_turn", **more}
    said = {"role": "assistant", "content": content, **more}
    choice = {"index": 0, "message": said, "finish_reason": finish or "stop"}
    counted = {"prompt_tokens": 300, "completion_tokens": 80, "total_tokens": 380}
    return {"object": "chat.completion", "model": "scripted", "choices": [choice], "usage": counted}


def right_body(request: Request) -> bytes:
    """Return the body of the right answer."""
    return _bytes(message(request, right_text(request)))


def right(request: Request) -> Act:
    """Answer as a good model behind a sound server."""
    return http(right_body(request))


def _bytes(body: bytes | str | Json | list[Any]) -> bytes:
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    return text.encode() if isinstance(text, str) else text
