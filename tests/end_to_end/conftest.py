"""Fixtures: the real command in a home of its own, on each database."""

import json
from pathlib import Path

import pytest
from command import ROWS, Command


@pytest.fixture
def stranger(tmp_path: Path, database_url: str) -> Command:
    """Return the command of a person who has installed it and done nothing yet."""
    return Command(tmp_path, {"database_url": database_url})


@pytest.fixture
def command(stranger: Command) -> Command:
    """Return the command after `init` and the import of a profile."""
    stranger("init")
    stranger("profile", "import", "-", stdin=json.dumps(ROWS))
    return stranger


@pytest.fixture
def sqlite_command(tmp_path: Path) -> Command:
    """Return the same on SQLite alone: for what has nothing to do with the database."""
    alone = Command(tmp_path, {"database_url": f"sqlite:///{tmp_path}/memory.db"})
    alone("init")
    alone("profile", "import", "-", stdin=json.dumps(ROWS))
    return alone
