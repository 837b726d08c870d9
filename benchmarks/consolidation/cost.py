"""What a month costs: an hourly job that asks about what is new, against sending whole profiles."""

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import datasets
from datasets import DataSet, Row
from days import Stream
from inprocess import NEW_YEAR, World, world
from known import known
from offline import REQUEST_ROWS
from oracle import Oracle
from prompt_size import schema_characters
from scoring import Metrics, score
from served import CHARS_PER_TOKEN, serving
from tables import markdown

from llm_maint.domain.profile import Attribute
from llm_maint.domain.request import request_for

DAYS, HOURS = 30, 24

TARGETS = {"of every tick": 0.05, "of once a day": 0.40}
"""What we may send at most, as a share of what sending the whole profile takes."""

SHOWN = ("fact_retention", "merge_recall", "merge_precision", "update_resolved_strict")


@dataclass
class Whole:
    """What sending the whole profile would take, in tokens: at every tick, and once a day."""

    every_tick: int = 0
    once_a_day: int = 0
    _rows: Sequence[Attribute] = ()
    _tokens: int = 0

    def add(self, present: World, hour: int) -> None:
        """Count a tick."""
        rows = present.attributes()
        if rows != self._rows:
            self._rows, self._tokens = rows, _tokens_of(present, rows)
        self.every_tick += self._tokens
        self.once_a_day += self._tokens if hour == HOURS - 1 else 0


@dataclass(frozen=True)
class Month:
    """What a month came to."""

    ours: int
    calls: int
    whole: Whole
    held: int
    metrics: Metrics
    at_once: Metrics

    @property
    def shares(self) -> Mapping[str, float]:
        """What we sent as a share of each alternative."""
        return {
            "of every tick": self.ours / max(self.whole.every_tick, 1),
            "of once a day": self.ours / max(self.whole.once_a_day, 1),
        }


def main() -> None:
    """Print a line for each start and each way in which rows arrive."""
    arguments = _arguments()
    head = ["start", "rows arrive", "our tokens", "calls", *TARGETS, "plans held"]
    lines, passed = [], True
    for start in arguments.start:
        for spread in arguments.spread:
            month = lived(datasets.load(arguments.set), start, spread, arguments)
            passed &= all(share <= TARGETS[name] for name, share in month.shares.items())
            shares = [f"{share:.1%}" for share in month.shares.values()]
            lines.append([start, spread, month.ours, month.calls, *shares, month.held])
            for metrics in (month.metrics, month.at_once):
                lines[-1] += [metrics[each] for each in SHOWN]
    head += [f"{name} {how}" for how in ("hourly", "at once") for name in SHOWN]
    print(markdown(head, lines))
    bounds = ", ".join(f"{most:.0%} {name}" for name, most in TARGETS.items())
    print(f"at most {bounds}: {'pass' if passed else 'FAIL'}")
    sys.exit(not passed)


def lived(dataset: DataSet, start: int, spread: str, arguments: argparse.Namespace) -> Month:
    """Return what a month costs that begins with so many rows."""
    stream = Stream(dataset, random.Random(arguments.seed), spread)
    grown = replace(dataset, truth=stream.truth)
    oracle, whole = Oracle(grown), Whole()
    arrived: dict[str, Row] = {row["id"]: row for row in stream.start(start)}
    limits = {} if arguments.gather is None else {"gather_minutes": arguments.gather}
    with (
        serving(oracle.reply) as served,
        world(dataset.owner, served.address, **limits) as present,
    ):
        present.schedule()
        present.insert(list(arrived.values()))
        for day in range(arguments.days):
            _pass_day(present, stream, oracle, arrived, whole, day=day)
        _pass_night(present)
        metrics = _scored(present, grown, arrived, present.report(len(arrived)))
        held = present.held()
        ours, calls = served.prompt_tokens, served.calls
    return Month(ours, calls, whole, held, metrics, _at_once(grown, arrived))


def _pass_day(
    present: World,
    stream: Stream,
    oracle: Oracle,
    arrived: dict[str, Row],
    whole: Whole,
    *,
    day: int,
) -> None:
    """Let a day pass: rows arrive, and at every full hour there is a tick."""
    morning = NEW_YEAR + timedelta(days=day)
    arrivals = stream.day(morning)
    for hour in range(HOURS):
        present.now = morning + timedelta(hours=hour + 1)
        while arrivals and arrivals[0].moment < present.now:
            each = arrivals.pop(0)
            oracle.knowledge.learn(each.row, {each.row["id"]})
            arrived[each.row["id"]] = each.row
            if not (each.in_place and present.update(each.row)):
                present.insert([each.row])
        present.tick()
        whole.add(present, hour)


def _pass_night(present: World) -> None:
    """Let the last rows, which wait for more to come, come to their turn; we alone pay for it."""
    for _ in range(HOURS):
        present.now += timedelta(hours=1)
        present.tick()


def _at_once(grown: DataSet, arrived: Mapping[str, Row]) -> Metrics:
    """Return the score of one consolidation of all that arrived, at the end."""
    oracle = Oracle(replace(grown, rows=list(arrived.values())))
    # All at once is too much for the loss guard; whoever looks at the plan applies it.
    reviewed = {"max_loss_ratio": 1.0}
    with (
        serving(oracle.reply) as served,
        world(grown.owner, served.address, **reviewed) as present,
    ):
        present.insert(list(arrived.values()))
        present.consolidate()
        return _scored(present, grown, arrived, present.report(len(arrived)))


def _scored(
    present: World, grown: DataSet, arrived: Mapping[str, Row], report: Mapping[str, Any]
) -> Metrics:
    return score(arrived.values(), known(grown.truth, arrived), report, present.exported())


def _tokens_of(present: World, rows: Sequence[Attribute]) -> int:
    """Return the tokens of the requests that a whole profile takes."""
    parts = (rows[place : place + REQUEST_ROWS] for place in range(0, len(rows), REQUEST_ROWS))
    prompts = [request_for(present.entity, part).prompt for part in parts]
    return sum(prompt.size + schema_characters() for prompt in prompts) // CHARS_PER_TOKEN


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=datasets.profiles(), default="syn2000_a")
    parser.add_argument("--start", type=int, nargs="+", default=[200, 0], help="rows at first")
    parser.add_argument("--spread", nargs="+", default=["uniform", "conversations"])
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gather", type=int, help="profile_maintenance.gather_minutes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
