"""Three systems behind one face: prepare a database, add jobs, start a one-shot worker."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks import ours
from benchmarks.peers import environment
from benchmarks.postgres import sql
from benchmarks.processes import Started, run
from llm_maint import __version__


@dataclass(frozen=True, slots=True)
class Place:
    """A database for one system, and a folder for what its jobs leave."""

    url: str
    folder: Path

    @property
    def marks(self) -> Path:
        """Where jobs leave their marks."""
        return self.folder / "marks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a worker is started where it is not the usual way.

    `lease` shortens, in seconds, how long a dead worker keeps its job. `scheduled` lets the peers
    register their every-minute task, `rescuing` the task that one of them needs for dead workers.
    """

    lease: int | None = None
    scheduled: bool = False
    rescuing: bool = False


USUAL = Manner()


class System(Protocol):
    """A job runner that can be started as a one-shot worker."""

    @property
    def title(self) -> str:
        """Its name and version."""
        ...

    @property
    def rescues_by_task(self) -> bool:
        """Whether a dead worker's job comes back only where a task of the user's own sees to it."""
        ...

    def prepare(self, place: Place) -> None:
        """Create its schema."""
        ...

    def add(
        self, place: Place, kind: str, count: int = 1, *, delay: float = 0, seconds: float = 0
    ) -> None:
        """Add jobs that are due after `delay` seconds; those that sleep do so for `seconds`."""
        ...

    def schedule(self, place: Place) -> None:
        """Let `marks` run every minute, where that is written in the database."""
        ...

    def start(self, place: Place, manner: Manner = USUAL) -> Started:
        """Start a worker that does what is due and ends."""
        ...

    def recorded(self, place: Place) -> str:
        """Return the statuses that the database tells of, and how often each."""
        ...

    def done(self, place: Place) -> int:
        """Return how many jobs ended well, as the database tells."""
        ...


@dataclass(frozen=True, slots=True)
class LlmMaint:
    """This project."""

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"llm-maint {__version__}"

    @property
    def rescues_by_task(self) -> bool:
        """It rescues by itself."""
        return False

    def prepare(self, place: Place) -> None:
        """Create its schema."""
        _ours(place).prepare()

    def add(
        self, place: Place, kind: str, count: int = 1, *, delay: float = 0, seconds: float = 0
    ) -> None:
        """Add jobs."""
        _ours(place).add(kind, count, delay=delay, seconds=seconds)

    def schedule(self, place: Place) -> None:
        """Add the job that runs every minute."""
        _ours(place).run("jobs", "add", "marks", "--every", "1m")

    def start(self, place: Place, manner: Manner = USUAL) -> Started:
        """Start a tick."""
        lease = {"LLM_MAINT_SCHEDULER_LEASE_SECONDS": str(manner.lease)} if manner.lease else {}
        return _ours(place).started("run-due", settings=lease)

    def recorded(self, place: Place) -> str:
        """Return the statuses of runs."""
        return _listed(place, "SELECT status, error_message FROM job_runs ORDER BY started_at")

    def done(self, place: Place) -> int:
        """Return how many jobs ended well."""
        return _counted(place, "SELECT count(*) FROM job_runs WHERE status = 'success'")


