"""systemd's own judgement of the unit files: they are valid, and the service is well bounded."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from systemd import analyzed

from llm_maint.domain.deployment import SERVICE, TIMER, Deployment, calendar_of
from llm_maint.domain.unit_files import unit_files

UNITS = Path(__file__).parents[2] / "deploy/systemd"
CONFIG = "/etc/llm-maint/config.toml"


@pytest.fixture
def program(tmp_path: Path) -> str:
    """Return a program that can be started, at a path that has to be quoted."""
    path = tmp_path / "50% of it" / "llm-maint"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def _written(folder: Path, deployment: Deployment) -> list[Path]:
    for name, text in unit_files(deployment).items():
        (folder / name).write_text(text)
    return [folder / SERVICE, folder / TIMER]


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param({}, id="the system's"),
        pytest.param({"loopback": True}, id="on loopback"),
        pytest.param({"key_file": "/etc/my keys/50%"}, id="with a key"),
        pytest.param({"interval_seconds": 420}, id="of an odd interval"),
        pytest.param({"user": True, "config": "/my 5%/config.toml"}, id="a user's"),
    ],
)
def test_the_units_are_valid(tmp_path: Path, program: str, variant: dict[str, object]) -> None:
    """Systemd has nothing to say against them."""
    values = {"program": program, "interval_seconds": 30, "config": CONFIG, **variant}
    paths = _written(tmp_path, Deployment(**values))  # type: ignore[arg-type]
    scope = "--user" if variant.get("user") else "--system"
    done = analyzed("verify", scope, "--recursive-errors=no", *paths, runtime=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_directive_is_found(tmp_path: Path, program: str) -> None:
    """The judgement above is worth something; without its flag, it would only be a warning."""
    deployment = Deployment(program=program, interval_seconds=30, config=CONFIG)
    for path in _written(tmp_path, deployment):
        path.write_text(path.read_text().replace("ProtectHome=", "ProtectHomes="))
    done = analyzed("verify", "--recursive-errors=no", tmp_path / SERVICE)
    assert done.returncode != 0
    assert "ProtectHomes" in done.stderr


@pytest.mark.parametrize(
    ("folder", "tenths"), [(UNITS, 12), (UNITS / "loopback", 10)], ids=["usual", "loopback"]
)
def test_the_service_is_hardly_exposed(folder: Path, tenths: int) -> None:
    """At most 1.2 of 10, and on loopback 1.0; the README tells what it is."""
    judge = ("security", "--offline=true", f"--threshold={tenths}", folder / SERVICE)
    done = analyzed(*judge)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_service_without_bounds_is_exposed(tmp_path: Path) -> None:
    """The judgement above is worth something, too."""
    (tmp_path / SERVICE).write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n")
    done = analyzed("security", "--offline=true", "--threshold=12", tmp_path / SERVICE)
    assert done.returncode != 0


@pytest.mark.parametrize("seconds", [1, 30, 60, 300, 3_600, 21_600, 86_400])
def test_the_calendar_keeps_the_interval(seconds: int) -> None:
    """Systemd reads each form as it is meant: the ticks are as far apart as the setting says."""
    calendar = calendar_of(seconds)
    assert calendar is not None
    base = "--base-time=2026-01-01 00:00:00"
    said = analyzed("calendar", "--iterations=30", base, calendar).stdout
    marks = ("Next elapse: ", "Iteration #", "Iter. #")
    lines = [line.strip() for line in said.splitlines() if line.strip().startswith(marks)]
    times = [
        datetime.strptime(" ".join(line.split()[-3:-1]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        for line in lines
    ]
    assert len(times) == 30
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(seconds=seconds)}
