"""Nothing to do, or nobody to do it with: a tick ends at once, and says no more than it must."""

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from command import Command
from workshop import Workshop, start

from llm_maint.settings.sections import Settings


def test_a_scheduler_that_is_switched_off_leaves_all_as_it_is(workshop: Workshop) -> None:
    """What is due stays due, what a dead process holds stays claimed; nothing is said."""
    workshop = workshop.hasty()
    workshop.add("exiting", "dies")
    workshop.tick(code=9)
    workshop.add("noting", "due")
    workshop.outlive_leases()
    before = workshop.claims(), workshop.job("dies"), workshop.job("due"), workshop.runs()
    off = replace(workshop, command=workshop.command.having(scheduler_enabled="false"))
    done = off.tick()
    assert (done.out, done.errors) == ("", "")
    assert off.tick("--json").json["runs"] == []
    assert (
        workshop.claims(),
        workshop.job("dies"),
        workshop.job("due"),
        workshop.runs(),
    ) == before
    assert workshop.notes() == ["dies"]


def test_a_connection_is_waited_for_five_seconds() -> None:
    """Unless the settings say otherwise."""
    assert Settings().database.connect_timeout_seconds == 5


@pytest.mark.parametrize("command_line", [("run-due",), ("run-due", "--json"), ("jobs", "list")])
@pytest.mark.parametrize(
    ("listens", "time_out", "within"),
    [(False, 60, 15), (True, 1, 4.5)],
    ids=["closed port", "silent server"],
)
def test_a_database_that_is_down_is_told_in_time(
    tmp_path: Path, command_line: tuple[str, ...], time_out: int, within: float, *, listens: bool
) -> None:
    """One line and 69: at once where nobody listens, else after `connect_timeout_seconds`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not listens:
            server.close()
        settings = {
            "database_url": f"postgresql://maint:hunter2@127.0.0.1:{port}/memory",
            "database_connect_timeout_seconds": str(time_out),
        }
        down = start(Command(tmp_path, settings), *command_line)
        started = time.monotonic()
        done = down.wait()
        seconds = time.monotonic() - started
    assert (done.code, done.out, len(done.errors.splitlines())) == (69, "", 1)
    assert "hunter2" not in done.errors
    assert seconds < within
