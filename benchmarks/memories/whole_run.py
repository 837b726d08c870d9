"""The installed command on many memories: a first run, one without news, and one new memory.

The model is simulated: it says of a cluster which memories repeat each other, as their texts tell.
Each command is a process of its own; what it takes at most is what the system says at its end.
"""

import argparse
import json
import os
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent / "consolidation")]

from served import Served, serving  # noqa: E402 its room is not a package

from benchmarks.postgres import running_server  # noqa: E402 found from the top of the tree

DIMENSIONS = 384

REPEATED = 0.15
"""The share of memories that are told again, one to three times."""

COLUMNS = ("bot_id", "id", "content", "tags", "importance", "created_at", "embedding")

FIRST = 2
"""Facts that are told once more at the end."""

TABLE = """
CREATE TABLE memories (
    bot_id varchar(100), id varchar(36), content text, tags json, importance real,
    source_message_ids json, access_count integer, last_accessed timestamp,
    created_at timestamp, updated_at timestamp, embedding vector(384), PRIMARY KEY (bot_id, id)
)
"""


def main() -> None:
    """Measure what the arguments ask for, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    arguments = parser.parse_args()
    print("| memories | database | run | seconds | peak MiB | calls | memories before | after |")
    print("|---|---|---|---|---|---|---|---|")
    for size in arguments.sizes:
        with _sqlite() as place:
            _measure(place, size, "SQLite")
        with running_server(fsync=False) as server, server.database() as url, _home(url) as place:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE EXTENSION vector")
                connection.execute(TABLE)
            _measure(place, size, "PostgreSQL")


@dataclass(frozen=True, slots=True)
class Place:
    """A database and the environment in which commands find it."""

    url: str
    home: Path

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.url.startswith("sqlite")

    def environment(self, server: str | None = None) -> dict[str, str]:
        """Return the variables of a command; with a model server's address."""
        found = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
            "LLM_MAINT_DATABASE_URL": self.url,
            "LLM_MAINT_MEMORY_MAX_CALLS_PER_RUN": "0",  # all of it in one run
        }
        if server is not None:
            found |= {"LLM_MAINT_LLM_BASE_URL": server, "LLM_MAINT_LLM_MODEL": "simulated"}
        return found


@contextmanager
def _home(url: str) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        yield Place(url, Path(folder))


@contextmanager
def _sqlite() -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        yield Place(f"sqlite:///{folder}/memory.db", Path(folder))


def _measure(place: Place, size: int, name: str) -> None:
    _ran(place, "init")
    told = _fill(place, size)
    with serving(_reply) as served:
        _row(place, served, size, name, "the first")
        _row(place, served, size, name, "nothing new")
        _insert(place, [_memory(size, *told[0])])
        _row(place, served, size, name, "one new memory")
        if not place.is_sqlite:
            begun = time.perf_counter()
            with psycopg.connect(place.url, autocommit=True) as connection:
                index = "CREATE INDEX ON memories USING hnsw (embedding vector_cosine_ops)"
                connection.execute(index)
            took = time.perf_counter() - begun
            _insert(place, [_memory(size + 1, *told[1])])
            _row(place, served, size, name, f"one more, by an HNSW index ({took:.0f} s to make)")


def _row(place: Place, served: Served, size: int, name: str, what: str) -> None:
    calls = served.calls
    seconds, peak, output = _ran(
        place, "memory", "consolidate", "--bot", "nova", "--json", server=served.address
    )
    report = json.loads(output)
    print(
        f"| {size:,} | {name} | {what} | {seconds:.1f} | {peak:,} | {served.calls - calls} "
        f"| {report['memories_before']:,} | {report['memories_after']:,} |",
        flush=True,
    )


def _ran(place: Place, *arguments: str, server: str | None = None) -> tuple[float, int, bytes]:
    """Run a command; return its seconds, its peak in MiB, and what it printed."""
    with tempfile.TemporaryFile() as out:
        begun = time.perf_counter()
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "llm_maint", *arguments],
            place.environment(server),
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - begun
        if code := os.waitstatus_to_exitcode(status):
            raise RuntimeError(f"{arguments}: {code}")
        out.seek(0)
        return seconds, usage.ru_maxrss // 1024, out.read()


def _fill(place: Place, size: int) -> Sequence[tuple[int, np.ndarray]]:
    """Write memories as an assistant has them; return the first two facts and their vectors."""
    chance = np.random.default_rng(1)
    topics = chance.normal(size=(max(size // 200, 2), DIMENSIONS))
    rows: list[Sequence[Any]] = []
    first: list[tuple[int, np.ndarray]] = []
    number = 0
    while number < size:
        vector = 0.75 * topics[chance.integers(len(topics))] + chance.normal(size=DIMENSIONS)
        if len(first) < FIRST:
            first.append((number, vector))
        again = int(chance.integers(1, 4)) if chance.random() < REPEATED else 0
        for copy in range(min(1 + again, size - number)):
            noise = chance.normal(size=DIMENSIONS) * (0.3 if copy else 0)
            rows.append(_memory(number, number - copy, vector + noise))
            number += 1
        if len(rows) > 5_000:  # noqa: PLR2004 some megabytes at once
            _insert(place, rows)
            rows = []
    _insert(place, rows)
    return first


def _memory(number: int, fact: int, vector: np.ndarray) -> Sequence[Any]:
    day = f"2025-{1 + number % 12:02}-{1 + number % 28:02} 10:00:00"
    text = f"Told the {number}th time about trip {fact}" if number != fact else f"About trip {fact}"
    unit = (vector / np.linalg.norm(vector)).astype("<f4")
    return ("nova", f"m{number}", text, '["trip"]', 0.5, day, unit)


def _insert(place: Place, rows: Sequence[Sequence[Any]]) -> None:
    if place.is_sqlite:
        blobs = [(*row[:-1], row[-1].tobytes()) for row in rows]
        marks = ",".join("?" * len(COLUMNS))
        statement = f"INSERT INTO memories ({','.join(COLUMNS)}) VALUES ({marks})"
        with closing(sqlite3.connect(place.url.removeprefix("sqlite:///"))) as connection:
            connection.executemany(statement, blobs)
            connection.commit()
        return
    copy = f"COPY memories ({','.join(COLUMNS)}) FROM STDIN"
    with psycopg.connect(place.url) as connection, connection.cursor().copy(copy) as file:
        for row in rows:
            file.write_row((*row[:-1], str(row[-1].tolist())))


_TRIP = re.compile(r"trip (\d+)")


def _reply(document: Mapping[str, Any]) -> dict[str, Any]:
    """Group the memories of a request that are about one trip; one text holds the words of all."""
    of_trip: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in document["rows"]:
        found = _TRIP.search(row["value"])
        of_trip[found[1] if found else row["id"]].append(row)
    groups = [
        {
            "reason": "one trip",
            "op": "merge",
            "ids": [row["id"] for row in rows],
            "category": None,
            "key": None,
            "value": "; ".join(dict.fromkeys(row["value"] for row in rows)),
        }
        for rows in of_trip.values()
        if len(rows) > 1
    ]
    reviewed = [row["id"] for row in document["rows"]]
    return {"nonce": document["nonce"], "groups": groups, "remove": [], "reviewed": reviewed}


if __name__ == "__main__":
    main()
