"""What requests side by side bring: calls per second, against a server that takes 200 ms for each.

The server is a process of its own, this file with the argument `serve`.
"""

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import sqlalchemy as sa

from llm_maint.bootstrap.root import model_client, open_database
from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.entity import Entity
from llm_maint.domain.profile import Attribute
from llm_maint.domain.request import Request, request_for
from llm_maint.domain.runs import Success
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.settings.sections import Settings

LATENCY = 0.2
"""Seconds from the last byte of a request to the first of its answer."""

ENTITIES = {1: 14, 4: 56, 16: 224}
"""By concurrency; each is one call, so that ideally it takes 2.8 s each time."""

FACTS = {"home": "lives by the river", "pet": "has a cat named Ada", "greeting": "said hello"}
"""The rows of an entity; the model removes the greeting, or where there is none keeps them all."""

Measure = Callable[[Settings, int], float]

NOW = datetime(2026, 1, 3, tzinfo=UTC)


def main() -> None:
    """Print a table for the client alone, and two for the whole job."""
    measures: dict[str, Measure] = {
        "the client alone": alone,
        "a job, all is kept": partial(whole, removing=False),
        "a job, all changes": partial(whole, removing=True),
    }
    with serving() as address:
        for name, measure in measures.items():
            print(f"{name:<18}  calls  seconds  calls/s  of ideal  connections")
            for concurrency, entities in ENTITIES.items():
                before = connections(address)
                llm = {"base_url": address, "model": "m", "concurrency": concurrency}
                seconds = measure(Settings.model_validate({"llm": llm}), entities)
                opened = connections(address) - before - 1  # asking for it takes one
                rate = entities / seconds
                print(
                    f"{f'concurrency {concurrency}':<18} {entities:>6} {seconds:>8.2f} {rate:>8.1f}"
                    f" {rate * LATENCY / concurrency:>9.1%} {opened:>12}"
                )


def alone(settings: Settings, entities: int) -> float:
    """Return the seconds that the client takes for one prompt of each entity."""
    prompts = [_request(number).prompt for number in range(entities)]
    client, meter = model_client(settings), Meter()
    begun = time.perf_counter()
    replies = list(client.in_order(client.complete(prompt, meter) for prompt in prompts))
    seconds = time.perf_counter() - begun
    assert len(replies) == meter.spent.calls == entities
    return seconds


def whole(settings: Settings, entities: int, *, removing: bool) -> float:
    """Return the seconds that the job takes, from reading the rows to the last commit."""
    greeting = "greeting" if removing else "motto"
    with tempfile.TemporaryDirectory() as folder:
        url = {"database": {"url": f"sqlite:///{Path(folder) / 'memory.db'}"}}
        settings = Settings.model_validate({**settings.model_dump(exclude={"database"}), **url})
        database = open_database(settings, create=True)
        database.upgrade(now=NOW)
        with database.write() as connection:
            connection.execute(_INSERT, _rows(entities, greeting))
        context = JobContext(
            config={},
            database=database,
            settings=settings,
            clock=lambda: NOW,
            model=lambda: model_client(settings),
        )
        begun = time.perf_counter()
        outcome = JOB.run(context)
        seconds = time.perf_counter() - begun
        database.close()
    assert isinstance(outcome, Success), outcome
    assert outcome.result["llm"]["calls"] == entities
    assert outcome.result["accounting"]["removed"] == entities * removing
    return seconds


_INSERT = sa.text(
    "INSERT INTO entity_profile_attributes (entity_type, entity_id, category, key, value, "
    "confidence, source, created_at, updated_at) VALUES ('USER', :entity_id, 'fact', :key, :value, "
    "0.8, 'inferred', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
)


def _rows(entities: int, greeting: str) -> list[dict[str, str]]:
    return [
        {
            "entity_id": f"u{number}",
            "key": greeting if key == "greeting" else key,
            "value": json.dumps(value),
        }
        for number in range(entities)
        for key, value in FACTS.items()
    ]


def _request(number: int) -> Request:
    rows = [
        Attribute(
            id=place,
            category="fact",
            key=key,
            value=value,
            confidence=0.8,
            source="inferred",
            source_message_id=None,
            created_at=NOW,
            updated_at=NOW,
        )
        for place, (key, value) in enumerate(FACTS.items())
    ]
    return request_for(Entity("user", f"u{number}"), rows)


@contextmanager
def serving() -> Iterator[str]:
    """Give the address of a server that runs in a process of its own until the end."""
    with subprocess.Popen(
        [sys.executable, __file__, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.kill()


def connections(address: str) -> int:
    """Return how many connections the server has accepted, this one included."""
    with urlopen(address) as answer:
        return int(answer.read())


class Server:
    """Answers each request after `LATENCY`; connections are kept alive.

    `calls` counts the requests of each path, so that callers can be told apart by their address.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.calls: Counter[str] = Counter()

    async def run(self) -> None:
        """Print the port and serve until the process ends."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET"):
                    counted = self.calls if b"/calls " in head else self.accepted
                    writer.write(_answer(json.dumps(counted)))
                    continue
                self.calls[head.split(maxsplit=2)[1].decode()] += 1
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                await asyncio.sleep(LATENCY)
                writer.write(_answer(_completion(body)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _answer(text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


def _completion(body: bytes) -> str:
    asked = json.loads(json.loads(body)["messages"][-1]["content"])
    reply = {
        "nonce": asked["nonce"],
        "groups": [],
        "remove": [
            {"reason": "a greeting", "id": row["id"], "why": "noise"}
            for row in asked["rows"]
            if row["key"] == "greeting"
        ],
        "reviewed": [row["id"] for row in asked["rows"]],
    }
    choice = {"message": {"content": json.dumps(reply)}, "finish_reason": "stop"}
    usage = {"prompt_tokens": len(body) // 4, "completion_tokens": 60}
    return json.dumps({"model": "m", "choices": [choice], "usage": usage})


if __name__ == "__main__":
    if "serve" in sys.argv:
        asyncio.run(Server().run())
    else:
        main()
