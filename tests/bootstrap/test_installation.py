"""How it is installed: the settings file, the key, and whether the modules are compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm_maint.bootstrap import installation
from llm_maint.bootstrap.installation import key_check, program_check, settings_check
from llm_maint.domain.checkup import State
from llm_maint.errors import ExitCode
from llm_maint.settings.loading import LoadedSettings
from llm_maint.settings.sections import Settings

SERVER = {"llm.base_url": "http://127.0.0.1:1/v1"}


def _settings(**llm: str) -> Settings:
    flags = {**SERVER, **{f"llm.{name}": value for name, value in llm.items()}}
    return LoadedSettings.of(flags=flags, environment={}, file=None).settings


@pytest.mark.parametrize(
    ("mode", "state"), [(0o600, State.OK), (0o640, State.WARNING), (0o604, State.WARNING)]
)
def test_what_holds_a_secret_is_its_owners_alone(tmp_path: Path, mode: int, state: State) -> None:
    """The settings file, and the file of the key: one that others can read is a warning."""
    file = tmp_path / "secret"
    file.write_text("s3cret")
    file.chmod(mode)
    mend = "" if state is State.OK else f"chmod 600 {file}"
    (key,) = key_check(_settings(api_key_file=str(file)), None)
    for check in (settings_check(file), key):
        assert (check.state, check.mend) == (state, mend)
        assert "s3cret" not in check.found


def test_a_key_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    """The message names the setting."""
    (check,) = key_check(_settings(api_key_file=str(tmp_path / "none")), None)
    assert (check.state, check.exit_code) == (State.FAILURE, ExitCode.CONFIGURATION)
    assert "llm.api_key_file" in check.found


def test_where_the_key_comes_from_is_told(tmp_path: Path) -> None:
    """Never the key itself; without a model server there is nothing to tell."""
    credential, empty = tmp_path / "llm-api-key", tmp_path / "empty"
    credential.write_text("s3cret")
    empty.write_text("\n")
    said = {
        "in the settings themselves": key_check(_settings(api_key="s3cret"), None),
        "printed by llm.api_key_command": key_check(_settings(api_key_command="pass llm"), None),
        "handed over by systemd": key_check(_settings(api_key_file="/nowhere"), credential),
        "none: a server of your own may need none": key_check(_settings(), empty),
    }
    for told, checks in said.items():
        assert [(check.state, check.found) for check in checks] == [(State.OK, told)]
    assert list(key_check(Settings(), None)) == []


def _installed(folder: Path, *, compiled: bool) -> str:
    """Return what a program says that was copied there, where nobody writes bytecode."""
    package = folder / "llm_maint"
    source = Path(installation.__file__).parents[1]
    subprocess.run(["cp", "-r", str(source), str(package)], check=True)
    for kept in package.rglob("*.pyc"):
        kept.unlink()
    if compiled:
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(package)], check=True)
    script = (
        "from llm_maint.bootstrap import installation as found\n"
        "found._WATCHED = {'llm_maint'}\n"
        "check = found.program_check()\n"
        "print(check.state, check.found, check.mend)"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_modules_that_are_not_compiled_are_told(tmp_path: Path) -> None:
    """Where Python may not write, each start compiles everything anew: a command mends it."""
    said = _installed(tmp_path, compiled=False)
    assert said.startswith("warning llm-maint ")
    assert f"-m compileall -q {tmp_path}/llm_maint" in said


def test_modules_that_are_compiled_are_fine(tmp_path: Path) -> None:
    """There is nothing to mend."""
    assert _installed(tmp_path, compiled=True).startswith("ok llm-maint ")


def test_the_version_is_told() -> None:
    """Of the program and of Python: it is the first that is asked for."""
    assert f"Python {sys.version.split()[0]}" in program_check().found
