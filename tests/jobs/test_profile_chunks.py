"""Large profiles: requests are of bounded size, and the rows of one fact meet all the same."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pytest
from building import NICK
from consolidating import ScriptedModel, context, reply, settings
from databases import ATTRIBUTES, sql
from model_server import ModelServer, Raw

from llm_maint.bootstrap.root import model_client
from llm_maint.contract import JobContext
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.plan import Plan
from llm_maint.llm.context import DENSITY, OVERHEAD
from llm_maint.rounds import consolidate
from llm_maint.store.database import Database

ROWS = 2_000

SIZE = 60

CONTEXT_TOKENS = 8_192

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What is asked about does not depend on where the rows are, and many rows take their time."""

Row = tuple[str, str]
"""A key and a value; no two rows of a profile here are the same."""


def _name(chance: random.Random) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(3)).capitalize()


_SYLLABLES = [first + last for first in "bdfgklmnprstvw" for last in ("a", "el", "io", "un")]


def _wordings(chance: random.Random, number: int) -> list[Row]:
    """Return up to five rows of one fact, all of them about a thing of its own."""
    friend, town, thing = (_name(chance) for _ in range(3))
    shape = number % 4
    if shape == 0:  # whole sentences, some with words of reporting or in another order
        return [
            ("friend", f"{friend} from {town} repairs {thing} clocks"),
            ("friend", f"the user said that {friend} from {town} repairs {thing} clocks"),
            (f"friend_{friend}", f"{friend} repairs {thing} clocks, is from {town}"),
            ("people", f"{thing} clocks: {friend} from {town} repairs them"),
            ("friend", f"{friend}, {town}: repairs {thing} clocks now"),
        ]
    if shape == 1:  # values of one key that changed: only the key and a word are shared
        return [(f"rent_for_{thing}", f"{n}00 in {_name(chance)}") for n in range(2, 7)]
    if shape == 2:  # few words each
        return [
            ("pet", f"cat {friend}"),
            ("animal", f"a cat named {friend}"),
            (f"pet_{friend}", "cat"),
            ("cat_name", friend),
            ("pets", f"has a cat, {friend}"),
        ]
    return [
        ("trip", f"went to {town} with {friend} by {thing}"),
        ("travel", f"trip to {town} with {friend}"),
        ("trip", f"by {thing} to {town}, with {friend}"),
        (f"trip_to_{town}", f"with {friend} by {thing}"),
        ("holiday", f"was in {town} with {friend} and came by {thing}"),
    ]


