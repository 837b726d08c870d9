"""Installs a wheel or an sdist into an empty environment, and uses it there as a stranger would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

TIMEOUT_SECONDS = 120
ROOMS = """
import importlib, pkgutil, sys, llm_maint
for room in pkgutil.walk_packages(llm_maint.__path__, "llm_maint."):
    if ".examples" not in room.name:
        importlib.import_module(room.name)
rooms = [module for name, module in sys.modules.items() if name.partition(".")[0] == "llm_maint"]
assert all(room.__file__.startswith(sys.prefix) for room in rooms), "not the installed package"
print(len(rooms), "rooms")
"""
"""Imports all there is, which shows whether what it needs came along."""

Check = Callable[[str], bool]
"""Whether the standard output of a command is as it should be."""


def smoke(file: Path, *, python: str, version: str) -> list[str]:
    """Install a wheel or an sdist for an interpreter, in a folder of its own, and use it.

    An sdist is built on the way, by what it says builds it. The commands run in an empty folder,
    with an empty home and an environment of a search path alone. Return what took how long.

    Raises:
        AssertionError: a command ended otherwise than it should, or said something else.
        subprocess.CalledProcessError: it cannot be installed.

    """
    with TemporaryDirectory(prefix="llm-maint-smoke-") as name:
        folder = Path(name)
        for each in ("home", "empty"):
            (folder / each).mkdir()
        seconds = _install(file, folder, python)
        lines = [f"{file.name} on {_version(folder)}: installed in {seconds:.1f} s"]
        for command, check in _commands(version).items():
            lines.append(f"  {command:32} {_use(folder, command.split(), check):4.1f} s")
        seconds = _use(folder, ["python", "-c", ROOMS], lambda out: out.endswith("rooms\n"))
        lines.append(f"  {'every room, imported':32} {seconds:4.1f} s")
        assert not list((folder / "empty").iterdir()), "a command wrote where it was started"
        return lines


def _commands(version: str) -> dict[str, Check]:
    """Return what is tried, in an order that makes sense, with what standard output must be."""
    return {
        "llm-maint --version": lambda out: out == f"llm-maint {version}\n",
        "python -m llm_maint --version": lambda out: out == f"llm-maint {version}\n",
        "llm-maint demo": lambda out: "14 -> 10" in out and "Try next" in out,
        "llm-maint init": lambda out: "profile-maintenance" in out,
        "llm-maint db status": lambda out: "up to date" in out,
        "llm-maint jobs list --json": lambda out: all(job["enabled"] for job in json.loads(out)),
        "llm-maint run-due": lambda out: not out,
        "llm-maint doctor": lambda out: "settings" in out,
        "llm-maint runs tail --json": lambda out: (
            {json.loads(line)["status"] for line in out.splitlines()} == {"success"}
        ),
    }


def _install(file: Path, folder: Path, python: str) -> float:
    """Return the seconds that it took."""
    started = time.monotonic()
    into = folder / "environment/bin/python"
    # A file of the same name may have been installed before: uv must not remember that one.
    options = ["--compile-bytecode", "--refresh-package", "llm-maint"]
    for command in (
        ["venv", "--quiet", "--no-project", "--python", python, folder / "environment"],
        ["pip", "install", "--quiet", *options, "--python", into, file.absolute()],
    ):
        subprocess.run([sys.executable, "-m", "uv", *command], cwd=folder, check=True)
    return time.monotonic() - started


def _use(folder: Path, command: list[str], check: Check) -> float:
    """Return the seconds that it took."""
    started = time.monotonic()
    done = subprocess.run(
        [folder / "environment/bin" / command[0], *command[1:]],
        cwd=folder / "empty",
        env={"PATH": os.defpath, "HOME": str(folder / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    well = done.returncode == 0 and not done.stderr and check(done.stdout)
    said = f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    assert well, said
    return time.monotonic() - started


def _version(folder: Path) -> str:
    python = folder / "environment/bin/python"
    done = subprocess.run([python, "--version"], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()
