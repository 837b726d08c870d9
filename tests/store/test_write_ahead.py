"""SQLite's write-ahead log: switched on among others, and waited for where it counts."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from llm_maint.store import driver, write_ahead


@pytest.mark.parametrize(("held", "mode"), [(0.1, "wal"), (60.0, "delete")])
def test_a_log_waits_for_who_uses_the_new_file(tmp_path: Path, held: float, mode: str) -> None:
    """Several processes may set up at the same moment, and SQLite does not wait by itself."""
    path = str(tmp_path / "memory.db")
    with (
        closing(driver.open_sqlite(path, timeout=5, mode="rwc")) as first,
        closing(driver.open_sqlite(path, timeout=5, mode="rwc")) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(held, other.execute, ["COMMIT"])
        release.start()
        write_ahead.write_a_log(first, seconds=5 if mode == "wal" else 0.1)
        release.cancel()
        release.join()
        assert first.execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_what_is_waited_for_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's log is synced, and its locks outlive that; nothing is copied out of it."""
    path = tmp_path / "memory.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE t (n INTEGER)")
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(_path_of(file)))
    writer = driver.opened(f"sqlite:///{path}", schema="", timeout=1)
    assert writer is not None
    write_ahead.relax(writer)
    with closing(writer), closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        writer.connection.execute("INSERT INTO t VALUES (1)")
        writer.connection.execute("BEGIN IMMEDIATE")
        writer.connection.execute("INSERT INTO t VALUES (2)")
        write_ahead.wait_for_disk(writer)
        write_ahead.wait_for_disk(writer)  # nothing has come since
        assert synced == [f"{path}-wal"]
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        writer.connection.execute("COMMIT")
        assert other.execute("SELECT sum(n) FROM t").fetchone() == (3,)


def _path_of(file: int) -> str:
    return str(Path(f"/proc/self/fd/{file}").readlink())
