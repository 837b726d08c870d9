"""A model server on loopback: speaks the OpenAI protocol for one simulated model."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from oracle import Answer

CHARS_PER_TOKEN = 4


@dataclass
class Served:
    """A simulated model as it is served, and what it was asked.

    `characters` are those of the system and user messages, `schema` those of the JSON schemas that
    came with them.
    """

    answer: Answer
    address: str = ""
    calls: int = 0
    characters: int = 0
    schema: int = 0
    said: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def prompt_tokens(self) -> int:
        """About how many tokens were sent, schemas included."""
        return (self.characters + self.schema) // CHARS_PER_TOKEN

    def completion(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a chat completion; one at a time, for a model may remember."""
        messages = [message["content"] for message in asked["messages"]]
        schema = asked.get("response_format", {}).get("json_schema", {}).get("schema")
        characters = sum(map(len, messages))
        with self.lock:
            content = json.dumps(self.answer(json.loads(messages[-1])), ensure_ascii=False)
            self.calls += 1
            self.characters += characters
            self.schema += len(json.dumps(schema)) if schema else 0
            self.said += len(content)
        usage = {
            "prompt_tokens": characters // CHARS_PER_TOKEN,
            "completion_tokens": len(content) // CHARS_PER_TOKEN,
        }
        choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        return {"model": asked["model"], "choices": [choice], "usage": usage}


@contextmanager
def serving(answer: Answer) -> Iterator[Served]:
    """Serve a simulated model until the end of the block."""
    served = Served(answer)

    class Handler(_Handler):
        model = served

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece: head and body apart wait for each other
    model: Served

    def do_GET(self) -> None:
        self._send({"data": [{"id": "simulated", "object": "model"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(self.model.completion(asked))

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""

    def _send(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
