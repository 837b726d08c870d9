"""The evaluation: every simulated model on every set, against the targets; 1 where one fails."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import baselines
import datasets
from harness import Result, imported, measured
from kinds import PROFILE
from models import NAMES, SLY
from tables import summary, table, verdicts

FEW = 200
"""Memories with which twenty runs in a row are tried."""


def main() -> None:
    """Run what the arguments ask for; print the table and the verdicts."""
    arguments = _arguments()
    begun = time.perf_counter()
    results = evaluated(arguments.sets, arguments.models, jobs=arguments.jobs)
    passed = not any(result.failed for result in results)
    text = f"{table(results)}\n{verdicts(results)}\n"
    print(text)
    print(f"{len(results)} results in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    if arguments.markdown:
        arguments.markdown.write_text(text, encoding="utf-8")
    if arguments.summary:
        arguments.summary.write_text(summary(results), encoding="utf-8")
    if arguments.json:
        found = [asdict(result) for result in results]
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(not passed)


def evaluated(sets: Sequence[str], models: Sequence[str], *, jobs: int) -> list[Result]:
    """Return the results, by model and then by size."""
    loaded = [datasets.load(name) for name in sets]
    with ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        places = list(pool.map(lambda d: stack.enter_context(imported(d)), loaded))
        work = [
            (model, number)
            for model in models
            if model in NAMES
            for number in range(len(loaded))
            if model != SLY or _is_for_sly(sets, loaded[number])
        ]
        # What takes longest begins first, so that no processor is idle at the end.
        order = sorted(work, key=lambda each: (each[0] != SLY, -len(loaded[each[1]].rows)))
        futures = {
            each: pool.submit(measured, loaded[each[1]], each[0], places[each[1]]) for each in order
        }
        results = [futures[each].result() for each in work]
    for name in baselines.BASELINES:
        if name in models:
            results += [_baseline(each, name) for each in loaded if baselines.is_for(name, each)]
    return results


def _baseline(dataset: datasets.DataSet, name: str) -> Result:
    metrics = baselines.measured(dataset, name)
    return Result(set=dataset.name, model=name, metrics=metrics, failed=(), title=dataset.title)


def _is_for_sly(sets: Sequence[str], dataset: datasets.DataSet) -> bool:
    """Return whether a set is the first of its size: twenty runs on each would take too long."""
    size = dataset.name.partition("_")[0]
    is_first = dataset.name == next(each for each in sets if each.partition("_")[0] == size)
    return is_first and (dataset.kind is PROFILE or len(dataset.rows) <= FEW)


def _arguments() -> argparse.Namespace:
    every = [*NAMES, *baselines.BASELINES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=datasets.names(), default=datasets.names())
    parser.add_argument("--models", nargs="+", choices=every, default=every)
    parser.add_argument("--quick", action="store_true", help="only the sets of 50 and 200 rows")
    parser.add_argument("--jobs", type=int, default=2, help="models at work side by side")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all metrics")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write what is printed")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write the short table")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.sets = datasets.quick(arguments.sets)
    return arguments


if __name__ == "__main__":
    main()
