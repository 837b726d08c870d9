"""What a stranger meets first: the demo, the version and the help."""

import os
import subprocess
from pathlib import Path

import pytest
from command import Command, tidy
from model_server import ModelServer


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
