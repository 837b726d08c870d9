"""Due jobs that do nothing, one process: ours, the two peers and a bare loop on one server.

`python -m benchmarks.runner.throughput` from the checkout; ends with 1 where a target is missed.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ours import Ours, quiet_environment
from benchmarks.peers import environment
from benchmarks.peers.systems import LlmMaint, PgQueuer, Place, Procrastinate, System
from benchmarks.postgres import Server, running_server, sql
from benchmarks.processes import Started
from benchmarks.runner import bare_loop

OURS, PEER, BARE = "llm-maint", "procrastinate", "bare psycopg loop"

OF_PEER, OF_BARE = 2.0, 0.5
"""The targets: more than twice the peer, at least half of the bare loop; start-up included."""

PATIENCE = 1_800
"""Seconds after which a worker that does not end is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A one-shot worker: how to prepare its database, add jobs, start it, count what it did."""

    name: str
    prepare: Callable[[Place], None]
    add: Callable[[Place, int], None]
    start: Callable[[Place], Started]
    done: Callable[[Place], int]
    embedded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds: of a start that found nothing, of one that did all, of the latter's processor."""

    empty: float
    wall: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The medians of one contestant, as jobs per second."""

    name: str
    jobs: int
    wall: float
    cpu: float
    rate: float
    rate_without_start: float


def main() -> None:
    """Measure and print a table; complain about missed targets."""
    given = _arguments()
    contestants = _contestants(environment.made(given.venv))
    rows = []
    with running_server(fsync=given.fsync == "on") as server:
        for jobs in given.jobs:
            rows += _compared(contestants, server, jobs, given.rounds)
    _print(rows, fsync=given.fsync)
    missed = list(_missed(rows))
    for each in missed:
        print(f"missed: {each}")
    sys.exit(bool(missed))


def _contestants(programs: Path) -> list[Contestant]:
    return [
        _of(OURS, LlmMaint()),
        Contestant(
            name=f"{OURS}, SQLite",
            prepare=lambda place: _embedded(place).prepare(),
            add=lambda place, jobs: _embedded(place).add("noop", jobs),
            start=lambda place: _embedded(place).started("run-due"),
            done=lambda place: _embedded(place).runs().get("success", 0),
            embedded=True,
        ),
        _of(PEER, Procrastinate(programs)),
        _of(f"{PEER} --concurrency=10", Procrastinate(programs, concurrency=10)),
        _of("PgQueuer, batches of 10", PgQueuer(programs)),
        Contestant(
            name=BARE,
            prepare=lambda place: _run_script(place, bare_loop.TABLES),
            add=lambda place, jobs: _run_script(place, bare_loop.FILL.replace("%s", str(jobs))),
            start=lambda place: Started(
                [sys.executable, bare_loop.__file__, place.url], quiet_environment()
            ),
            done=lambda place: int(sql(place.url, "SELECT count(*) FROM bare_runs")[0][0]),
        ),
    ]


def _of(name: str, system: System) -> Contestant:
    return Contestant(
        name=name,
        prepare=system.prepare,
        add=lambda place, jobs: system.add(place, "noop", jobs),
        start=system.start,
        done=system.done,
    )


def _embedded(place: Place) -> Ours:
    return Ours(f"sqlite:///{place.folder / 'memory.db'}", place.folder)


def _run_script(place: Place, script: str) -> None:
    sql(place.url, script)
    sql(place.url, "ANALYZE")


def _compared(
    contestants: Sequence[Contestant], server: Server, jobs: int, rounds: int
) -> list[Row]:
    """Return a row of each; rounds take turns, so that all meet the same weather."""
    found: dict[str, list[Measured]] = {each.name: [] for each in contestants}
    for _ in range(rounds):
        for each in contestants:
            with _place(server, embedded=each.embedded) as place:
                server.settle()
                found[each.name].append(_measured(each, place, jobs))
    return [_row(name, jobs, measured) for name, measured in found.items()]


@contextmanager
def _place(server: Server, *, embedded: bool) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        if embedded:
            yield Place("", Path(folder))
            return
        with server.database() as url:
            yield Place(url, Path(folder))


def _measured(contestant: Contestant, place: Place, jobs: int) -> Measured:
    contestant.prepare(place)
    empty = statistics.median(
        contestant.start(place).ended(within=PATIENCE).checked().wall for _ in range(3)
    )
    contestant.add(place, jobs)
    ended = contestant.start(place).ended(within=PATIENCE).checked()
    done = contestant.done(place)
    if done != jobs:
        raise RuntimeError(f"{contestant.name}: {done} of {jobs} jobs were done")
    return Measured(empty=empty, wall=ended.wall, cpu=ended.cpu)


def _row(name: str, jobs: int, measured: Sequence[Measured]) -> Row:
    return Row(
        name=name,
        jobs=jobs,
        wall=statistics.median(each.wall for each in measured),
        cpu=statistics.median(each.cpu for each in measured),
        rate=statistics.median(jobs / each.wall for each in measured),
        rate_without_start=statistics.median(jobs / (each.wall - each.empty) for each in measured),
    )


def _print(rows: Sequence[Row], *, fsync: str) -> None:
    print(f"fsync = {fsync}; jobs/s with process start-up, and without it")
    print("| worker | jobs | wall | CPU | jobs/s | without start-up | of the peer | of the loop |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        peer, bare = (_rate_of(rows, name, row.jobs) for name in (PEER, BARE))
        print(
            f"| {row.name} | {row.jobs:,} | {row.wall:.2f} s | {row.cpu:.2f} s | {row.rate:,.0f} |"
            f" {row.rate_without_start:,.0f} | {row.rate / peer:.2f} x | {row.rate / bare:.2f} x |"
        )


def _missed(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.name != OURS:
            continue
        for name, target in ((PEER, OF_PEER), (BARE, OF_BARE)):
            ratio = row.rate / _rate_of(rows, name, row.jobs)
            if ratio < target:
                yield f"{row.jobs:,} jobs: {ratio:.2f} x {name}, the target is {target} x"


def _rate_of(rows: Sequence[Row], name: str, jobs: int) -> float:
    return next(row.rate for row in rows if (row.name, row.jobs) == (name, jobs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fsync", choices=["on", "off"], default="on", help="on is the default")
    parser.add_argument("--venv", type=Path, default=environment.DEFAULT, help="of the peers")
    return parser.parse_args()


if __name__ == "__main__":
    main()
