"""`status` as a person and as a monitor runs it: what is shown, and the exit code."""

import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import DEFAULT_JOBS, Command
from databases import is_sqlite, opened, sql

CHECKOUT = Path(__file__).parents[2]


def _age(command: Command, **tables: float) -> None:
    """Let what is noted in some tables have happened so many hours earlier than it did."""
    columns = {"ticks": "seen_at", "runs": "finished_at"}
    names = {"ticks": "maintenance_ticks", "runs": "job_runs"}
    with closing(opened(command.settings["database_url"])) as database:
        for table, hours in tables.items():
            moment = datetime.now(UTC) - timedelta(hours=hours)
            text = moment.strftime("%Y-%m-%d %H:%M:%S.%f") + ("" if is_sqlite(database) else "+00")
            sql(database, f"UPDATE {names[table]} SET {columns[table]} = :at", at=text)


def test_an_installation_is_seen_at_a_glance(command: Command) -> None:
    """Before the first tick, after it, and when a job has failed."""
    new = command("status").out.splitlines()
    assert new[0].startswith("1 warning")
    assert "no tick yet" in new[0]
    assert "llm-maint deploy cron" in new[1]
    assert {line.split()[0] for line in new[4:9]} == set(DEFAULT_JOBS)
    assert {" ".join(line.split()[2:]) for line in new[4:9]} == {"due now never"}
    command("run-due")
    assert command("status").out.startswith("healthy")
    with closing(opened(command.settings["database_url"])) as database:
        sql(database, "INSERT INTO scheduled_jobs (id, job_type, name) VALUES ('1', 'odd', 'odd')")
        sql(database, "UPDATE scheduled_jobs SET consecutive_failures = 3 WHERE id = '1'")
        sql(
            database,
            "INSERT INTO job_runs (id, job_id, job_name, status, started_at, error_message) "
            "VALUES ('r', '1', 'odd', 'failed', '2026-01-01 00:00:00+00:00', 'no such\nluck')",
        )
    told = command("-v", "status").out
    assert told.startswith("1 failure")
    assert "odd: no such\\nluck" in told.splitlines()[-1]
    assert "ok       claims: no job is running" in told
    narrow = command("status", "--job", "history-pruning", "--json").json
    assert (narrow["state"], [job["name"] for job in narrow["jobs"]]) == (
        *("ok", ["history-pruning"]),
    )
    assert narrow["last_failures"] == []


def test_a_document_tells_what_there_is(command: Command) -> None:
    """The fields that scripts rely on, and nothing on standard error."""
    command("run-due")
    done = command("status", "--json", "--max-age", "2h")
    told = done.json
    assert done.errors == ""
    assert (told["state"], told["stale"]) == ("ok", None)
    assert told["hosts"] == [told["last_tick"]]
    assert told["last_success_at"].endswith("Z")
    assert told["next_due_at"] == min(job["due_at"] for job in told["jobs"])
    assert {tuple(job["last_runs"]) for job in told["jobs"]} == {("success",)}
    assert len(told["tokens_per_day"]) == 14
    assert set(told) >= {"checks", "rows_last_7_days", "held_plans", "last_failures"}


def test_a_monitor_is_told_what_was_not_seen(command: Command) -> None:
    """One line says which; the exit code is 1, and 0 without `--max-age`, whatever is shown."""
    never = command("-q", "status", "--max-age", "2h", code=1)
    assert (never.out, never.errors) == (
        "",
        "llm-maint: no tick was ever seen (--max-age 2h)\n",
    )
    command("run-due")
    assert command("-q", "status", "--max-age", "2h") == command("-q", "status", "--max-age", "1d")
    _age(command, ticks=3, runs=5)
    both = command("status", "--max-age", "2h", code=1)
    assert both.errors.startswith("llm-maint: the last tick was seen 3 h ago, on ")
    assert "; the last success was 5 h ago, of " in both.errors
    assert len(both.errors.splitlines()) == 1
    assert both.out.startswith("1 failure")
    assert command("status").errors == ""
    one = command("status", "--job", "memory-decay", "--max-age", "4h", "--json", code=1)
    assert one.json["stale"] == "the last success was 5 h ago, of memory-decay"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--max-age", "0"), 2, "--max-age is a time that may pass"),
        (("--max-age", "soon"), 2, "'soon' is no interval"),
        (("--job", "memory-dekay"), 2, "did you mean 'memory-decay'?"),
    ],
)
def test_what_is_no_question_is_refused(
    sqlite_command: Command, arguments: tuple[str, ...], code: int, told: str
) -> None:
    """One line, before anything is shown."""
    done = sqlite_command("status", *arguments, code=code)
    assert told in done.errors
    assert (done.out, len(done.errors.splitlines())) == ("", 1)


def test_a_database_that_is_not_there_is_an_error_of_its_own(sqlite_command: Command) -> None:
    """A monitor can tell it from silence."""
    gone = sqlite_command.having(database_url="sqlite:///nowhere.db")
    assert "llm-maint init" in gone("status", "--max-age", "2h", code=69).errors


def test_settings_say_what_is_late(sqlite_command: Command) -> None:
    """Both ways of reading them, also the one for values that only the full check understands."""
    sqlite_command("run-due")
    _age(sqlite_command, ticks=2)
    assert sqlite_command("status").out.startswith("1 failure")
    for seconds in ("3600", " 3600 "):
        slow = sqlite_command.having(scheduler_check_interval_seconds=seconds)
        assert slow("status").out.startswith("healthy")
    off = sqlite_command.having(scheduler_enabled="false")
    assert "llm-maint config set scheduler.enabled true" in off("status").out


def test_where_the_locale_has_only_ascii_so_has_the_screen(sqlite_command: Command) -> None:
    """Python would print UTF-8 there all the same."""
    sqlite_command("run-due")
    environment = {**sqlite_command.environment, "LC_ALL": "C", "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        sqlite_command.line("status"),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.isascii()
    assert b"  |\n" in done.stdout
