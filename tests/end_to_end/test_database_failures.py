"""A database that is down, missing, locked, full, read-only or of another schema."""

import resource
import socket
import sqlite3
import subprocess
from pathlib import Path

import sqlalchemy as sa
from command import Command


def test_a_mistyped_path_is_an_error_and_no_new_database(tmp_path: Path) -> None:
    """Only `init` creates a database."""
    command = Command(tmp_path, {"database_url": f"sqlite:///{tmp_path}/mistyped.db"})
    for line in (["run-due"], ["jobs", "list"], ["db", "status"], ["db", "upgrade"]):
        done = command(*line, code=69)
        assert "llm-maint init" in done.errors
        assert len(done.errors.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_database_server_that_is_down_is_one_line_and_69(tmp_path: Path) -> None:
    """The message names the server, without the password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql://maint:hunter2@127.0.0.1:{port}/memory"
    done = Command(tmp_path, {"database_url": url})("run-due", code=69)
    assert len(done.errors.splitlines()) == 1
    assert f"maint:***@127.0.0.1:{port}" in done.errors
    assert "hunter2" not in done.errors


def test_a_database_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """A port that accepts and says nothing costs `connect_timeout_seconds`, not for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://maint@127.0.0.1:{silent.getsockname()[1]}/memory"
        waiting = Command(tmp_path, {"database_url": url, "database_connect_timeout_seconds": "1"})
        done = waiting("run-due", code=69)
    assert "cannot reach the database" in done.errors


def test_a_missing_schema_says_how_to_create_it(stranger: Command) -> None:
    """A database without our tables is told by its schema, not by a driver's error."""
    if stranger.settings["database_url"].startswith("sqlite"):
        sqlite3.connect(stranger.settings["database_url"].removeprefix("sqlite:///")).close()
    done = stranger("run-due", code=78)
    assert "llm-maint init" in done.errors
    assert stranger("db", "status", "--json", code=78).json["schema_version"] is None
    stranger("db", "upgrade")
    assert stranger("db", "status", "--json").json["up_to_date"] is True


def test_tables_of_somebody_else_stay(stranger: Command) -> None:
    """Where an assistant has a table of our name, nothing is created, and what helps is told."""
    url = stranger.settings["database_url"].replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE scheduled_jobs (mine integer)"))
    engine.dispose()
    done = stranger("init", code=78)
    on_a_server = url.startswith("postgresql")
    assert ('database.schema = "llm_maint"' if on_a_server else "rename it") in done.errors


def test_a_locked_database_is_busy(sqlite_command: Command) -> None:
    """Another writer that takes too long is a matter for the next tick: exit code 75."""
    path = sqlite_command.settings["database_url"].removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    done = sqlite_command.having(database_connect_timeout_seconds="1")("run-due", code=75)
    other.close()
    assert "locked" in done.errors
    sqlite_command("run-due")


def test_a_full_disk_changes_nothing(sqlite_command: Command) -> None:
    """A write that the disk refuses leaves the profile as it was."""
    before = sqlite_command.export()
    path = Path(sqlite_command.settings["database_url"].removeprefix("sqlite:///"))

    def no_room() -> None:
        # The kernel refuses any byte beyond: what a full disk does, for this process alone.
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        sqlite_command.line("profile", "consolidate", "--entity", "nick"),
        # Python does not look whether its bytecode was written whole.
        env={**sqlite_command.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=no_room,
        check=False,
    )
    assert done.returncode == 69, done.stderr
    assert "disk" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert path.exists()
    assert sqlite_command.export() == before
