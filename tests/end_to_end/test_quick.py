"""The quick way out of an empty tick: it imports little, and differs in nothing that one sees."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from command import Command, Done
from databases import opened, sql
from workshop import BROUGHT

HEAVY = {"click", "httpx", "platformdirs", "pydantic", "rich", "sqlalchemy", "sqlmodel", "typer"}
SLOW = {"dataclasses", "inspect", "json", "logging", "pathlib", "re", "tomllib", "typing", "urllib"}

FULL = ("run-due", "--limit", "1000000")
"""The same command by the full way: what has an option more is none of the quick way's business."""

PROBE = """
import sys
from llm_maint.__main__ import main
sys.argv[0] = "llm-maint"
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.fixture
def idle(command: Command) -> Command:
    """Return the command where nothing is due, with its settings in the file as well."""
    command("run-due")
    command("config", "set", "database.connect_timeout_seconds", "9")
    return command


def _imported(command: Command, *arguments: str, **variables: str) -> tuple[str, set[str]]:
    """Run the command in a process that has imported nothing; return what it said, and imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        env={**command.environment, **variables},
        cwd=command.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    *printed, names = done.stdout.splitlines()
    return "".join([*printed, done.stderr]), set(names.split())


@pytest.mark.parametrize(
    "arguments",
    [("run-due",), ("-q", "run-due"), ("--config", "mine.toml", "--quiet", "run-due")],
    ids=" ".join,
)
def test_an_empty_tick_imports_the_driver_alone(idle: Command, arguments: tuple[str, ...]) -> None:
    """No library but the driver, and of Python itself nothing that takes long."""
    (idle.home / "mine.toml").write_text("[history]\nkeep_days = 7\n")
    said, imported = _imported(idle, *arguments)
    assert said == ""
    assert not imported & HEAVY
    if idle.settings["database_url"].startswith("sqlite"):
        assert not imported & {*SLOW, "psycopg"}
        assert "sqlite3" in imported
    else:
        assert "psycopg" in imported


@pytest.mark.parametrize(
    "arguments",
    [
        *(("run-due", "--json"), ("-v", "run-due"), ("run-due", "--limit", "1")),
        *(("--config", "--quiet", "run-due"), ("run-due", "-q")),
    ],
    ids=" ".join,
)
def test_any_other_command_goes_the_full_way(idle: Command, arguments: tuple[str, ...]) -> None:
    """What the quick way does not know exactly, it leaves alone."""
    _, imported = _imported(idle, *arguments)
    assert "typer" in imported


@pytest.mark.parametrize(
    "arguments",
    [
        *(("jobs", "list"), ("jobs", "list", "--json")),
        *(("runs", "tail"), ("runs", "tail", "--json", "--job", "history-pruning")),
        *(("status",), ("status", "--json"), ("status", "--job", "history-pruning")),
    ],
    ids=" ".join,
)
def test_what_is_listed_needs_no_toolkit(idle: Command, arguments: tuple[str, ...]) -> None:
    """The commands that people type most read through the driver, and only terminals are rich."""
    said, imported = _imported(idle, *arguments)
    assert "history-pruning" in said
    assert not imported & {"httpx", "platformdirs", "rich", "sqlalchemy", "sqlmodel"}


def test_a_url_that_is_not_plain_lists_the_same(idle: Command) -> None:
    """Where the driver alone might read a URL in another way, the toolkit opens it."""
    url = idle.settings["database_url"]
    odd = f"{url}?a=b" if url.startswith("sqlite") else f"{url}&application_name=a%20b"
    odder = idle.having(database_url=odd)
    for command in (("jobs", "list", "--json"), ("runs", "tail"), ("run-due",)):
        assert odder(*command) == idle(*command)


@pytest.mark.parametrize("arguments", [("run-due",), ("-q", "run-due")], ids=" ".join)
def test_a_tick_of_a_quick_job_imports_neither_toolkit_nor_command_line(
    idle: Command, arguments: tuple[str, ...]
) -> None:
    """What is due is claimed, run and recorded by the driver alone, where the job needs no more."""
    with closing(opened(idle.settings["database_url"])) as database:
        sql(database, "INSERT INTO scheduled_jobs (id, job_type) VALUES ('1', 'noting')")
    said, imported = _imported(idle, *arguments, PYTHONPATH=str(BROUGHT))
    assert said == ""
    last = idle.runs()[-1]
    assert (last["job_type"], last["status"]) == ("noting", "success")
    assert not imported & (HEAVY - {"pydantic"})


def test_what_is_due_is_run(command: Command) -> None:
    """The jobs that `init` made are run."""
    assert command("run-due").out == ""
    assert {run["status"] for run in command.runs()} == {"success"}