@dataclass(frozen=True)
class Truth:
    """A profile of which is known what belongs together: the fact of each row."""

    fact: Mapping[Row, int]

    def pairs(self) -> set[tuple[Row, Row]]:
        """Return all pairs of rows of one fact."""
        groups: defaultdict[int, list[Row]] = defaultdict(list)
        for row, fact in self.fact.items():
            groups[fact].append(row)
        return {pair for group in groups.values() for pair in combinations(sorted(group), 2)}

    def oracle(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what a model says that knows the truth about all rows of a request."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        for row in asked["rows"]:
            found[self.fact[row["key"], row["value"]]].append(row["id"])
        groups = [
            {"reason": "one fact", "op": "supersede", "ids": ids}
            for ids in found.values()
            if len(ids) > 1
        ]
        return {**reply(asked), "groups": groups, "nonce": asked.get("nonce")}


def _truth(*, seed: int, rows: int = ROWS) -> Truth:
    chance = random.Random(seed)
    fact: dict[Row, int] = {}
    for number in range(rows):
        wordings = _wordings(chance, number)
        for row in chance.sample(wordings, chance.randint(1, 5)):
            fact.setdefault(row, number)
    return Truth(dict(list(fact.items())[:rows]))


def _fill(database: Database, rows: Iterable[Row], *, seed: int = 1) -> None:
    """Write rows in an order by chance, each at a time of its own."""
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    lines = []
    for number, (key, value) in enumerate(shuffled):
        at = f"2026-01-{1 + number // 1440:02} {number // 60 % 24:02}:{number % 60:02}:00"
        said = json.dumps(value).replace(":", "\\:")  # a colon begins a parameter
        lines.append(f"('USER', 'nick', 'fact', '{key}', '{said}', 0.8, '{at}', '{at}')")
    columns = "entity_type, entity_id, category, key, value, confidence, created_at, updated_at"
    sql(database, f"INSERT INTO {ATTRIBUTES} ({columns}) VALUES {', '.join(lines)}")


def _found(plan: Plan) -> set[tuple[Row, Row]]:
    """Return all pairs of rows that a plan brought together, over any number of operations."""
    row_of = {row.id: (row.key, str(row.value)) for row in plan.rows}
    into = {row_id: op.winner_id for op in plan.operations for row_id in op.retired}
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row_id, row in row_of.items():
        last: Any = row_id
        while last in into:
            last = into[last]
        groups[last].append(row)
    return {pair for group in groups.values() for pair in combinations(sorted(group), 2)}


def _limits(size: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 any limit
    return {"max_rows_per_request": size, "max_loss_ratio": 1.0, **more}


def _consolidated(database: Database, model: ScriptedModel, size: int) -> Consolidation:
    job = context(database, model, settings=settings(profile_maintenance=_limits(size)))
    done = consolidate(job, NICK)
    assert not done.plan.partial
    return done


def _met(requests: Iterable[dict[str, Any]]) -> set[tuple[Row, Row]]:
    found: set[tuple[Row, Row]] = set()
    for asked in requests:
        rows = sorted((row["key"], row["value"]) for row in asked["rows"])
        found.update(combinations(rows, 2))
    return found


@ONE_DATABASE
@pytest.mark.parametrize("seed", [1, 2])
def test_what_belongs_together_is_found_among_many_rows(database: Database, seed: int) -> None:
    """No request is too large, every row is in one, and nearly all pairs of a fact are found."""
    truth = _truth(seed=seed)
    _fill(database, truth.fact, seed=seed)
    model = ScriptedModel(truth.oracle)
    done = _consolidated(database, model, SIZE)
    assert len(done.plan.rows) == ROWS
    sizes = [len(asked["rows"]) for asked in model.asked]
    assert max(sizes) <= SIZE
    first = next(n for n in range(len(sizes) + 1) if sum(sizes[:n]) >= ROWS)
    asked = Counter((r["key"], r["value"]) for each in model.asked[:first] for r in each["rows"])
    assert set(asked) == set(truth.fact)
    assert set(asked.values()) == {1}
    assert first <= 1.1 * ROWS / SIZE  # full requests, each of which repeats the rules
    pairs = truth.pairs()
    assert len(_met(model.asked[:first]) & pairs) >= 0.8 * len(pairs)
    found = _found(done.plan)
    assert found <= pairs
    assert len(found) >= 0.95 * len(pairs)
    assert len(model.asked) <= 2.5 * first  # losses may be asked about twice, and few rows more


def _served(database: Database, server: ModelServer) -> JobContext:
    given = settings(
        llm={"base_url": server.url, "model": "m", "context_tokens": CONTEXT_TOKENS},
        profile_maintenance=_limits(SIZE),
    )
    client = model_client(given)
    return replace(context(database, settings=given), model=lambda: client)


def _documents(server: ModelServer) -> Iterator[dict[str, Any]]:
    for body in server.requests:
        yield json.loads(body["messages"][1]["content"])


@ONE_DATABASE
def test_every_request_fits_a_small_context(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the sizes that the settings give, the prompt and its reply have room side by side."""
    monkeypatch.setenv("NO_PROXY", "*")
    truth = _truth(seed=3)
    _fill(database, truth.fact)

    def said(body: dict[str, Any]) -> Raw:
        answer = truth.oracle(json.loads(body["messages"][1]["content"]))
        return Raw(body=json.dumps(answer), finish_reason="stop")

    with ModelServer(said) as server:
        done = consolidate(_served(database, server), NICK)
    assert not done.plan.partial
    for body in server.requests:
        prompt = sum(len(message["content"].encode()) for message in body["messages"])
        assert prompt * DENSITY + OVERHEAD + body["max_tokens"] <= CONTEXT_TOKENS
    asked = list(_documents(server))
    assert max(len(each["rows"]) for each in asked) <= SIZE
    assert {(r["key"], r["value"]) for each in asked for r in each["rows"]} == set(truth.fact)
    pairs = truth.pairs()
    found = _found(done.plan)
    assert found <= pairs
    assert len(found) >= 0.95 * len(pairs)


@pytest.mark.parametrize(
    ("size", "number"),
    [(2, 5), (2, 32), (3, 10), (4, 40), (60, 61), (60, 100), (60, 101), (60, 150)],
)
def test_a_fact_of_more_rows_than_a_request_ends_as_one(
    database: Database, size: int, number: int
) -> None:
    """What became of each request meets in a further one, until one row is left."""
    chance = random.Random(size)
    text = "rides with Rosa along the river past both mills up to the old lighthouse every Sunday"
    alike = [("tour", f"{text} {_name(chance)}{n}") for n in range(number)]
    others = [(f"key{n}", f"word{n}a word{n}b") for n in range(2 * size)]
    truth = Truth(dict.fromkeys(alike, 0) | {row: n for n, row in enumerate(others, start=1)})
    _fill(database, truth.fact)
    model = ScriptedModel(truth.oracle)
    done = _consolidated(database, model, size)
    assert max(len(asked["rows"]) for asked in model.asked) <= size
    left = [(row.key, row.value) for row in done.plan.survivors()]
    assert len([row for row in left if row in alike]) == 1
    assert sorted(row for row in left if row not in alike) == sorted(others)


def test_two_wordings_that_went_to_different_requests_meet(database: Database) -> None:
    """Two rows of one fact, each nearer to rows of another fact, that met in no request."""
    words = (
        "swims a mile in the cold lake behind the old mill by the weir each day before work begins"
    )
    left = [(f"mon_{n}", f"{words} Ada{n} kettle spoon ladle sieve whisk") for n in range(2)]
    right = [(f"tue_{n}", f"{words} Ben{n} anvil tongs hammer bellows rasp") for n in range(2)]
    bridge = [("mon_swim", f"{words} kettle spoon ladle"), ("tue_swim", f"{words} anvil tongs")]
    fact = {row: n for n, row in enumerate([*left, *right])} | dict.fromkeys(bridge, 9)
    truth = Truth(fact)
    _fill(database, truth.fact)
    model = ScriptedModel(truth.oracle)
    done = _consolidated(database, model, 3)
    first = _met(model.asked[:2])
    (pair,) = truth.pairs()
    assert pair not in first
    assert _found(done.plan) == {pair}