@dataclass(frozen=True, slots=True)
class Procrastinate:
    """The queue that reads its jobs one by one, as its `worker --one-shot`."""

    programs: Path
    concurrency: int = 1

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"procrastinate {environment.version(self.programs, 'procrastinate')}"

    @property
    def rescues_by_task(self) -> bool:
        """Its manual advises a periodic one."""
        return True

    def prepare(self, place: Place) -> None:
        """Create its schema."""
        run(self._line("schema", "--apply"), _environment(place)).checked()

    def add(
        self, place: Place, kind: str, count: int = 1, *, delay: float = 0, seconds: float = 0
    ) -> None:
        """Defer jobs."""
        _run_app(self.programs, "procrastinate_app.py", place, kind, count, delay, seconds)

    def schedule(self, place: Place) -> None:
        """Do nothing: its schedules are in the program, see `Manner`."""

    def start(self, place: Place, manner: Manner = USUAL) -> Started:
        """Start a worker."""
        line = self._line("worker", "--one-shot", f"--concurrency={self.concurrency}")
        return Started(line, _environment(place, manner))

    def recorded(self, place: Place) -> str:
        """Return the statuses of jobs: it keeps no reason."""
        return _listed(place, "SELECT status::text, NULL FROM procrastinate_jobs ORDER BY id")

    def done(self, place: Place) -> int:
        """Return how many jobs ended well."""
        return _counted(place, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'")

    def _line(self, *arguments: str) -> list[str]:
        program = str(self.programs / "procrastinate")
        return [program, "--log-level=warning", "--app=procrastinate_app.app", *arguments]


@dataclass(frozen=True, slots=True)
class PgQueuer:
    """The queue that takes its jobs in batches, as `pgq run --mode drain`."""

    programs: Path

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"PgQueuer {environment.version(self.programs, 'pgqueuer')}"

    @property
    def rescues_by_task(self) -> bool:
        """It rescues by itself."""
        return False

    def prepare(self, place: Place) -> None:
        """Create its schema."""
        line = [str(self.programs / "pgq"), "install"]
        run(line, _environment(place)).checked()

    def add(
        self, place: Place, kind: str, count: int = 1, *, delay: float = 0, seconds: float = 0
    ) -> None:
        """Enqueue jobs."""
        _run_app(self.programs, "pgqueuer_app.py", place, kind, count, delay, seconds)

    def schedule(self, place: Place) -> None:
        """Do nothing: its schedules are in the program, see `Manner`."""

    def start(self, place: Place, manner: Manner = USUAL) -> Started:
        """Start a worker."""
        line = [str(self.programs / "pgq"), "run", "--mode=drain", "--log-level=WARNING"]
        if manner.lease:
            line += [f"--heartbeat-timeout={manner.lease}"]
        return Started([*line, "pgqueuer_app:worker"], _environment(place, manner))

    def recorded(self, place: Place) -> str:
        """Return the last status that its log tells of each job, with a trace of the error."""
        return _listed(
            place,
            "SELECT DISTINCT ON (job_id) status::text, traceback::text FROM pgqueuer_log "
            "ORDER BY job_id, id DESC",
        )

    def done(self, place: Place) -> int:
        """Return how many jobs ended well."""
        return _counted(place, "SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'")


def systems(programs: Path) -> Sequence[System]:
    """Return all of them, ours first."""
    return [LlmMaint(), Procrastinate(programs), PgQueuer(programs)]


def _ours(place: Place) -> ours.Ours:
    return ours.Ours(place.url, place.folder)


def _environment(place: Place, manner: Manner = USUAL) -> dict[str, str]:
    programs_of_peers = os.pathsep.join([str(environment.HERE), str(ours.JOB_TYPES)])
    optional: Mapping[str, bool | int | None] = {
        "PEER_SCHEDULE": manner.scheduled,
        "PEER_RESCUE_SECONDS": manner.rescuing and manner.lease,
    }
    return {
        **ours.quiet_environment(),
        "PYTHONPATH": programs_of_peers,
        "PEER_DATABASE_URL": place.url,
        "PGDSN": place.url,
        "BENCH_MARKS": str(place.marks),
        **{name: str(int(value)) for name, value in optional.items() if value},
    }


def _run_app(
    programs: Path, app: str, place: Place, kind: str, count: int, delay: float, seconds: float
) -> None:
    words = [kind, str(count), str(delay), str(seconds)]
    line = [str(programs / "python"), str(environment.HERE / app), *words]
    run(line, _environment(place)).checked()


def _listed(place: Place, query: str) -> str:
    rows = sql(place.url, query)
    told = "with the reason" if any(reason for _, reason in rows) else "without a reason"
    statuses = [status for status, _ in rows]
    counted = ", ".join(f"{each} x {statuses.count(each)}" for each in dict.fromkeys(statuses))
    return f"{counted} {told}" if rows else "nothing"


def _counted(place: Place, query: str) -> int:
    return int(sql(place.url, query)[0][0])
