"""The failure command: what it is given, and that it fails nothing, however it ends."""

import json
import signal
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from logged import messages
from runs import RUN_ID, finished

from llm_maint.domain.run_document import run_document
from llm_maint.domain.runs import Status
from llm_maint.monitoring.command import FailureCommand
from llm_maint.monitoring.telling import Telling

SECONDS = 30
"""Nothing here takes longer, however busy the machine is."""

FAILED = finished("failed")


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return a small environment, with changes."""
    return {"PATH": "/usr/bin:/bin", **changes}


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Return what makes a script in the test's directory, and returns its command line."""

    def make(text: str) -> str:
        path = tmp_path / "on failure"
        path.write_text(f"#!/bin/sh\ncd {tmp_path}\n{text}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return f"'{path}' one 'two three'"

    return make


def command(line: str, *, timeout: float = SECONDS) -> FailureCommand:
    """Return the command."""
    return FailureCommand(line, Telling(), environment=environment, timeout=timeout)


def run(it: FailureCommand, *ends: str) -> None:
    """Tell it of runs that have ended so, to the end."""
    for end in ends:
        it.ended(finished(end))
    it.errands.end()
    assert it.errands.have_ended(within=SECONDS)


def wait_until(reached: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, be it that nobody has waited for it yet."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_it_is_given_the_run(
    script: Callable[[str], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As JSON and as variables; its arguments are its own, and its output goes to ours."""
    run(command(script('env > e; cat > run; echo "$1|$2|$3"; echo no >&2')), "failed")
    assert json.loads((tmp_path / "run").read_text()) == run_document(FAILED.run)
    variables = dict(
        line.split("=", 1) for line in (tmp_path / "e").read_text().splitlines() if "=" in line
    )
    expected = {
        "JOB_NAME": "nightly",
        "JOB_TYPE": "noting",
        "RUN_ID": RUN_ID,
        "RUN_STATUS": "failed",
        "ERROR_MESSAGE": "it broke",
        "EXIT_CODE": "1",
    }
    assert variables.items() >= expected.items()
    out, errors = capfd.readouterr()
    assert (out, errors) == ("", "one|two three|\nno\n")


def test_it_is_run_for_failed_runs_alone(script: Callable[[str], str], tmp_path: Path) -> None:
    """Once for each; skipped, interrupted and abandoned have not failed."""
    run(command(script("echo $RUN_STATUS >> ran")), *Status, "failed")
    assert (tmp_path / "ran").read_text().split() == ["failed", "failed"]


def test_one_that_reads_nothing_is_no_trouble(
    script: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    """However long the document is that it leaves unread."""
    it = command(script("exec 0<&-; exit 0"))
    it.ended(finished("failed", result={"text": "x" * 1_000_000}))
    it.errands.end()
    assert it.errands.have_ended(within=SECONDS)
    assert messages(caplog) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/nowhere/mail --token t0ken", "cannot be run: /nowhere/mail: No such file or directory"),
        ("'t0ken", "cannot be run: it is no command line"),
        ("/bin/sh -c 'exit 7' t0ken", "ended with exit code 7"),
        ("/bin/sh -c 'kill -9 $$' t0ken", "ended with exit code -9"),
        ("/ t0ken", "cannot be run: /: Permission denied"),
    ],
)
def test_what_goes_wrong_is_told_once(
    caplog: pytest.LogCaptureFixture, line: str, said: str
) -> None:
    """Without its arguments, which may hold a secret."""
    run(command(line), "failed", "failed")
    assert messages(caplog) == [f"monitoring: on_failure_command {said}"]


def test_one_that_does_not_end_is_ended_with_all_it_has_started(
    script: Callable[[str], str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And is not run again in this tick: the next run would wait as long."""
    sleeping = "trap '' TERM; sleep 600 & echo $! >> pids; wait; sleep 600"
    run(command(script(sleeping), timeout=0.5), "failed", "failed")
    (pid,) = map(int, (tmp_path / "pids").read_text().split())
    wait_until(lambda: is_gone(pid))  # a signal takes a moment
    assert messages(caplog) == [
        "monitoring: on_failure_command did not end within 0.5 s, and was ended"
    ]


def test_one_that_runs_is_ended_where_the_tick_is(
    script: Callable[[str], str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may clean up; no other is begun, and there is nothing to complain about."""
    sleeping = "(trap '' TERM; exec sleep 600) & echo $! > sleeping; echo $$ > pid; wait"
    it = command(script(f"trap 'echo told > told; exit 1' TERM; {sleeping}"))
    it.ended(FAILED)
    it.ended(FAILED)
    pid = tmp_path / "pid"
    wait_until(lambda: pid.exists() and pid.read_text())
    it.stop(signal.SIGTERM)
    it.errands.end()
    assert it.errands.have_ended(within=SECONDS)
    assert (tmp_path / "told").exists()
    wait_until(lambda: is_gone(int(pid.read_text())))
    wait_until(lambda: is_gone(int((tmp_path / "sleeping").read_text())))
    assert messages(caplog) == []


def test_one_without_a_command_begins_no_thread() -> None:
    """Nothing is configured, and nothing is done."""
    it = command(" ")
    run(it, "failed")
    assert not it.errands.is_at_work
