"""What a stranger meets first: the demo, the deploy files, the version and the help."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from command import DEFAULT_JOBS, Command, tidy
from model_server import ModelServer

CHECKOUT = Path(__file__).parents[2]
PROGRAM = "/opt/llm-maint/bin/llm-maint"
UNITS = ("llm-maint.service", "llm-maint.timer")


def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    """Before, plan, after and the recorded run are shown, and that the model is simulated."""
    shown = Command(tmp_path, {})("demo").out
    for sign in (
        "simulated",
        "works at Alder Books",
        "dry run: nothing was written",
        "14 -> 10",
        "profile-maintenance\tsuccess",
        "Try next",
    ):
        assert sign in shown
    assert list(tmp_path.iterdir()) == []


def test_the_demo_asks_a_server_of_ones_own(tmp_path: Path) -> None:
    """With a base URL in the environment nothing is simulated."""
    with ModelServer(tidy) as server:
        shown = Command(tmp_path, {"llm_base_url": server.url})("demo").out
        assert len(server.requests) > 0
    assert "simulated" not in shown
    assert server.url in shown


def test_the_service_runs_the_real_command(sqlite_command: Command) -> None:
    """The command of the unit, with our program in its place, runs what is due."""
    unit = (CHECKOUT / "deploy/systemd/llm-maint.service").read_text()
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    program, *arguments = shlex.split(line.removeprefix("ExecStart="))
    assert program == PROGRAM
    sqlite_command(*arguments)
    assert len(sqlite_command.runs()) == len(DEFAULT_JOBS)


def test_the_crontab_line_runs_the_real_command(sqlite_command: Command) -> None:
    """The line of the example, run by `sh` as cron does, runs what is due and says nothing."""
    lines = (CHECKOUT / "deploy/crontab.example").read_text().splitlines()
    (entry,) = [line for line in lines if line and not line.startswith("#")]
    command = entry.split(maxsplit=5)[5].replace(PROGRAM, shlex.join(sqlite_command.line()))
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=sqlite_command.environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert len(sqlite_command.runs()) == len(DEFAULT_JOBS)


def test_the_units_are_valid(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say, where it is installed; the timer has a time."""
    for name in UNITS:
        text = (CHECKOUT / "deploy/systemd" / name).read_text()
        (tmp_path / name).write_text(text.replace(PROGRAM, "/bin/true"))
    timer = (tmp_path / "llm-maint.timer").read_text()
    assert "OnCalendar=" in timer
    if analyze := shutil.which("systemd-analyze"):
        paths = [str(tmp_path / name) for name in UNITS]
        done = subprocess.run(
            [analyze, "verify", "--recursive-errors=no", *paths],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_the_installer_writes_units_of_this_checkout(tmp_path: Path) -> None:
    """A user's units start the given program and carry nothing that only root's systemd has."""
    program = shutil.which("true")
    assert program is not None
    environment = {
        **os.environ,
        "SCOPE": "user",
        "SYSTEMCTL": program,
        "PROGRAM": program,
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    subprocess.run(
        [str(CHECKOUT / "deploy/systemd/install.sh")],
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    service = (tmp_path / "systemd/user/llm-maint.service").read_text()
    assert f"ExecStart={program} run-due" in service
    assert "DynamicUser" not in service
    assert (tmp_path / "systemd/user/llm-maint.timer").exists()


@pytest.mark.parametrize("arguments", [("--help",), ("run-due", "--help"), ("--version",)])
def test_help_and_version_need_no_database(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """They work before anything is set up."""
    assert "llm-maint" in Command(tmp_path, {})(*arguments).out


@pytest.mark.parametrize("journal", [True, False], ids=["journal", "elsewhere"])
def test_log_lines_carry_priorities_for_the_journal(tmp_path: Path, *, journal: bool) -> None:
    """Under systemd a line begins with its priority; elsewhere with our name."""
    command = Command(tmp_path, {"database_url": f"sqlite:///{tmp_path}/none.db"})
    log = tmp_path / "log"
    with log.open("w") as errors:
        status = os.fstat(errors.fileno())
        stream = f"{status.st_dev}:{status.st_ino}" if journal else "1:2"
        subprocess.run(
            command.line("run-due"),
            env={**command.environment, "JOURNAL_STREAM": stream},
            stderr=errors,
            check=False,
            timeout=60,
        )
    assert log.read_text().startswith("<3>error:" if journal else "llm-maint: error:")
