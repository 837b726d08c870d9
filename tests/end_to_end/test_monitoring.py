"""Monitors of real ticks: they hear of every run, and no tick suffers from them."""

import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from command import Command
from monitor_server import MonitorServer
from prometheus_client.parser import text_string_to_metric_families
from workshop import Process, Workshop, start, wait_until


@pytest.fixture
def shop(sqlite_command: Command) -> Command:
    """Return the command with a job that succeeds, one that fails and one that is skipped."""
    _execute(sqlite_command, "UPDATE scheduled_jobs SET enabled = 0")
    for number, job_type in enumerate(("noting", "raising", "uninstalled")):
        _execute(
            sqlite_command,
            "INSERT INTO scheduled_jobs (id, job_type, next_run_at) "
            f"VALUES ('{number}', '{job_type}', '2026-01-01 00:00:0{number}.000000')",
        )
    return sqlite_command


def _execute(command: Command, statement: str) -> None:
    path = command.settings["database_url"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def _tick(command: Command, *arguments: str) -> Process:
    return start(command, *(arguments or ("run-due",)))


def _statuses(command: Command) -> dict[str, str]:
    return {run["job_name"]: run["status"] for run in command.runs()}


ENDS = {"noting": "success", "raising": "failed", "uninstalled": "skipped"}


def test_every_run_is_told_to_everybody(shop: Command) -> None:
    """Pings with the run's id, the command with the run, the file with the numbers of all."""
    hook = shop.home / "hook"
    hook.write_text("#!/bin/sh\ncat > told\necho $JOB_NAME\nenv > variables\n")
    hook.chmod(0o755)
    with MonitorServer() as monitor:
        watched = shop.having(
            monitoring_ping_url=f"{monitor.url}/ping/{{job}}?create=1",
            monitoring_on_failure_command=str(hook),
            monitoring_textfile="~/llm.prom",
        )
        done = _tick(watched).wait()
    assert (done.code, done.out) == (1, "")
    assert len(done.errors.splitlines()) == 4  # a bug twice, one skipped, and the hook
    assert done.errors.splitlines().count("raising") == 1
    runs = {run["job_name"]: run for run in shop.runs()}
    assert {name: run["status"] for name, run in runs.items()} == ENDS
    rids = {name: str(UUID(run["id"])) for name, run in runs.items()}
    assert monitor.paths == [
        f"/ping/{name}{event}?create=1&rid={rids[name]}"
        for name, end in (("noting", ""), ("raising", "/fail"), ("uninstalled", "/log"))
        for event in ("/start", end)
    ]
    assert json.loads((shop.home / "told").read_text()) == runs["raising"]
    assert "LLM_MAINT" not in (shop.home / "variables").read_text()
    values = {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families((shop.home / "llm.prom").read_text())
        if family.name == "llm_maint_runs_last_day"
        for sample in family.samples
    }
    assert dict.fromkeys(ENDS.items(), 1).items() <= values.items()


def test_cron_hears_nothing_while_all_is_well(shop: Command) -> None:
    """A monitor that is told, and a file that is written, are no news."""
    _execute(shop, "DELETE FROM scheduled_jobs WHERE job_type <> 'noting'")
    with MonitorServer() as monitor:
        watched = shop.having(
            monitoring_ping_url=f"{monitor.url}/x", monitoring_textfile="~/llm.prom"
        )
        done = _tick(watched).wait()
    assert (done.code, done.out, done.errors) == (0, "", "")
    assert len(monitor.pings) == 2
    assert (shop.home / "llm.prom").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"monitoring_ping_url": "http://127.0.0.1:1/x"},
        {"monitoring_ping_urls": "no address"},
        {"monitoring_on_failure_command": "/nowhere/hook"},
        {"monitoring_textfile": "/nowhere/llm.prom"},
        {"monitoring_textfile": "/dev/null"},
    ],
    ids=lambda settings: "".join(settings.values()),
)
def test_no_trouble_of_a_monitor_is_one_of_the_tick(
    shop: Command, settings: dict[str, str]
) -> None:
    """The jobs run, the code is theirs, and one line tells what is wrong."""
    done = _tick(shop.having(**settings)).wait()
    assert done.code == 1
    assert _statuses(shop) == ENDS
    assert done.errors.count("llm-maint: monitoring: ") == 1


def test_no_job_waits_for_a_monitor(shop: Command) -> None:
    """All have run while it has not even answered to the beginning of the first."""
    with MonitorServer(is_free=False) as monitor:
        tick = _tick(shop.having(monitoring_ping_url=f"{monitor.url}/{{job}}"))
        wait_until(lambda: _statuses(shop) == ENDS)
        wait_until(lambda: monitor.pings)
        assert len(monitor.pings) == 1
        assert not tick.has_ended()
        monitor.free.set()
        assert tick.wait().code == 1
    assert len(monitor.pings) == 6


def test_a_signal_ends_a_tick_that_waits_for_a_monitor(shop: Command) -> None:
    """Long before the monitor's time is up; what has been run stays recorded."""
    with MonitorServer(is_free=False) as monitor:
        tick = _tick(shop.having(monitoring_ping_url=f"{monitor.url}/{{job}}"))
        wait_until(lambda: _statuses(shop) == ENDS)
        wait_until(lambda: monitor.pings)
        begun = time.monotonic()
        tick.send(signal.SIGTERM)
        done = tick.wait()
        assert time.monotonic() - begun < 5
    assert done.code == 143
    assert "monitoring" not in done.errors
    assert _statuses(shop) == ENDS


def test_a_run_by_hand_is_told_and_a_dry_one_is_not(shop: Command) -> None:
    """A run is a run, whoever started it; what is not run is nothing to tell."""
    with MonitorServer() as monitor:
        watched = shop.having(
            monitoring_ping_url=f"{monitor.url}/x",
            monitoring_on_failure_command="/nowhere/hook",
            monitoring_textfile="~/llm.prom",
        )
        for arguments in (("run-due", "--dry-run"), ("jobs", "run", "raising", "--dry-run")):
            assert "monitoring" not in _tick(watched, *arguments).wait().errors
        assert monitor.pings == []
        assert not (shop.home / "llm.prom").exists()
        done = _tick(watched, "jobs", "run", "noting", "--json").wait()
    run_id = UUID(done.json["id"])
    assert monitor.paths == [f"/x/start?rid={run_id}", f"/x?rid={run_id}"]


def test_the_file_is_written_where_nothing_is_due(workshop: Workshop) -> None:
    """On each database, by the first tick of a host, and where nothing may run."""
    home = workshop.command.home
    quiet = workshop.command.having(monitoring_textfile="~/llm.prom", scheduler_enabled="false")
    done = start(quiet, "run-due").wait()
    assert (done.code, done.out, done.errors) == (0, "", "")
    text = (home / "llm.prom").read_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert [each.value for each in families["llm_maint_scheduler_enabled"].samples] == [0]
    assert families["llm_maint_last_tick_timestamp_seconds"].samples
    assert not list(Path(home).glob("*.tmp"))
    (home / "llm.prom").unlink()
    assert start(quiet, "run-due").wait().code == 0  # the quick way: the tick is noted already
    assert not (home / "llm.prom").exists()
