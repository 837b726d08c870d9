"""What starts the ticks is found where systemd and cron have it; programs here are stand-ins."""

from pathlib import Path

import pytest

from llm_maint.bootstrap.timers import timer_check
from llm_maint.domain.checkup import State

LOADED = "LoadState=loaded\nActiveState={state}\n"
MISSING = "LoadState=not-found\nActiveState=inactive\n"


class World:
    """A host: what its `systemctl` and `crontab` say, and its system's crontabs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crontab, self.cron_d = folder / "crontab", folder / "cron.d"
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.cron_d.mkdir()

    def program(self, name: str, script: str) -> None:
        """Put a program on the path."""
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def systemd(self, *, system: str, user: str = MISSING) -> None:
        """Let the system's and the user's systemd say so of the timer."""
        self.program(
            "systemctl",
            f"if [ $1 = --user ]; then printf '{user}'; else printf '{system}'; fi",
        )

    def found(self, *, ticks: bool = False) -> tuple[State, str, str]:
        """Return what is found."""
        check = timer_check(ticks=ticks, cron=(self.crontab, self.cron_d))
        return check.state, check.found, check.mend


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a host on which nothing is installed."""
    made = World(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs))
    return made


def test_nothing_is_installed(world: World) -> None:
    """A warning, with the command that prints the line for cron."""
    state, found, mend = world.found()
    assert state is State.WARNING
    assert found.startswith("no llm-maint.timer")
    assert mend == "llm-maint deploy cron"


def test_something_else_starts_it(world: World) -> None:
    """A container's scheduler, say: the ticks are seen, so all is well."""
    assert world.found(ticks=True)[0] is State.OK


@pytest.mark.parametrize("whose", ["system", "user"])
def test_a_timer_that_runs_is_found(world: World, whose: str) -> None:
    """The system's, or the user's own."""
    active = LOADED.format(state="active")
    if whose == "system":
        world.systemd(system=active)
    else:
        world.systemd(system=MISSING, user=active)
    assert world.found()[:2] == (
        State.OK,
        f"{'the system' if whose == 'system' else 'this user'}'s llm-maint.timer",
    )


def test_a_timer_that_is_off_is_a_warning(world: World) -> None:
    """It is installed, and somebody forgot to enable it."""
    world.systemd(system=LOADED.format(state="inactive"))
    state, found, mend = world.found()
    assert (state, mend) == (State.WARNING, "systemctl enable --now llm-maint.timer")
    assert "is off" in found


def test_a_users_timer_that_is_off_is_that_users_to_enable(world: World) -> None:
    """The command that mends it is the user's own."""
    world.systemd(system=MISSING, user=LOADED.format(state="inactive"))
    assert world.found()[2] == "systemctl --user enable --now llm-maint.timer"


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("* * * * * /opt/llm-maint/bin/llm-maint run-due", True),
        ("  */5 * * * *  root  llm-maint -q run-due", True),
        ("@hourly python3 -m llm_maint run-due", True),
        ("# * * * * * llm-maint run-due", False),
        ("MAILTO=llm-maint@example.org", False),
        ("@weekly llm-maint report -o /srv/report.html", False),
        ("* * * * * backup", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("where", ["of the user", "crontab", "cron.d"])
def test_a_crontab_that_starts_it_is_found(
    world: World, line: str, where: str, *, is_found: bool
) -> None:
    """The user's, or one of the system's; a line that is commented out starts nothing."""
    if where == "of the user":
        world.program("crontab", f"echo '{line}'")
    elif where == "crontab":
        world.crontab.write_bytes(b"\xff odd\n" + line.encode())
    else:
        (world.cron_d / "maintenance").write_text(line)
    assert (world.found()[0] is State.OK) is is_found


def test_what_cannot_be_read_is_passed_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hardened host keeps its crontabs from others."""
    world.crontab.write_text("* * * * * llm-maint run-due")

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", refuses)
    monkeypatch.setattr(Path, "read_text", refuses)
    assert world.found()[0] is State.WARNING


def test_programs_that_fail_say_nothing(world: World) -> None:
    """No systemd here, no crontab for this user: neither is an error of ours."""
    world.program("systemctl", "echo LoadState=loaded; exit 1")
    world.program("crontab", "echo llm-maint; exit 1")
    assert world.found()[0] is State.WARNING
