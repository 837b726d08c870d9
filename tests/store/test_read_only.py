"""A database that may be read and not written: the message says so, and nothing is half done."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from building import MORNING
from databases import opened

from llm_maint.errors import DatabaseUnavailableError

NOBODY = 65_534


@contextmanager
def _without_power() -> Iterator[None]:
    """Be somebody to whom file modes apply; root is not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that anybody can enter."""
    made = Path(tempfile.mkdtemp(dir="/tmp", prefix="llm-maint-"))
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.mark.parametrize("folder_mode", [0o777, 0o555], ids=["the file", "the folder as well"])
def test_a_read_only_file_is_told_as_one(folder: Path, folder_mode: int) -> None:
    """Neither a missing database nor a bug, but permissions to look at."""
    path = folder / "memory.db"
    fresh = opened(f"sqlite:///{path}")
    fresh.upgrade(now=MORNING)
    fresh.close()
    path.chmod(0o444)
    folder.chmod(folder_mode)
    with _without_power():
        forbidden = opened(f"sqlite:///{path}", create=False)
        with (
            pytest.raises(DatabaseUnavailableError, match="permissions"),
            forbidden.write() as connection,
        ):
            connection.exec_driver_sql("DELETE FROM scheduled_jobs")
        forbidden.close()


def test_a_file_of_somebody_else_is_not_said_to_be_missing(folder: Path) -> None:
    """A database that this user may not open is told apart from none."""
    path = folder / "memory.db"
    opened(f"sqlite:///{path}").close()
    path.touch(mode=0o000)
    path.chmod(0o000)
    folder.chmod(0o755)
    with _without_power():
        forbidden = opened(f"sqlite:///{path}", create=False)
        with pytest.raises(DatabaseUnavailableError, match="this user can open"):
            forbidden.version()
        forbidden.close()
