"""`llm-maint deploy`: the files that start the ticks, those in `deploy/`, and the installer."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import DEFAULT_JOBS, Command

CHECKOUT = Path(__file__).parents[2]
PROGRAM = "/opt/llm-maint/bin/llm-maint"
GIVEN = ("--program", PROGRAM)
UNITS = ("llm-maint.service", "llm-maint.timer")


@pytest.fixture
def alone(tmp_path: Path) -> Command:
    """Return the command without any settings."""
    return Command(tmp_path, {})


@pytest.fixture
def program(tmp_path: Path) -> str:
    """Return a program of this checkout, at a path that has to be quoted."""
    path = tmp_path / "50% of it" / "llm-maint"
    path.parent.mkdir()
    path.write_text(
        f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {shlex.quote(sys.executable)} -m llm_maint "$@"\n'
    )
    path.chmod(0o755)
    return str(path)


def test_the_committed_files_are_those_of_the_defaults(alone: Command, tmp_path: Path) -> None:
    """What `make deploy-files` runs writes each of them to the byte, and no others."""
    for words, output in _commands_of("deploy-files"):
        printed = alone(*words).out
        if output:
            (tmp_path / output).write_text(printed)
    written = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()}
    committed = (CHECKOUT / "deploy").rglob("*")
    expected = {file.relative_to(CHECKOUT) for file in committed if file.is_file()}
    assert written == expected - {Path("deploy/systemd/install.sh")}
    for path in written:
        assert (tmp_path / path).read_bytes() == (CHECKOUT / path).read_bytes(), path


def _commands_of(target: str) -> list[tuple[list[str], str]]:
    """Return the `llm-maint` commands of a target, and the file that each is redirected to."""
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition(f"\n{target}:")[2].split("\n")[1:]
    commands = []
    for line in recipe[: next(i for i, line in enumerate(recipe) if not line.startswith("\t"))]:
        expanded = line.replace("$(DEPLOY)", "--quiet deploy")
        command, _, output = expanded.replace("$(INSTALLED)", shlex.join(GIVEN)).partition(">")
        assert "$" not in command
        commands.append((shlex.split(command), output.strip()))
    assert "DEPLOY = env -i HOME=/nonexistent $(BIN)/llm-maint --quiet deploy\n" in makefile
    assert f"INSTALLED = {shlex.join(GIVEN)}\n" in makefile
    return commands


def test_without_a_directory_both_units_are_printed(alone: Command) -> None:
    """Each begins with its name; what would not work here is told apart from them."""
    done = alone("deploy", "systemd", *GIVEN)
    folder = CHECKOUT / "deploy/systemd"
    assert done.out == "\n".join((folder / name).read_text() for name in UNITS)
    assert "no program /opt/llm-maint" in done.errors
    assert "there is no /etc/llm-maint/config.toml" in done.errors
    assert alone("--quiet", "deploy", "systemd", *GIVEN).errors == ""


def test_the_units_are_made_from_the_settings(alone: Command, tmp_path: Path) -> None:
    """The interval, the configuration in use and the key file; with what comes next."""
    config = tmp_path / "my settings.toml"
    config.write_text('[scheduler]\ncheck_interval_seconds = 420\n[llm]\napi_key_file = "~/key"\n')
    folder = tmp_path / "units"
    told = alone("--config", str(config), "deploy", "systemd", *GIVEN, "-o", str(folder)).out
    service, timer = (folder / name for name in UNITS)
    assert f"\nLoadCredential=config.toml:{config}\n" in service.read_text()
    assert f"\nLoadCredential=llm-api-key:{tmp_path}/key\n" in service.read_text()
    assert "\nOnUnitActiveSec=420s\n" in timer.read_text()
    assert [file.stat().st_mode & 0o777 for file in (service, timer)] == [0o644, 0o644]
    assert sorted(folder.iterdir()) == [service, timer]
    assert f"install -D -m 644 -t /etc/systemd/system {service} {timer}" in told
    assert "systemctl enable --now llm-maint.timer" in told


def test_a_users_units_find_the_settings_by_themselves(alone: Command, tmp_path: Path) -> None:
    """Unless they are elsewhere; no root is needed to install them."""
    usual = tmp_path / ".config/llm-maint/config.toml"
    alone("config", "set", "scheduler.check_interval_seconds", "60")
    assert usual.exists()
    units = tmp_path / ".config/systemd/user"
    told = alone("deploy", "systemd", "--user", *GIVEN, "--output", str(units)).out
    assert "LLM_MAINT_CONFIG" not in (units / UNITS[0]).read_text()
    assert "\nOnCalendar=*:*:00\n" in (units / UNITS[1]).read_text()
    assert "install -D" not in told
    assert "  systemctl --user enable --now llm-maint.timer\n  loginctl enable-linger" in told
    assert "--config" not in alone("deploy", "cron", *GIVEN).out
    assert f"--config {usual} run-due" in alone("deploy", "cron", *GIVEN, "--run-as", "nick").out
    shutil.copy(usual, tmp_path / "other.toml")
    other = alone("--config", "other.toml", "deploy", "systemd", "--user", *GIVEN).out
    assert f"\nEnvironment=LLM_MAINT_CONFIG={tmp_path}/other.toml\n" in other
    line = alone("--config", "other.toml", "deploy", "cron", *GIVEN).out.splitlines()[-1]
    assert line == f"* * * * * {PROGRAM} --config {tmp_path}/other.toml run-due"


def test_deploy_as_json(alone: Command, tmp_path: Path) -> None:
    """One document holds the files, what comes next and what would not work."""
    systemd = alone("deploy", "systemd", "--loopback", *GIVEN, "-o", "units", "--json").json
    assert [file["name"] for file in systemd["files"]] == list(UNITS)
    for file in systemd["files"]:
        assert Path(file["path"]).read_text() == file["text"]
        assert Path(file["path"]).parent == tmp_path / "units"
    assert (systemd["scope"], systemd["loopback"]) == ("system", True)
    assert systemd["next"][-1] == "systemctl enable --now llm-maint.timer"
    assert len(systemd["warnings"]) == 2
    cron = alone("deploy", "cron", *GIVEN, "--run-as", "nick", "--json").json
    assert (cron["interval_seconds"], cron["step_seconds"]) == (30, 60)
    assert cron["text"].endswith(f"\n* * * * * nick {PROGRAM} run-due\n")


def test_what_only_this_environment_says_is_told(alone: Command) -> None:
    """A service does not have it; the interval is in the timer, and the value is not shown."""
    given = alone.having(llm_api_key="s3cret", scheduler_check_interval_seconds="60")
    told = given("deploy", "systemd", *GIVEN)
    assert "LLM_MAINT_LLM_API_KEY;" in told.errors
    assert "CHECK_INTERVAL" not in told.errors
    assert "s3cret" not in told.errors + told.out


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("systemd", "--user", "--loopback"), 2, "packet filter"),
        (("systemd", "--program", "/a\\b"), 2, "backslash"),
        (("cron", "--run-as", "two words"), 2, "no user's name"),
        (("systemd", "--output", "/dev/null/units"), 2, "cannot write /dev/null/units"),
    ],
)
def test_what_cannot_be_deployed_is_refused(
    alone: Command, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    """By one line, and nothing is written."""
    done = alone("--quiet", "deploy", *arguments, code=code)
    assert done.out == ""
    assert reason in done.errors
    assert done.errors.count("\n") == 1


def test_the_service_runs_the_real_command(sqlite_command: Command) -> None:
    """The command of the unit, with our program in its place, runs what is due."""
    unit = (CHECKOUT / "deploy/systemd/llm-maint.service").read_text()
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    program, *arguments = shlex.split(line.removeprefix("ExecStart="))
    assert program == PROGRAM
    sqlite_command(*arguments)
    assert len(sqlite_command.runs()) == len(DEFAULT_JOBS)


def test_the_crontab_line_runs_the_real_command(sqlite_command: Command, program: str) -> None:
    """The line, run by `sh` as cron does, runs what is due and says nothing."""
    printed = sqlite_command("deploy", "cron", "--program", program).out
    (entry,) = [line for line in printed.splitlines() if not line.startswith("#")]
    command = entry.split(maxsplit=5)[5].replace(r"\%", "%")  # as cron itself reads it
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=sqlite_command.environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert len(sqlite_command.runs()) == len(DEFAULT_JOBS)


def test_the_installer_writes_units_of_this_checkout(tmp_path: Path, program: str) -> None:
    """A user's units start the given program and carry nothing that only root's systemd has."""
    environment = {
        **os.environ,
        "SCOPE": "user",
        "SYSTEMCTL": "true",
        "PROGRAM": program,
        "HOME": str(tmp_path),
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
    assert f'ExecStart="{program.replace("%", "%%")}" run-due' in service
    assert "DynamicUser" not in service
    assert (tmp_path / "systemd/user/llm-maint.timer").exists()


def test_what_the_bounded_service_does_not_reach_is_told(alone: Command) -> None:
    """Monitors on other hosts, a file elsewhere, and a database that is another one there."""
    watched = alone.having(
        monitoring_ping_url="https://hc.example.org/secret",
        monitoring_ping_urls="a=http://127.0.0.1:1/x,nightly=https://hc.example.org/secret",
        monitoring_textfile="/var/lib/prometheus/x.prom",
    )
    (alone.home / "config.toml").write_text("")
    told = watched("--config", "config.toml", "deploy", "systemd", "--loopback").errors
    assert "monitoring.ping_url is on another host" in told
    assert "monitoring.ping_urls: that of nightly is on another host" in told
    assert "that of a is" not in told
    assert "monitoring.textfile is outside /var/lib/llm-maint" in told
    assert "database.url is a file outside /var/lib/llm-maint" in told
    assert "/secret" not in told


def test_a_user_who_cannot_read_the_settings_is_told(sqlite_command: Command) -> None:
    """A file that its owner alone reads is of no use to another user's cron."""
    assert "nobody cannot read" in sqlite_command("deploy", "cron", "--run-as", "nobody").errors


def test_a_place_that_cannot_be_written_is_the_command_lines(alone: Command) -> None:
    """As it is for every other file that a command is asked to write."""
    (alone.home / "file").write_text("")
    told = alone("deploy", "systemd", "-o", "file/units", code=2).errors
    assert "--output: cannot write" in told
