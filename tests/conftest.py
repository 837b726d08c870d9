"""Fixtures for all tests: a fresh database of each kind, empty or ready for use."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import MORNING
from databases import Server, name_of, opened, running_server
from running import World

from llm_maint.store.database import Database


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Return a PostgreSQL server that runs as long as the session."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def ready_postgresql(postgresql: Server) -> Iterator[str]:
    """Return the name of a database with all tables, to copy: quicker than to make them anew."""
    url = postgresql.create()
    _upgrade(url)
    yield name_of(url)
    postgresql.drop(url)


@pytest.fixture(scope="session")
def ready_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with all tables, to copy."""
    path = tmp_path_factory.mktemp("ready") / "assistant.db"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a fresh database: without a table, unless the test asks for `database`."""
    ready = "database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "assistant.db"
        if ready:
            shutil.copyfile(request.getfixturevalue("ready_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.create(
        template=request.getfixturevalue("ready_postgresql") if ready else "template0"
    )
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return a fresh database with all tables, ours and the assistant's."""
    fresh = opened(database_url)
    yield fresh
    fresh.close()


@pytest.fixture
def world(database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world for the runner, without jobs."""
    return World(database, monkeypatch)


def _upgrade(url: str) -> None:
    fresh = opened(url)
    fresh.upgrade(now=MORNING)
    fresh.close()
