"""Rows that somebody wrote by hand: what is wrong is told, what was only missed is not."""

import sqlite3
from pathlib import Path

from command import Command

ADD = ("jobs", "add", "profile_maintenance", "--name", "nightly")
EDIT = ("jobs", "edit", "nightly")


def _write(command: Command, columns: str) -> None:
    path = Path(command.settings["database_url"].removeprefix("sqlite:///"))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"UPDATE scheduled_jobs SET {columns}")
    connection.close()


def test_a_schedule_that_is_wrong_is_not_edited_away(sqlite_command: Command) -> None:
    """What somebody wrote into the row stays until it is mended, and is told until then."""
    sqlite_command(*ADD)
    _write(sqlite_command, "cron = '0 25 * * *' WHERE name = 'nightly'")
    assert "'0 25 * * *'" in sqlite_command("jobs", "show", "nightly", "--json").json["problem"]
    before = sqlite_command("jobs", "list", "--json").json
    done = sqlite_command(*EDIT, "--priority", "5", code=2)
    assert "mend it with --every or --cron" in done.errors
    assert sqlite_command("jobs", "list", "--json").json == before
    mended = sqlite_command(*EDIT, "--cron", "0 23 * * *", "--json").json
    assert (mended["problem"], mended["cron"]) == (None, "0 23 * * *")


def test_a_slot_that_is_skipped_is_no_news(sqlite_command: Command) -> None:
    """Cron sends no mail because a job leaves out what it missed."""
    sqlite_command(*ADD, "--cron", "0 4 1 1 *", "--misfire", "skip", "--grace", "0")
    sqlite_command("run-due")
    _write(sqlite_command, "next_run_at = '2026-01-01 04:00:00', enabled = name = 'nightly'")
    tick = sqlite_command("run-due")
    assert (tick.out, tick.errors) == ("", "")
    assert [run["status"] for run in sqlite_command.runs()][-1] == "skipped"
