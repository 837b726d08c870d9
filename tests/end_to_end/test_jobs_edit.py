"""`jobs add`, `edit` and `show`: when a job runs, said in options and shown in times."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from command import DEFAULT_JOBS, Command
from workshop import Workshop, wait_until

ADD = ("jobs", "add", "profile_maintenance", "--name", "nightly")
EDIT = ("jobs", "edit", "nightly")
NIGHTLY = ("--cron", "0 4 * * *", "--timezone", "Europe/Berlin")

FIELDS = {
    *("id", "name", "job_type", "bot_id", "enabled", "interval_minutes", "cron", "timezone"),
    *("last_run_at", "next_run_at", "last_status", "consecutive_failures", "config"),
}
"""What scripts have relied on since `jobs list --json` came."""


def _timing(job: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("interval_minutes", "cron", "timezone", "priority", "misfire")
    return tuple(job[name] for name in (*names, "grace_seconds", "jitter_seconds"))


def _jobs(command: Command) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = command("jobs", "list", "--json").json
    return found


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("--every", "90m"), {"interval_minutes": 90}),
        (("--every", "2h"), {"interval_minutes": 120}),
        (("--every", "1d"), {"interval_minutes": 1440}),
        (("--every", "45"), {"interval_minutes": 45}),
        (NIGHTLY, {"interval_minutes": None, "cron": "0 4 * * *", "timezone": "Europe/Berlin"}),
        (
            ("--cron", " */5  *   * * * "),
            {"interval_minutes": None, "cron": "*/5 * * * *", "timezone": "UTC"},
        ),
        (
            ("--cron", "@daily"),
            {"interval_minutes": None, "cron": "@daily", "timezone": "UTC"},
        ),
        (("--priority", "-3"), {"priority": -3}),
        (("--misfire", "all"), {"misfire": "all"}),
        (("--grace", "30s"), {"grace_seconds": 30}),
        (("--grace", "0"), {"grace_seconds": 0}),
        (("--jitter", "10m"), {"jitter_seconds": 600}),
        (("--timeout", "2h"), {"timeout_seconds": 7200}),
        (("--timeout", "0"), {"timeout_seconds": 0}),
        (("--bot", "nova"), {"bot_id": "nova"}),
        (("--config", "entity_id=nick"), {"config": {"entity_id": "nick"}}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_option_changes_what_it_names(
    sqlite_command: Command, options: tuple[str, ...], changed: dict[str, Any]
) -> None:
    """The same to a new job and to one that is there; everything else is as without it."""
    plain = sqlite_command(*ADD, "--json").json
    edited = sqlite_command(*EDIT, *options, "--json").json
    own = {"id", "next_run_at"} if "--cron" in options else {"id"}
    for name in plain.keys() - {"next_run_at"}:
        assert edited[name] == changed.get(name, plain[name]), name
    added = sqlite_command(*ADD[:-1], "other", *options, "--json").json
    for name in plain.keys() - own - {"name"}:
        assert added[name] == edited[name], name
    assert (added["next_run_at"] is None) == ("--cron" not in options)


def test_what_was_given_is_taken_back(command: Command) -> None:
    """`none` is no bound, no jitter and the time-out of the settings; KEY= is no such key."""
    options = ("--grace", "1h", "--jitter", "5m", "--timeout", "1h", "--misfire", "skip")
    command(*ADD, *NIGHTLY, *options, "--config", "entity_type=bot", "--priority", "9")
    none = ("--grace", "none", "--jitter", "none", "--timeout", "none")
    back = ("--every", "1h", "--misfire", "latest", "--priority", "0", "--config", "entity_type=")
    edited = command(*EDIT, *none, *back, "--json").json
    assert _timing(edited) == (60, None, None, 0, "latest", None, 0)
    assert (edited["timeout_seconds"], edited["config"]) == (None, {"entity_id": "*"})


def test_a_zone_alone_is_of_the_expression_that_is_there(sqlite_command: Command) -> None:
    """And an expression alone keeps the zone."""
    sqlite_command(*ADD, *NIGHTLY)
    assert sqlite_command(*EDIT, "--timezone", "Asia/Tokyo", "--json").json["cron"] == "0 4 * * *"
    edited = sqlite_command(*EDIT, "--cron", "5 4 * * *", "--json").json
    assert (edited["cron"], edited["timezone"]) == ("5 4 * * *", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--every", "1h", "--cron", "0 4 * * *"), "--every and --cron exclude each other"),
        (("--every", "1h", "--timezone", "UTC"), "--timezone belongs to --cron"),
        (("--timezone", "UTC"), "--timezone belongs to --cron"),
        (("--every", "0"), "write 60m, 2h or 1d"),
        (("--every", "1w"), "write 60m, 2h or 1d"),
        (("--every", "30s"), "write 60m, 2h or 1d"),
        (("--cron", "0 4 * *"), "minute hour day-of-month month day-of-week"),
        (("--cron", "0 0 4 * * *"), "minute hour day-of-month month day-of-week"),
        (("--cron", "60 4 * * *"), "minute hour day-of-month month day-of-week"),
        (("--cron", ""), "minute hour day-of-month month day-of-week"),
        (("--cron", "@dayly"), "minute hour day-of-month month day-of-week"),
        (("--cron", "0 0 30 2 *"), "'0 0 30 2 *'"),
        (("--cron", "0 4 * * *", "--timezone", "Europe/Berln"), "did you mean 'Europe/Berlin'?"),
        (("--cron", "0 4 * * *", "--timezone", "/etc/passwd"), "no time zone"),
        (("--misfire", "al"), "did you mean 'all'?"),
        (("--misfire", "never"), "known: all, latest, skip"),
        (("--grace", "soon"), "--grace 'soon' is no duration: write 30s, 10m or 2h"),
        (("--grace", "-5m"), "--grace"),
        (("--jitter", "1.5h"), "--jitter '1.5h' is no duration"),
        (("--timeout", ""), "--timeout '' is no duration"),
        (("--config", "entity_id"), "write KEY=VALUE"),
        (("--config", "entity_id:=nick"), "'nick' is not JSON"),
        (("--config", "entity=nick"), "did you mean 'entity_id'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_nonsense_is_one_line_and_changes_nothing(
    sqlite_command: Command, options: tuple[str, ...], hint: str
) -> None:
    """Neither adds a job nor edits one."""
    sqlite_command(*ADD)
    before = _jobs(sqlite_command)
    for arguments in (EDIT, (*ADD[:-1], "other")):
        done = sqlite_command(*arguments, *options, code=2)
        assert hint in done.errors
        assert (len(done.errors.splitlines()), done.out) == (1, "")
    assert _jobs(sqlite_command) == before


@pytest.mark.parametrize(
    "options", [("--priority", "high"), ("--priority", "1000001"), ("--prority", "5")], ids=" ".join
)
def test_what_is_no_option_or_no_number_names_the_option(
    sqlite_command: Command, options: tuple[str, ...]
) -> None:
    """The line that says what is wrong names the option that was meant."""
    sqlite_command(*ADD)
    before = _jobs(sqlite_command)
    done = sqlite_command(*EDIT, *options, code=2)
    assert "--priority" in done.errors.splitlines()[-1]
    assert _jobs(sqlite_command) == before


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("nightli", "--every", "2h"), "did you mean 'nightly'?"),
        (("nightly", "--name", "history-pruning"), "there is a job 'history-pruning' already"),
        (("nightly", "--every", "2h", "--name", "history-pruning"), "already"),
    ],
)
def test_a_name_that_is_none_or_taken_changes_nothing(
    command: Command, arguments: tuple[str, ...], hint: str
) -> None:
    """The job that was meant is named."""
    command(*ADD)
    before = _jobs(command)
    done = command("jobs", "edit", *arguments, code=2)
    assert hint in done.errors
    assert len(done.errors.splitlines()) == 1
    assert _jobs(command) == before


def test_a_job_is_edited_between_its_runs(command: Command) -> None:
    """What is no part of the schedule keeps the next run; a new schedule counts from the last."""
    command(*ADD)
    command("run-due")
    ran = command.job("nightly")
    last = datetime.fromisoformat(ran["last_run_at"])
    command(*EDIT, "--priority", "5", "--misfire", "skip", "--name", "nightly")
    assert command.job("nightly")["next_run_at"] == ran["next_run_at"]
    command(*EDIT, "--every", "3h")
    edited = command.job("nightly")
    assert datetime.fromisoformat(edited["next_run_at"]) == last + timedelta(hours=3)
    assert (edited["priority"], edited["misfire"]) == (5, "skip")
    command(*EDIT, "--cron", "* * * * *")
    assert datetime.fromisoformat(command.job("nightly")["next_run_at"]) > last
    assert command("run-due", "--json").json["runs"] == []


def test_a_job_is_edited_while_it_runs(workshop: Workshop) -> None:
    """The run goes on as it began, and what it comes to leaves the new schedule alone."""
    workshop.add("noting", "slow", until="go")
    tick = workshop.start("run-due", "--json")
    wait_until(workshop.notes)
    edited = (
        workshop.start("jobs", "edit", "slow", *NIGHTLY, "--priority", "3", "--json").wait().json
    )
    assert edited["running"]
    (workshop.command.home / "go").touch()
    assert [run["status"] for run in tick.wait().json["runs"]] == ["success"]
    job = workshop.command.job("slow")
    assert _timing(job)[:4] == (None, "0 4 * * *", "Europe/Berlin", 3)
    assert (job["next_run_at"], job["last_status"]) == (edited["next_run_at"], "success")


def test_the_next_five_runs_are_shown(command: Command) -> None:
    """In the zone's own hours, also across a change of its clocks; as text in the same order."""
    zone = ZoneInfo("Europe/Berlin")
    command(*ADD, "--cron", "30 3 1 1,7 *", "--timezone", zone.key)
    shown = command("jobs", "show", "nightly", "--json").json
    times = [datetime.fromisoformat(text) for text in shown["next_runs"]]
    assert times == sorted(set(times))
    assert len(times) == 5
    assert times[0] == datetime.fromisoformat(shown["next_run_at"]) > datetime.now(UTC)
    local = [time.astimezone(zone) for time in times]
    assert {(time.month, time.hour, time.minute) for time in local} == {(1, 3, 30), (7, 3, 30)}
    assert {time.hour for time in times} == {1, 2}
    told = command("jobs", "show", "nightly").out
    places = [told.index(f"{time:%Y-%m-%d}") for time in local]
    assert places == sorted(places)
    assert "30 3 1 1,7 * Europe/Berlin" in told


def test_the_shape_of_the_list_stays(command: Command) -> None:
    """Fields are added to the list, never taken away, whatever the schedule."""
    command(*ADD, *NIGHTLY)
    jobs = _jobs(command)
    assert len(jobs) == len(DEFAULT_JOBS) + 1
    assert all(job.keys() >= FIELDS for job in jobs)
    assert command("jobs", "show", "nightly", "--json").json.keys() >= {*FIELDS, "next_runs"}
