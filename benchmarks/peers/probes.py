"""The same black-box probes against three systems: real processes on a real server.

`python -m benchmarks.peers.probes` from the checkout; `--markdown FILE` writes the table. Every
cell is what was observed in this run.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import environment, failures, interruptions, schedules, sharing
from benchmarks.peers.systems import System, systems
from benchmarks.postgres import Server, running_server


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, and how it is asked of one system.

    `together`: of all at once, where waiting takes most of the time.
    """

    title: str
    ask: Callable[[System, Server], str]
    together: bool = False


PROBES: Mapping[str, Probe] = {
    "raises": Probe("a job raises", failures.a_job_raises),
    "refused": Probe("nothing listens at the database's address", failures.nothing_listens),
    "silent": Probe("the database accepts and never answers", failures.never_answers, True),
    "schema": Probe("the schema is missing", failures.schema_missing),
    "sigterm": Probe("SIGTERM during a job of 12 s", interruptions.sigterm, True),
    "twice": Probe("SIGTERM twice", interruptions.sigterm_twice, True),
    "sigkill": Probe("SIGKILL, then starts (lease of 2 s)", interruptions.sigkill, True),
    "minute": Probe("a job for every minute, started every minute", schedules.every_minute, True),
    "later": Probe("a job due in 12 s", schedules.due_later, True),
    "sharing": Probe("4 processes, 500 jobs", sharing.four_processes),
    "nothing": Probe("nothing due", sharing.nothing_due),
}


def main() -> None:
    """Ask everything, print each answer as it comes, then write the table."""
    given = _arguments()
    contestants = systems(environment.made(given.venv))
    lines = [_line("a start that does what is due", [each.title for each in contestants])]
    lines.append(_line("---", ["---"] * len(contestants)))
    print("\n".join(lines), flush=True)
    with running_server() as server:
        for name in given.probes:
            probe = PROBES[name]
            lines.append(_line(probe.title, _answers(probe, contestants, server)))
            print(lines[-1], flush=True)
    if given.markdown:
        given.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _answers(probe: Probe, contestants: Sequence[System], server: Server) -> list[str]:
    with ThreadPoolExecutor(len(contestants) if probe.together else 1) as pool:
        return list(pool.map(lambda system: probe.ask(system, server), contestants))


def _line(title: str, cells: Sequence[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", nargs="+", choices=list(PROBES), default=list(PROBES))
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="where the table goes")
    parser.add_argument("--venv", type=Path, default=environment.DEFAULT, help="of the peers")
    return parser.parse_args()


if __name__ == "__main__":
    main()
