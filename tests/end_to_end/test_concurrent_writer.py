"""An assistant that writes while the model thinks and while a plan is applied or undone."""

import json
import logging
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consolidating import NOW, ScriptedModel, context, ids, occasion, reply, settings

from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import changes
from llm_maint.domain.plan import CHANGED_MEANWHILE
from llm_maint.errors import PlanRefusedError
from llm_maint.rounds import consolidate
from llm_maint.store.database import Database
from llm_maint.store.undo import undo_plan

log = logging.getLogger(__name__)

ROUNDS = 200

MOST_WRITES = 14

PROGRAM = Path(__file__).with_name("writing_assistant.py")

SETTINGS = settings(profile_maintenance={"max_loss_ratio": 1.0})
"""Nothing is held: every round is about what is applied."""

Images = dict[int, dict[str, Any]]


@dataclass
class Writer:
    """The assistant's process as seen from here.

    `written` is the last that it said of each row; `touched` are the rows it wrote in this round.
    """

    process: "subprocess.Popen[str]"
    written: dict[int, dict[str, Any] | None] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    description: str | None = None
    writes: int = 0

    def begin(self, entity: str, rows: list[dict[str, Any]]) -> None:
        """Let it write a new profile."""
        self.tell("begin", entity, rows)
        what, inserted = self._hear()
        assert what == "begun"
        self.written = {int(row["id"]): row for row in inserted}
        self.description, self.writes, self.touched = None, 0, set()

    def tell(self, *what: Any) -> None:  # noqa: ANN401 any JSON
        """Say what to do, and do not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def wait(self, writes: int) -> None:
        """Wait until so many more writes are committed."""
        wanted = self.writes + writes
        while self.writes < wanted:
            self._note(*self._hear())

    def look(self) -> tuple[Images, str | None]:
        """Let it stop writing, and return what it then finds in its tables."""
        self.tell("look")
        while (heard := self._hear())[0] != "seen":
            self._note(*heard)
        _, rows, description = heard
        return {int(row["id"]): row for row in rows}, description

    def _note(self, what: str, content: Any) -> None:  # noqa: ANN401 any JSON
        self.writes += 1
        if what == "described":
            self.description = content
        else:
            row_id = int(content["id"])
            self.touched.add(row_id)
            self.written[row_id] = content if what == "wrote" else None

    def _hear(self) -> list[Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the assistant has ended: {self.process.poll()}"
        heard: list[Any] = json.loads(line)
        return heard


@contextmanager
def _writer(url: str) -> Iterator[Writer]:
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Writer(process)
        finally:
            process.kill()


def _profile(chance: random.Random) -> list[dict[str, Any]]:
    """Return 8 to 12 rows: copies, wordings of one fact, changes over time, a greeting."""
    pet = chance.choice(("a cat", "a dog", "two birds"))
    said = [
        ("color", "blue"),
        ("color", chance.choice(("Blue", " blue "))),
        ("pet", f"has {pet}"),
        ("pet", f"has {pet} named {chance.choice(('Tom', 'Kim'))}"),
        ("employer", "works at Alder Books"),
        ("employer", f"works at {chance.choice(('Birch', 'Cedar'))} Maps"),
        ("greeting", "said good morning"),
        ("drink", "likes tea"),
        *chance.sample(
            [
                ("drink", "Likes tea"),
                ("drink", "likes tea with milk"),
                ("hobby", "plays the cello"),
                ("city", "lives in Lund"),
            ],
            chance.randint(0, 4),
        ),
    ]
    return [
        {
            "category": "fact",
            "key": key,
            "value": json.dumps(value),
            "confidence": chance.choice((0.5, 0.8, 0.9)),
            "source": "inferred",
            "created_at": f"2026-01-{number:02} 08:00:00",
            "updated_at": f"2026-01-{number:02} 09:30:00",
        }
        for number, (key, value) in enumerate(said, start=1)
    ]


def _model(writer: Writer, writes: int) -> ScriptedModel:
    """Return a model that does not answer before the assistant has written so often again."""

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        writer.wait(writes)
        return reply(asked, remove=ids(asked, "greeting")) | {"groups": list(_groups(asked))}

    return ScriptedModel(script)


def _groups(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, op in (("pet", "merge"), ("drink", "merge"), ("employer", "supersede")):
        if len(found := ids(asked, key)) > 1:
            yield {"reason": f"{key}: {op}", "op": op, "ids": found}


def _expected(writer: Writer, done: Consolidation, *, undone: bool) -> Images:
    """Return how the rows must be: as last written, unless just that was read and planned upon."""
    read = {int(row.id): dict(row.image) for row in done.plan.rows}
    planned = {} if undone else changes(done.plan.operations)
    expected: Images = {}
    for row_id, last in writer.written.items():
        if last is None:
            continue
        if row_id in planned and read[row_id] == last:
            after = planned[row_id]
            if after is not None:
                expected[row_id] = dict(after.image)
        else:
            expected[row_id] = last
    return expected


def _check_plan(writer: Writer, done: Consolidation) -> None:
    """Every row that was read has one fate, and nothing was dropped without a cause."""
    plan = done.plan
    plan.check()
    assert sum(plan.accounting().values()) == len(plan.rows)
    assert plan.held is None
    dropped = [r for r in plan.refused if r.guard == CHANGED_MEANWHILE]
    caused = set(writer.touched)
    for _ in dropped:  # what builds on a dropped operation goes with it
        caused |= {int(i) for r in dropped if not caused.isdisjoint(r.row_ids) for i in r.row_ids}
    assert all(caused.issuperset(r.row_ids) for r in dropped)
    assert done.applied == (done.plan_id is not None)


def _undone(database: Database, done: Consolidation, counts: Counter[str]) -> bool:
    if done.plan_id is None:
        return False
    try:
        undo_plan(database, done.plan_id, occasion(NOW))
    except PlanRefusedError as refused:
        assert "changed since" in str(refused)  # noqa: PT017 any other is wrong, too
        counts["undo refused"] += 1
        return False
    counts["undone"] += 1
    return True


def _round(database: Database, writer: Writer, number: int, counts: Counter[str]) -> None:
    chance = random.Random(number)
    name = f"nick-{number}"
    writer.begin(name, _profile(chance))
    before = {i: row for i, row in writer.written.items() if row is not None}
    model = _model(writer, chance.randint(0, 3))
    writer.tell("write", number, MOST_WRITES, chance.choice((0.001, 0.004, 0.01, 0.03)))
    writer.wait(chance.choice((0, 0, 1, 2)))
    done = consolidate(context(database, model, settings=SETTINGS), Entity("user", name))
    undone = False
    if chance.random() < 0.5:  # else it goes on writing while its plan is undone
        found = writer.look()
        assert found == (_expected(writer, done, undone=False), writer.description)
        undone = _undone(database, done, counts)
        if not undone:
            assert writer.look() == found
    else:
        undone = _undone(database, done, counts)
    assert writer.look() == (_expected(writer, done, undone=undone), writer.description)
    _check_plan(writer, done)
    _count(writer, before, done, counts)


def _count(writer: Writer, before: Images, done: Consolidation, counts: Counter[str]) -> None:
    planned = changes(done.plan.operations)
    late = [
        row
        for row in done.plan.rows
        if row.id not in before or dict(row.image) != before[int(row.id)]
    ]
    counts["writes"] += writer.writes
    counts["changed meanwhile"] += done.plan.meets_changed_rows
    counts["operations applied"] += len(done.plan.operations)
    counts["some of both"] += bool(done.plan.operations) and done.plan.meets_changed_rows
    counts["written before read"] += bool(late)
    counts["planned upon a write"] += any(row.id in planned for row in late)


def test_an_assistant_that_writes_all_the_time_loses_nothing(
    database: Database, database_url: str
) -> None:
    """Whatever it writes stands as written, unless that was read first and then planned upon."""
    counts: Counter[str] = Counter()
    with _writer(database_url) as writer:
        for number in range(ROUNDS):
            _round(database, writer, number, counts)
    log.info("%d rounds: %s", ROUNDS, dict(counts))
    assert counts["changed meanwhile"] >= 50
    assert counts["operations applied"] >= 200
    assert counts["some of both"] >= 25
    assert counts["written before read"] >= 10
    assert counts["planned upon a write"] >= 3
    assert counts["undone"] >= 25
    assert counts["undo refused"] >= 10
