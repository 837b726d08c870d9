"""The coverage threshold: what each value of it lets a merge do, for honest models and for others.

It works on the domain alone: no database, no server.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from unittest import mock

import datasets
from datasets import DataSet
from harness import allowed_losses
from models import MODELS, SLY
from offline import consolidated
from oracle import Answer
from scoring import score
from sly import Sly
from tables import markdown

from llm_maint.domain import coverage, merge

THRESHOLDS = (1.0, 0.95, 0.9, 0.8, 0.7)

WATCHED = ("oracle", "textless", "careless", "quiet", "merge_all", SLY)

METRICS = ("merge_recall", "merge_precision", "facts_lost", "keep_apart_violations")


def main() -> None:
    """Print a line for each threshold and model: means of the shares, sums of what is lost."""
    arguments = _arguments()
    sets = [datasets.load(name) for name in arguments.sets]
    lines = []
    for threshold in arguments.thresholds:
        with at(threshold):
            lines += [[threshold, model, *_line(sets, model)] for model in WATCHED]
    print(markdown(["threshold", "model", *METRICS], lines))


@contextmanager
def at(threshold: float) -> Iterator[None]:
    """Let merges be judged with another threshold: the one place where it is passed in."""
    covers = partial(coverage.covers, threshold=threshold)
    with mock.patch.object(merge, "covers", covers):
        yield


def _line(sets: Sequence[DataSet], model: str) -> list[float]:
    found = []
    for dataset in sets:
        report, after = consolidated(dataset, _made(dataset, model))
        found.append(score(dataset.rows, dataset.truth, report, after))
    shares = [
        [metrics[name] for metrics in found if metrics[name] is not None] for name in METRICS[:2]
    ]
    return [
        *(round(sum(values) / max(len(values), 1), 4) for values in shares),
        *(sum(metrics[name] for metrics in found) for name in METRICS[2:]),
    ]


def _made(dataset: DataSet, model: str) -> Answer:
    if model != SLY:
        return MODELS[model].make(dataset)
    sly = Sly(dataset)
    sly.budget = allowed_losses(dataset)
    return sly.reply


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    sets = ["syn0050_a", "syn0200_a", "syn0500_a", "syn1000_a", "syn2000_a"]
    parser.add_argument("--sets", nargs="+", choices=datasets.names(), default=sets)
    parser.add_argument("--thresholds", type=float, nargs="+", default=THRESHOLDS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
