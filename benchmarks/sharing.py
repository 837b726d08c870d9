"""What more processes bring: a run over many entities, shared by one, two, three and four.

Whole commands that are started together, on PostgreSQL, against a model that takes 200 ms for each
entity and serves any number at once. Run as `python -m benchmarks.sharing`.
"""

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from benchmarks.concurrency import LATENCY, serving
from benchmarks.ours import Ours
from benchmarks.postgres import Server, running_server

ENTITIES, PROCESSES, TRIALS = 48, (1, 2, 3, 4), 3

PATIENCE = 300
"""Seconds for one run."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: what it took from the first start to the last end, and who did how much.

    `worked` is the time of the job alone, `cpu` what all processes together computed.
    """

    seconds: float
    worked: float
    cpu: float
    shares: tuple[int, ...]


def main() -> None:
    """Print a line for each number of processes; the trials take turns."""
    trials: dict[int, list[Trial]] = {number: [] for number in PROCESSES}
    with running_server() as server, serving() as address:
        for trial in range(TRIALS):
            for number in PROCESSES:
                trials[number].append(_trial(server, address, f"{trial}-{number}", number))
                print(number, trials[number][-1], file=sys.stderr)
    print(f"{ENTITIES} entities, {LATENCY * ENTITIES:.1f} s of thinking, medians of {TRIALS}")
    print("| processes | seconds | of one | the job alone | of one | CPU | entities of each |")
    print("|---|---|---|---|---|---|---|")
    alone = trials[PROCESSES[0]]
    for number, found in trials.items():
        seconds, worked, cpu = (_median(found, name) for name in ("seconds", "worked", "cpu"))
        shares = "; ".join(", ".join(map(str, each.shares)) for each in found)
        print(
            f"| {number} | {seconds:.1f} | {seconds / _median(alone, 'seconds'):.0%} | {worked:.1f}"
            f" | {worked / _median(alone, 'worked'):.0%} | {cpu:.1f} | {shares} |"
        )


def _trial(server: Server, address: str, name: str, processes: int) -> Trial:
    with tempfile.TemporaryDirectory() as home, server.database() as url:
        ours = Ours(url, Path(home))
        ours.prepare()
        ours.sql(_ENTITIES)
        ours.sql(
            "INSERT INTO scheduled_jobs (id, job_type, config_json) "
            """VALUES ('all', 'profile_maintenance', '{"entity_id": "*"}')"""
        )
        server.settle()
        begun = time.perf_counter()
        started = [
            # Each has the model at an address of its own, by which its requests are counted.
            ours.started(
                "run-due",
                settings={
                    "LLM_MAINT_LLM_BASE_URL": f"{address}/{name}/{process}",
                    "LLM_MAINT_LLM_MODEL": "m",
                },
            )
            for process in range(processes)
        ]
        ended = [each.ended(within=PATIENCE).checked() for each in started]
        seconds = time.perf_counter() - begun
        assert not any(each.out + each.errors for each in ended), ended
        ((milliseconds, run),) = ours.sql("SELECT duration_ms, result_json FROM job_runs")
        assert run["llm"]["calls"] == len(run["entities"]) == ENTITIES
    cpu = sum(each.cpu for each in ended)
    return Trial(seconds, milliseconds / 1000, cpu, _shares(address, f"/{name}/"))


_ENTITIES = f"""
INSERT INTO entity_profile_attributes (
  entity_type, entity_id, category, key, value, confidence, source, created_at, updated_at
)
SELECT 'USER', 'u' || number, 'fact', key, value::json, 0.8, 'inferred', '2026-01-01', '2026-01-01'
FROM generate_series(1, {ENTITIES}) AS number, (
  VALUES ('home', '"by the river"'), ('pet', '"a cat named Ada"'), ('greeting', '"said hello"')
) AS facts(key, value)
"""


def _shares(address: str, mine: str) -> tuple[int, ...]:
    """Return how many requests each process made, the most first."""
    with urlopen(f"{address}/calls") as answer:
        calls: dict[str, int] = json.loads(answer.read())
    found: Counter[str] = Counter()
    for path, number in calls.items():
        if mine in path:
            found[path] += number
    return tuple(sorted(found.values(), reverse=True))


def _median(trials: list[Trial], name: str) -> float:
    return statistics.median(getattr(each, name) for each in trials)


if __name__ == "__main__":
    main()
