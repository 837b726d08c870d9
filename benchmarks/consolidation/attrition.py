"""What is left of a profile after sixty runs with a careless model, with and without new rows."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import datasets
from careless import Careless
from datasets import DataSet, Row
from inprocess import NEW_YEAR, World, world
from known import known
from scoring import score
from served import serving
from tables import markdown

RUNS, NEW_ROWS, QUIET_RUNS = 60, 5, 20

SHOWN = (1, 10, 30, 60)
"""The runs after which the retention is shown."""

LEAST = 0.95
"""The fact retention that must hold after every run."""


@dataclass(frozen=True)
class Worn:
    """Fact retention after each run, and whether the last runs changed nothing."""

    retention: Sequence[float]
    calls: int
    held: int
    settled: bool


def main() -> None:
    """Print a line for each set, seed and variant; end with 1 where a target fails."""
    arguments = _arguments()
    lines, passed = [], True
    for name in arguments.sets:
        for seed in arguments.seeds:
            for new in (0, NEW_ROWS):
                worn = lived(datasets.load(name), seed=seed, new=new, runs=arguments.runs)
                least = min(worn.retention)
                passed &= least >= LEAST and (worn.settled or new > 0)
                at = [worn.retention[n - 1] if n <= arguments.runs else None for n in SHOWN]
                lines.append([name, seed, new, *at, least, worn.calls, worn.held, worn.settled])
    head = ["set", "seed", "new rows a run", *(f"after {n}" for n in SHOWN)]
    print(markdown([*head, "lowest", "calls", "plans held", "last 20 runs idle"], lines))
    print(f"fact retention never below {LEAST}, and an end: {'pass' if passed else 'FAIL'}")
    sys.exit(not passed)


def lived(dataset: DataSet, *, seed: int, new: int, runs: int = RUNS) -> Worn:
    """Return what becomes of a set in so many runs, one a day; `new` rows arrive before each.

    With new rows the profile begins with what does not arrive later.
    """
    later = list(dataset.rows[: min(new * runs, len(dataset.rows) // 2)])
    first = dataset.rows[len(later) :]
    careless = Careless(dataset, seed=seed)
    retention: list[float] = []
    states: list[list[Row]] = []
    with serving(careless.reply) as served, world(dataset.owner, served.address) as present:
        present.insert(first)
        arrived = {row["id"]: row for row in first}
        for day in range(runs):
            present.now = NEW_YEAR + timedelta(days=day)
            some, later = later[:new], later[new:]
            present.insert(some)
            arrived |= {row["id"]: row for row in some}
            present.consolidate()
            states.append(present.exported())
            retention.append(_retention(present, dataset, arrived, states[-1]))
        settled = all(state == states[-1] for state in states[-QUIET_RUNS - 1 :])
        return Worn(retention, served.calls, present.held(), settled)


def _retention(
    present: World, dataset: DataSet, arrived: dict[str, Row], after: Sequence[Row]
) -> float:
    report = present.report(len(arrived))
    truth = known(dataset.truth, arrived)
    return float(score(arrived.values(), truth, report, after)["fact_retention"] or 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    sets = ["syn0200_a", "syn0500_a"]
    parser.add_argument("--sets", nargs="+", choices=datasets.profiles(), default=sets)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--runs", type=int, default=RUNS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
