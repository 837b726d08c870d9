"""Programs that would change the machine: what takes their place, and looks at their arguments."""

import re
import sqlite3
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import psycopg
from pages import CHECKOUT

from llm_maint.domain.schedule import Cron


class Ended(NamedTuple):
    """How a program ended, and what it printed on either stream."""

    code: int
    out: str
    errors: str


class Place(Protocol):
    """Where a command is typed."""

    @property
    def home(self) -> Path:
        """The directory that it is typed in."""
        ...

    def run(self, words: Sequence[str], given: str) -> Ended:
        """Run another command."""
        ...


StandIn = Callable[[Place, Sequence[str], str], str]
"""Takes the place of a program: gets its arguments and its input, returns what it would print."""

OWN_NAME = "llm-maint"


def make(_place: Place, words: Sequence[str], _given: str) -> str:
    """Know the targets; run none."""
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    for target in (word for word in words if "=" not in word):
        assert f"\n{target}:" in makefile, f"make {target}: there is no such target"
    return ""


def pip(place: Place, words: Sequence[str], _given: str) -> str:
    """Install the packages that a page has written; of others see that they are ours."""
    verb, *rest = [word for word in words if not word.startswith("-")]
    assert verb in ("install", "uninstall", "upgrade", "tool"), verb
    for name in (word for word in rest if word != "install"):
        if (place.home / name / "pyproject.toml").exists() and name != ".":
            _install(place.home / name, place.home / "site")
        else:
            _our_own(name)
    return ""


def crontab(place: Place, words: Sequence[str], given: str) -> str:
    """Keep a crontab whose lines cron would take."""
    kept = place.home / ".crontab"
    if words == ["-l"]:
        return kept.read_text(encoding="utf-8") if kept.exists() else ""
    if words == ["-e"]:
        return ""
    (name,) = words
    text = given if name == "-" else (place.home / name).read_text(encoding="utf-8")
    for line in filter(None, text.splitlines()):
        if not re.match(r"#|\w+\s*=", line):
            *fields, command = line.split(None, 5)
            Cron.parse(" ".join(fields))
            assert OWN_NAME in command, line
    kept.write_text(text, encoding="utf-8")
    return ""


def systemctl(_place: Place, words: Sequence[str], _given: str) -> str:
    """Know our units and the verbs for them."""
    verb, *units = [word for word in words if not word.startswith("-")]
    assert verb in _VERBS, verb
    assert verb == "daemon-reload" or units, f"systemctl {verb}: of what?"
    for unit in units:
        assert unit.removesuffix(".timer").removesuffix(".service") == OWN_NAME, unit
    return ""


_VERBS = {"enable", "disable", "start", "stop", "status", "cat", "list-timers", "daemon-reload"}


def journalctl(_place: Place, words: Sequence[str], _given: str) -> str:
    """Show nothing of our unit."""
    assert OWN_NAME in " ".join(words), words
    return ""


def sudo(place: Place, words: Sequence[str], given: str) -> str:
    """Run the rest, by whoever runs the tests."""
    user = words[:1] == ["-u"]
    ended = place.run(words[2:] if user else words, given)
    assert ended.code == 0, ended
    return ended.out


def psql(place: Place, words: Sequence[str], given: str) -> str:
    """Execute statements by the driver; print rows as `psql -At` does."""
    url, flag, what = words
    assert flag in ("-f", "-c"), flag
    text = (place.home / what).read_text(encoding="utf-8") if flag == "-f" else what
    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(text.encode() or given.encode())
        rows = done.fetchall() if done.description else []
    return "".join("|".join(map(str, row)) + "\n" for row in rows)


def sqlite(place: Place, words: Sequence[str], given: str) -> str:
    """Execute statements by the driver."""
    name, *statement = words
    connection = sqlite3.connect(place.home / name)
    try:
        if statement and statement[0].startswith(".backup"):
            backup = sqlite3.connect(place.home / statement[0].split()[1])
            connection.backup(backup)
            backup.close()
            return ""
        if not statement:
            connection.executescript(given)
            return ""
        rows = connection.execute(statement[0]).fetchall()
        connection.commit()
    finally:
        connection.close()
    return "".join("|".join(map(str, row)) + "\n" for row in rows)


def nothing(_place: Place, words: Sequence[str], _given: str) -> str:
    """Do nothing with arguments that cannot be looked at."""
    assert words
    return ""


STAND_INS: dict[str, StandIn] = {
    "make": make,
    "pip": pip,
    "pipx": pip,
    "uv": pip,
    "crontab": crontab,
    "systemctl": systemctl,
    "journalctl": journalctl,
    "sudo": sudo,
    "psql": psql,
    "sqlite3": sqlite,
    "pg_dump": nothing,
    "pg_restore": nothing,
    "git": nothing,
    "apt": nothing,
}
"""Every program that does not run for real, beside llm-maint itself, which does."""

REAL = frozenset(
    {"cat", "chmod", "cp", "diff", "echo", "grep", "head", "ls", "mkdir", "tail", "wc"}
)
"""Programs that are harmless in a home of their own."""


def _our_own(name: str) -> None:
    """See that this is what a package of ours is called, with extras that it has."""
    package, *extras = name.rstrip("]").split("[")
    assert package in (".", OWN_NAME), f"pip install {name}"
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras) <= set(project["optional-dependencies"]), f"pip install {name}"


def _install(package: Path, site: Path) -> None:
    """Put modules and entry points where an installed package has them."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    for module in package.glob("*.py"):
        (site / module.name).write_text(module.read_text(encoding="utf-8"), encoding="utf-8")
    named = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (about / "METADATA").write_text(named, encoding="utf-8")
    groups = project["entry-points"]
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