def test_on_a_terminal_somebody_is_told(idle: Command) -> None:
    """The quick way is silent, so it is not taken where a person looks."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        idle.line("run-due"),
        env={**idle.environment, "TERM": "xterm"},
        cwd=idle.home,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    told = os.read(ours, 1_000).decode()
    process.communicate(timeout=60)
    os.close(ours)
    assert "nothing is due" in told
    assert process.returncode == 0


def _both(command: Command, code: int) -> Done:
    """Return what both ways say, which must be the same."""
    quick, full = command("run-due", code=code), command(*FULL, code=code)
    assert quick == full
    return quick


def _execute(command: Command, statement: str) -> None:
    url = command.settings["database_url"]
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute(statement)
        connection.close()
        return
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement.encode())


@pytest.mark.parametrize("version", [1, 99, None])
def test_another_schema_is_explained(idle: Command, version: int | None) -> None:
    """Older, newer, none: the message and the code are those of the full way."""
    _execute(idle, "DELETE FROM maintenance_schema")
    if version is not None:
        _execute(idle, f"INSERT INTO maintenance_schema VALUES ({version}, '2026-01-01')")
    told = _both(idle, 78).errors
    assert len(told.splitlines()) == 1
    assert idle("jobs", "list", code=78).errors == told


def test_no_schema_is_explained(stranger: Command) -> None:
    """An empty database is one where `init` was forgotten."""
    if stranger.settings["database_url"].startswith("sqlite"):
        _execute(stranger, "PRAGMA user_version = 1")
    told = _both(stranger, 78).errors
    assert "llm-maint init" in told
    assert stranger("runs", "tail", code=78).errors == told


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"scheduler_enabled": "false"}, 0),
        ({"scheduler_enabled": "perhaps"}, 78),
        ({"database_connect_timeout_seconds": "0"}, 78),
        ({"database_connect_timeout_seconds": " 7 "}, 0),
        ({"llm_temperature": "hot"}, 78),
        ({"llm_modle": "x"}, 78),
        ({"config": "nowhere.toml"}, 78),
        ({"database_url": "nonsense"}, 78),
        ({"database_url": "sqlite:///nowhere.db"}, 69),
        ({"database_url": "sqlite:///config.toml"}, 78),
        ({"database_url": "sqlite://"}, 78),
        ({"database_url": "postgresql://me:pw@127.0.0.1:1/d"}, 69),
        ({"database_url": "postgresql://me:pw@127.0.0.1:1/d?foo=bar"}, 78),
        ({"database_url": "postgresql://me:pw@h:port/d"}, 78),
    ],
    ids=str,
)
def test_both_ways_end_alike(sqlite_command: Command, settings: dict[str, str], code: int) -> None:
    """Whatever is set, right or wrong: the same output, the same message, the same code."""
    (sqlite_command.home / "config.toml").write_text("no database, " * 100)
    sqlite_command("run-due")
    assert "pw" not in _both(sqlite_command.having(**settings), code).errors


def test_a_job_that_is_due_is_not_run_where_nothing_may(sqlite_command: Command) -> None:
    """`scheduler.enabled = false` stops everything politely, by the quick way too."""
    stopped = sqlite_command.having(scheduler_enabled="false")
    said, imported = _imported(stopped, "run-due")
    assert said == ""
    assert not imported & HEAVY
    assert sqlite_command.runs() == []


def test_a_locked_file_is_busy_once(sqlite_command: Command) -> None:
    """Where not even reading is possible, the time-out is waited for, and then the tick ends."""
    sqlite_command("run-due")
    path = sqlite_command.settings["database_url"].removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    busy = sqlite_command.having(database_connect_timeout_seconds="1")
    assert "locked" in _both(busy, 75).errors
    other.close()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Return a server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _asking(silent: socket.socket, home: Path, seconds: int) -> Command:
    url = f"postgresql://me:pw@127.0.0.1:{silent.getsockname()[1]}/d"
    settings = {"database_url": url, "database_connect_timeout_seconds": str(seconds)}
    return Command(home, settings)


def test_a_server_that_says_nothing_is_waited_for_once(
    silent: socket.socket, tmp_path: Path
) -> None:
    """One connection, one time-out, one line: the full way does not wait for it again."""
    done = _asking(silent, tmp_path, 1)("run-due", code=69)
    assert done.errors.startswith(
        "llm-maint: error: cannot reach the database postgresql://me:***@"
    )
    assert len(done.errors.splitlines()) == 1
    silent.accept()[0].close()
    silent.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent.accept()


def test_under_systemd_the_line_has_its_priority(tmp_path: Path) -> None:
    """What is told is told as the full way tells it, to the journal as well."""
    command = Command(tmp_path, {"database_url": f"sqlite:///{tmp_path}/nowhere.db"})
    with (tmp_path / "journal").open("w+") as journal:
        status = os.fstat(journal.fileno())
        stream = f"{status.st_dev}:{status.st_ino}"
        done = subprocess.run(
            command.line("run-due"),
            env={**command.environment, "JOURNAL_STREAM": stream},
            stdout=subprocess.PIPE,
            stderr=journal,
            timeout=60,
            check=False,
        )
        journal.seek(0)
        assert journal.read().startswith("<3>error: no database that this user can open")
    assert (done.returncode, done.stdout) == (69, b"")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_quick_way(
    silent: socket.socket, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """At once, with the exit code of the signal and without a word."""
    process = _asking(silent, tmp_path, 60).started("run-due")
    connection, _ = silent.accept()
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    connection.close()
    assert (process.returncode, out, errors) == (code, "", "")
