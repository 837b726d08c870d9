"""What millions of rows do to a tick: nothing due, and one job due, against an empty database.

`python -m benchmarks.runner.growth` from the checkout; ends with 1 where a target is missed. On
PostgreSQL another session is idle in a transaction meanwhile, so that dead rows stay: those of an
hour, in which five jobs ran each minute, and then those of a thousand minutes.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.ours import JOB_TYPES, Ours
from benchmarks.postgres import running_server
from benchmarks.processes import Ended
from benchmarks.runner import filling
from llm_maint.bootstrap import root
from llm_maint.runner import Runner

MOST = 0.10
"""The target: neither a tick nor a claim grows by more than this part."""

HOUR, LONG = 60, 1_000
"""Firings of each of five jobs that a snapshot is held for."""

CLAIM, LOOK = "claim, run and record, in one process", "find nothing due, in one process"
"""What of a tick is not start-up. The second is told, not judged, and after `LONG` the first, too:
every row that a held snapshot keeps is in the way of whoever looks for what is due."""

IN_PROCESS = 4
"""Claims in this process for each round of whole processes: they are so much shorter.

Each leaves dead rows of its own, so there are not more of them.
"""

Samples = dict[str, list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The medians of one measure, in seconds."""

    database: str
    firings: int
    measure: str
    empty: float
    grown: float

    @property
    def change(self) -> float:
        """By which part it has grown."""
        return self.grown / self.empty - 1

    @property
    def missed(self) -> bool:
        """Whether it has grown by more than it may."""
        told = (LOOK,) if self.firings <= HOUR else (LOOK, CLAIM)
        return self.change > MOST and self.measure not in told


def main() -> None:
    """Measure and print a table; complain about missed targets."""
    given = _arguments()
    sys.path.append(str(JOB_TYPES))  # for the claims in this process
    runs, jobs = int(filling.RUNS * given.scale), int(filling.JOBS * given.scale)
    print(f"{runs:,} runs, {jobs:,} jobs that are not due")
    rows: list[Row] = []
    for database in given.databases:
        with _pair(database, given.scale) as (empty, grown):
            for firings in (0,) if grown.is_sqlite else (HOUR, LONG):
                if firings:
                    filling.live_through(grown, firings)
                compared = _compared(database, firings, empty, grown, given.rounds)
                _print(compared)
                rows += compared
    missed = [row for row in rows if row.missed]
    for row in missed:
        print(f"missed: {row.database}: {row.measure} grew by more than {MOST:.0%}")
    sys.exit(bool(missed))


@contextmanager
def _pair(database: str, scale: float) -> Iterator[tuple[Ours, Ours]]:
    """Give two databases that differ in nothing but what they hold."""
    with ExitStack() as stack:
        homes = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        if database == "sqlite":
            empty, grown = (Ours(f"sqlite:///{home / 'memory.db'}", home) for home in homes)
        else:
            server = stack.enter_context(running_server())
            empty, grown = (Ours(server.create(), home) for home in homes)
        for place in (empty, grown):
            place.prepare()
            filling.add_handful(place)
        begun = time.perf_counter()
        filling.fill(grown, scale=scale)
        print(f"{database}: filled in {time.perf_counter() - begun:.0f} s", flush=True)
        if not grown.is_sqlite:
            stack.enter_context(filling.idle_in_transaction(grown))
        yield empty, grown


def _compared(database: str, firings: int, empty: Ours, grown: Ours, rounds: int) -> list[Row]:
    """Measure both in turns, the other one first each time."""
    with ExitStack() as stack:
        pairs = [(place, stack.enter_context(_runner(place))) for place in (empty, grown)]
        found: Mapping[str, Samples] = {place.url: {} for place, _ in pairs}
        for number in range(rounds + 1):
            for place, runner in pairs if number % 2 else reversed(pairs):
                samples = found[place.url] if number else {}  # the first round warms up
                _measure(place, runner, samples)
    return [
        Row(
            database=database,
            firings=firings,
            measure=measure,
            empty=statistics.median(samples),
            grown=statistics.median(found[grown.url][measure]),
        )
        for measure, samples in found[empty.url].items()
    ]


def _measure(place: Ours, runner: Runner, samples: Samples) -> None:
    _note(samples, "a tick, nothing due", place.run("run-due"))
    filling.come_due(place, 0)
    _note(samples, "a tick, one job due", place.run("run-due"))
    for number in range(1, IN_PROCESS + 1):
        filling.come_due(place, number)
        taken = _timed(partial(_run_one, runner))
        samples.setdefault(CLAIM, []).append(taken)
    taken = _timed(partial(_run_none, runner))
    samples.setdefault(LOOK, []).append(taken)


def _note(samples: Samples, measure: str, ended: Ended) -> None:
    samples.setdefault(f"{measure}: wall", []).append(ended.wall)
    samples.setdefault(f"{measure}: CPU", []).append(ended.cpu)


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _run_one(runner: Runner) -> None:
    (done,) = runner.run_due(limit=1)
    assert done.run.status == "success", done.run


def _run_none(runner: Runner) -> None:
    assert not list(runner.run_due())


@contextmanager
def _runner(place: Ours) -> Iterator[Runner]:
    settings = root.load_settings_of(None, {"database.url": place.url}).settings
    database = root.open_database(settings)
    try:
        yield root.runner_for(settings, database, root.clock_of(database))
    finally:
        database.close()


def _print(rows: Sequence[Row]) -> None:
    print("| database | dead firings | what | empty | grown | change |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        figures = f"{row.empty * 1000:.1f} ms | {row.grown * 1000:.1f} ms | {row.change:+.1%}"
        print(f"| {row.database} | 5 x {row.firings:,} | {row.measure} | {figures} |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="0.1 = a tenth of the rows")
    parser.add_argument("--rounds", type=int, default=15)
    both = ["postgresql", "sqlite"]
    parser.add_argument("--databases", nargs="+", choices=both, default=both)
    return parser.parse_args()


if __name__ == "__main__":
    main()
