"""What doctor is told of the settings of monitors."""

import os
from pathlib import Path
from typing import Any

import pytest

from llm_maint.domain.checkup import State
from llm_maint.monitoring.checkup import check_monitoring
from llm_maint.settings.sections import MonitoringSettings

JOBS = ("nightly", "hourly")


def test_what_is_of_use_is_named(tmp_path: Path) -> None:
    """One line, with the settings and without their values."""
    settings = MonitoringSettings(
        ping_url="http://h/k3ys3cret/{job}",
        ping_urls=("nightly=https://h/k3ys3cret",),
        textfile=str(tmp_path / "llm.prom"),
        on_failure_command="sh -c 'k3ys3cret'",
    )
    (check,) = check_monitoring(settings, jobs=JOBS)
    assert check.state is State.OK
    assert check.found == "ping_url, ping_urls, textfile, on_failure_command"


def test_no_monitor_is_no_fault() -> None:
    """It is said what there is instead."""
    (check,) = check_monitoring(MonitoringSettings(), jobs=JOBS)
    assert (check.state, "no monitor" in check.found) == (State.OK, True)


@pytest.mark.parametrize(
    ("settings", "state", "found"),
    [
        ({"ping_urls": ("nightly",)}, State.FAILURE, "ping_urls: 1 of them are not JOB=URL"),
        ({"ping_url": "http://[::1/x"}, State.FAILURE, "ping_url is not the address"),
        ({"ping_urls": ("nightli=http://h",)}, State.WARNING, "did you mean 'nightly'?"),
        ({"textfile": "/llm.txt"}, State.FAILURE, "does not end in .prom"),
        ({"textfile": "/nowhere/llm.prom"}, State.FAILURE, "no directory /nowhere"),
        ({"on_failure_command": "'sh"}, State.FAILURE, "no command line: No closing quotation"),
        ({"on_failure_command": "nowhere x"}, State.FAILURE, "there is no program nowhere"),
    ],
    ids=str,
)
def test_what_is_of_no_use_is_told(settings: dict[str, Any], state: State, found: str) -> None:
    """With what mends it."""
    (check,) = check_monitoring(MonitoringSettings(**settings), jobs=JOBS)
    assert (check.state, check.name) == (state, "monitoring")
    assert found in check.found
    assert check.mend
    assert bool(check.exit_code) is (state is State.FAILURE)


def test_a_directory_that_is_not_ours_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is replaced as a whole, so it is the directory that must be writable."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    settings = MonitoringSettings(textfile=str(tmp_path / "llm.prom"))
    (check,) = check_monitoring(settings, jobs=JOBS)
    assert (check.state, f"cannot write into {tmp_path}" in check.found) == (State.FAILURE, True)
