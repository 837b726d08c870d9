"""A workshop: a database with odd jobs, and ticks that are real processes, to be disturbed."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from command import Command, Done
from forking import Streams, fork_server

from llm_maint.store.database import Database
from llm_maint.store.tables import jobs, runs

BROUGHT = Path(__file__).parent / "brought"
"""Where the package of the odd jobs is installed."""

SECONDS = 30
"""Nothing here takes longer, however busy the machine is."""


_NUMBERS = count()
"""For ids and files of the whole session: none comes twice."""


def wait_until(reached: Callable[[], object], *, every: float = 0.005) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(every)


def outlive(moment: datetime) -> None:
    """Wait until a moment has passed."""
    wait_until(lambda: datetime.now(UTC) > moment)


@dataclass(frozen=True, slots=True)
class Process:
    """A command at work; whoever starts it waits for it."""

    pid: int
    out: Path
    errors: Path

    def send(self, number: signal.Signals, *, times: int = 1) -> None:
        """Send a signal, several times in quick succession."""
        for _ in range(times):
            os.kill(self.pid, number)  # its id is its own until it is waited for
            time.sleep(0.001 if times > 1 else 0)  # two that come at once are one

    def until_it_listens(self) -> None:
        """Wait until it sees to signals by itself: what Python does before that is Python's."""
        wait_until(self._listens, every=0)

    def has_ended(self) -> bool:
        """Return whether it has ended."""
        return "Z" in self._status("State")

    def _listens(self) -> bool:
        mask = int(self._status("SigCgt"), 16)
        return self.has_ended() or bool(mask & 1 << (signal.SIGTERM - 1))

    def _status(self, name: str) -> str:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)[name]

    def wait(self) -> Done:
        """Wait for its end."""
        code = fork_server().wait(self.pid)
        return Done(code, *(file.read_bytes().decode() for file in (self.out, self.errors)))


def start(command: Command, *arguments: str) -> Process:
    """Start a command that knows the odd jobs."""
    number = next(_NUMBERS)
    out, errors = (command.home / f"{number}.{kind}" for kind in ("out", "errors"))
    environment = {**command.environment, "PYTHONPATH": str(BROUGHT)}
    streams = Streams(output=str(out), errors=str(errors))
    return Process(fork_server().start(environment, command.home, arguments, streams), out, errors)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Jobs in a database, and the command on it.

    The lease of a claim is too long to run out, however busy the machine is; `hasty` shortens it.
    """

    command: Command
    database: Database
    lease_seconds: int = 60

    def hasty(self, *, lease_seconds: int = 1) -> Self:
        """Return the same with a lease that a test can wait for."""
        return replace(self, lease_seconds=lease_seconds)

    def add(self, job_type: str, *names: str, due: timedelta | None = None, **config: Any) -> None:  # noqa: ANN401 any JSON
        """Add jobs of one type, in the order in which they are due; `due` is counted from now."""
        rows = [
            {
                "id": f"{next(_NUMBERS):06}",
                "job_type": job_type,
                "name": name,
                "enabled": True,
                "interval_minutes": 60,
                "next_run_at": None if due is None else datetime.now(UTC) + due,
                "config_json": config,
            }
            for name in names
        ]
        with self.database.write() as connection:
            connection.execute(sa.insert(jobs), rows)

    def start(self, *arguments: str) -> Process:
        """Start a command."""
        return start(
            self.command.having(scheduler_lease_seconds=str(self.lease_seconds)), *arguments
        )

    def tick(self, *arguments: str, code: int = 0) -> Done:
        """Run a tick to its end, which must have the exit code."""
        done = self.start("run-due", *arguments).wait()
        assert done.code == code, f"{done.code}\n{done.errors}{done.out}"
        return done

    def tick_until_settled(self) -> list[Done]:
        """Tick until every job has run and no run is `running`; return the ticks."""
        ticks: list[Done] = []

        def settled() -> bool:
            ticks.append(self.tick("--json"))
            return not self.claims() and self.names() == self.succeeded().keys()

        wait_until(settled, every=0.1)
        return ticks

    def outlive_leases(self) -> None:
        """Wait until every lease has run out."""
        for ends in self._leases():
            outlive(ends)

    def notes(self) -> list[str]:
        """Return the names of the jobs that have begun, in order."""
        notes = self.command.home / "notes"
        return notes.read_text(encoding="utf-8").split() if notes.exists() else []

    def names(self) -> set[str]:
        """Return the names of all jobs."""
        return {name for (name,) in self._rows(sa.select(jobs.c.name))}

    def job(self, name: str) -> Any:  # noqa: ANN401 a row
        """Return a job's row."""
        (found,) = self._rows(sa.select(jobs).where(jobs.c.name == name))
        return found

    def runs(self, *names: str) -> list[tuple[str, int]]:
        """Return status and attempt of the runs of these jobs, else of all, oldest first."""
        query = sa.select(runs.c.status, runs.c.attempt).order_by(runs.c.started_at)
        if names:
            query = query.where(runs.c.job_name.in_(names))
        return [(status, attempt) for status, attempt in self._rows(query)]

    def succeeded(self) -> Counter[str]:
        """Return how often each job has succeeded."""
        query = sa.select(runs.c.job_name).where(runs.c.status == "success")
        return Counter(name for (name,) in self._rows(query))

    def claims(self) -> list[tuple[Any, ...]]:
        """Return the claims that somebody holds, and the runs that are said to be at work."""
        held = sa.select(jobs.c.claim_run_id).where(jobs.c.claim_run_id.is_not(None))
        return self._rows(
            sa.union_all(held, sa.select(runs.c.id).where(runs.c.status == "running"))
        )

    def let_all_be_due(self) -> None:
        """Let every job be due now."""
        with self.database.write() as connection:
            connection.execute(sa.update(jobs).values(next_run_at=None))

    def _leases(self) -> list[datetime]:
        query = sa.select(jobs.c.lease_expires_at).where(jobs.c.claim_run_id.is_not(None))
        return [ends for (ends,) in self._rows(query)]

    def _rows(self, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(query).all())
