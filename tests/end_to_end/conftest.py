"""Fixtures: the real command in a home of its own, on each database."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PROGRAM as BROWSER
from command import ROWS, Command
from databases import Server, name_of
from pooler import PROGRAM as POOLER
from recollecting import ROWS as MEMORY_ROWS
from systemd import ANALYZE
from workshop import Workshop

from llm_maint.store.database import Database

NEEDED = {
    "test_pooler.py": POOLER,
    "test_systemd.py": ANALYZE,
    "test_report_in_browser.py": BROWSER,
}
collect_ignore = [test for test, program in NEEDED.items() if program is None]
"""What is no package that pip could install: its tests run where the system has it."""


@pytest.fixture
def stranger(tmp_path: Path, database_url: str) -> Command:
    """Return the command of a person who has installed it and done nothing yet."""
    return Command(tmp_path, {"database_url": database_url})


@pytest.fixture
def workshop(stranger: Command, database: Database) -> Workshop:
    """Return the command on a database with all tables, for jobs of the test's own."""
    return Workshop(stranger, database)


@pytest.fixture(params=["sqlite", "postgresql"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Command]:
    """Return the command after `init` and the import of a profile."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_command")
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.create(template=request.getfixturevalue("prepared_postgresql"))
    yield Command(tmp_path, {"database_url": url})
    server.drop(url)


@pytest.fixture
def sqlite_command(tmp_path: Path, prepared_home: Path) -> Command:
    """Return the same on SQLite alone: for what has nothing to do with the database."""
    shutil.copytree(prepared_home, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path, {"database_url": f"sqlite:///{tmp_path}/memory.db"})


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a configuration and a database, to copy: quicker than to make it anew."""
    home = tmp_path_factory.mktemp("prepared")
    _prepare(Command(home, {"database_url": f"sqlite:///{home}/memory.db"}))
    return home


@pytest.fixture(scope="session")
def prepared_postgresql(
    postgresql: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return the name of a database that is prepared in the same way."""
    url = postgresql.create()
    _prepare(Command(tmp_path_factory.mktemp("prepared"), {"database_url": url}))
    yield name_of(url)
    postgresql.drop(url)


def _prepare(command: Command) -> None:
    command("init")
    command("profile", "import", "-", stdin=json.dumps(ROWS))


@pytest.fixture
def nova(command: Command) -> Command:
    """Return the command, with a bot that remembers five things, on each database."""
    return _remembering(command)


@pytest.fixture
def sqlite_nova(sqlite_command: Command) -> Command:
    """Return the same on SQLite alone."""
    return _remembering(sqlite_command)


def _remembering(command: Command) -> Command:
    command("memory", "import", "-", "--bot", "nova", stdin=json.dumps(MEMORY_ROWS))
    return command
