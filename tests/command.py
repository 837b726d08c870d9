"""The command as a person or cron starts it: a process of its own, in an environment of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from databases import opened
from forking import Streams, fork_server

from llm_maint.console.documents import job_document
from llm_maint.domain.entity import Entity
from llm_maint.domain.run_document import run_document
from llm_maint.domain.transfer import export_row
from llm_maint.store import history, profiles
from llm_maint.store.database import Database
from llm_maint.store.jobs import find_job

DEFAULT_JOBS = (
    "profile-maintenance",
    "memory-consolidation",
    "memory-recurrence",
    "memory-decay",
    "history-pruning",
)
"""What `init` adds."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    errors: str

    @property
    def json(self) -> Any:  # noqa: ANN401 any JSON document
        """What it printed as one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Command:
    """Starts `llm-maint`, without a terminal and with almost no environment, as cron does."""

    home: Path
    settings: Mapping[str, str]

    def having(self, **settings: str) -> Self:
        """Return the command with more settings, as environment variables without the prefix."""
        return replace(self, settings={**self.settings, **settings})

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "") -> Done:
        """Run it to its end, which must have the exit code."""
        with TemporaryDirectory() as folder:
            given, printed, told = (Path(folder, name) for name in ("in", "out", "errors"))
            given.write_text(stdin, encoding="utf-8")
            streams = Streams(str(given), str(printed), str(told))
            server = fork_server()
            ended = server.wait(server.start(self.environment, self.home, arguments, streams))
            done = Done(ended, *(file.read_bytes().decode() for file in (printed, told)))
        assert done.code == code, f"{arguments}: {done.code}\n{done.errors}{done.out}"
        return done

    def started(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it and let it run."""
        return subprocess.Popen(
            self.line(*arguments),
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self, *arguments: str) -> list[str]:
        """Return the command's words."""
        return [sys.executable, "-m", "llm_maint", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """All that the process knows of the world."""
        variables = {f"LLM_MAINT_{name.upper()}": value for name, value in self.settings.items()}
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.home), **variables}

    def export(self, entity: str = "nick") -> list[dict[str, Any]]:
        """Return the rows of a profile, read here: quicker than by one more process."""
        whose = Entity.named(entity)
        with self.database() as database, database.read() as connection:
            return [export_row(row, whose) for row in profiles.attributes_of(connection, whose)]

    def runs(self) -> list[dict[str, Any]]:
        """Return the recorded runs, newest last."""
        with self.database() as database, database.read() as connection:
            return [run_document(run) for run in history.tail(connection, limit=100)]

    def job(self, name: str = "profile-maintenance") -> dict[str, Any]:
        """Return a job."""
        with self.database() as database, database.read() as connection:
            return job_document(find_job(connection, name), now=datetime.now(UTC))

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open its database, to look at it from outside."""
        database = opened(self.settings["database_url"], create=False)
        try:
            yield database
        finally:
            database.close()


def row(key: str, value: Any, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON value
    """Return a row to import."""
    return {
        "entity_id": "nick",
        "category": "fact",
        "key": key,
        "value": value,
        "confidence": 0.8,
        "source": "inferred",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        **fields,
    }


def ids_by_key(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the ids of a request's rows, by key, from the body that a model server got."""
    document = json.loads(body["messages"][-1]["content"])
    found: dict[str, list[str]] = {}
    for each in document["rows"]:
        found.setdefault(each["key"], []).append(each["id"])
    return found


def reply(groups: Any = (), remove: Any = (), reviewed: Any = ()) -> str:  # noqa: ANN401
    """Return a model's reply."""
    return json.dumps({"groups": list(groups), "remove": list(remove), "reviewed": list(reviewed)})


ROWS = [
    row("favorite_color", "blue"),
    row("favorite_color", " Blue", updated_at="2026-02-01T00:00:00Z"),
    row("employer", "works at Alder Books"),
    row("employer", "works at Birch Maps", updated_at="2026-03-01T00:00:00Z"),
    row("greeting", "said good morning", category="misc"),
    row("allergy", "allergic to peanuts", category="health", source="explicit"),
    row("instruments", ["cello", {"kind": "bass", "strings": 4}, None], category="interest"),
]
"""Seven rows, of which a tidy model leaves four."""


def tidy(body: Mapping[str, Any]) -> str:
    """Answer as a good model does for `ROWS`."""
    ids = ids_by_key(body)
    jobs, greetings = ids.get("employer", []), ids.get("greeting", [])
    changed = {"reason": "changed jobs", "op": "supersede", "ids": jobs}
    return reply(
        groups=[changed] if len(jobs) > 1 else [],
        remove=[{"reason": "a greeting", "id": each, "why": "noise"} for each in greetings],
        reviewed=[row_id for each in ids.values() for row_id in each],
    )
