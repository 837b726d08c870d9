"""The installed command, as cron starts it, on a database of its own with jobs of our choice."""

import json
import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import postgres
from benchmarks.processes import Ended, Started, run

COMMAND = Path(sys.executable).with_name("llm-maint")

JOB_TYPES = Path(__file__).parent / "runner" / "noop_package"
"""A package with job types that do next to nothing; found on PYTHONPATH, never installed."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A database, and the command that works on it; `home` holds nothing but what it writes."""

    url: str
    home: Path

    @property
    def marks(self) -> Path:
        """Where jobs leave their marks."""
        return self.home / "marks"

    def environment(self, settings: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return all that the process knows of the world."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": str(JOB_TYPES),
            "BENCH_MARKS": str(self.marks),
            "LLM_MAINT_DATABASE_URL": self.url,
            **(settings or {}),
        }

    def started(self, *arguments: str, settings: Mapping[str, str] | None = None) -> Started:
        """Start it and let it run."""
        return Started([str(COMMAND), *arguments], self.environment(settings))

    def run(self, *arguments: str) -> Ended:
        """Run it to its end, which must be a good one."""
        return run([str(COMMAND), *arguments], self.environment()).checked()

    def prepare(self) -> None:
        """Create the schema; the default jobs go, so that nothing is due but what we add."""
        self.run("init")
        self.sql("DELETE FROM scheduled_jobs")

    def add(self, kind: str, count: int, *, delay: float = 0, seconds: float = 0) -> None:
        """Add jobs that are due after `delay` seconds, one after the other a millisecond apart."""
        moment = (
            f"strftime('%Y-%m-%d %H:%M:%f', 'now', '{delay} seconds', (-n * 0.001) || ' seconds')"
            if self.is_sqlite
            else f"now() + interval '{delay} seconds' - n * interval '1 millisecond'"
        )
        config = json.dumps({"seconds": seconds})
        self.sql(
            "WITH RECURSIVE numbers(n) AS "
            f"(SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count}) "
            "INSERT INTO scheduled_jobs (id, job_type, next_run_at, config_json) "
            f"SELECT 'job-' || n, '{kind}', {moment}, '{config}' FROM numbers"
        )
        self.sql("ANALYZE")  # as any database does by itself before long

    def runs(self) -> dict[str, int]:
        """Return how many runs ended how."""
        return {
            str(status): int(number)
            for status, number in self.sql("SELECT status, count(*) FROM job_runs GROUP BY status")
        }

    def has_column(self, table: str, column: str) -> bool:
        """Return whether this version of the schema has a column."""
        columns = (
            f"SELECT name FROM pragma_table_info('{table}')"
            if self.is_sqlite
            else f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'"
        )
        return (column,) in self.sql(columns)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.startswith("sqlite")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement and commit; return its rows."""
        if not self.is_sqlite:
            return postgres.sql(self.url, statement)
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows


def quiet_environment() -> dict[str, str]:
    """Return an environment for other programs, with nothing of ours in it."""
    return {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/tmp")}
