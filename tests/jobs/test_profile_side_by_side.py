"""The job of every entity with models asked side by side: the outcome is that of one at a time."""

import gc
import json
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any
from uuid import UUID

import pytest
from consolidating import NOW, ids, reply, settings
from databases import ATTRIBUTES, PROFILES, dump, sql
from model_server import ModelServer, Raw

from llm_maint.bootstrap.root import model_client
from llm_maint.contract import JobContext
from llm_maint.domain.profile import Attribute
from llm_maint.domain.runs import Failure, Success
from llm_maint.errors import InterruptedRunError
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.store import journal, profiles, recorder
from llm_maint.store.database import Database

NAMES = [f"e{number:02}" for number in range(12)]

OURS = (
    "maintenance_plans",
    "maintenance_journal",
    "maintenance_profile_states",
    "maintenance_profile_tries",
)

THINKING = 30.0
"""Seconds that a model thinks where a test does not wait for it; the server's end ends it."""

Script = Callable[[dict[str, Any]], Any]  # a reply as a value, or an answer to the byte


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread outlives a job; the loopback is reached whatever the environment says."""
    monkeypatch.setenv("NO_PROXY", "*")
    yield
    assert not [each for each in threading.enumerate() if each.name == "model"]


@pytest.fixture
def twelve(database: Database) -> Database:
    """Return a database of twelve users, each with duplicates, a greeting, and a fact."""
    _fill(database)
    return database


def _fill(database: Database, names: Sequence[str] = NAMES) -> None:
    """Bring a database, new or used, to one and the same state."""
    for table in (*OURS, ATTRIBUTES, PROFILES):
        sql(database, f"DELETE FROM {table}")
    people, rows = [], []
    for number, name in enumerate(names):
        written = f"'2026-01-01', '2026-01-03 00:00:{number:02}'"
        whose = f"'USER', '{name}'"
        people.append(f"({number}, {whose}, {written})")
        facts = [("color", "blue"), ("color", "Blue"), ("hello", "hi!"), ("city", f"town {number}")]
        rows += [
            f"({10 * number + place}, {whose}, 'fact', '{key}', '\"{value}\"', 0.8, {written})"
            for place, (key, value) in enumerate(facts)
        ]
    times = "created_at, updated_at"
    columns = f"id, entity_type, entity_id, category, key, value, confidence, {times}"
    sql(database, f"INSERT INTO {ATTRIBUTES} ({columns}) VALUES {', '.join(rows)}")
    columns = f"id, entity_type, entity_id, {times}"
    sql(database, f"INSERT INTO {PROFILES} ({columns}) VALUES {', '.join(people)}")


def _server(script: Script, *, most_delay: float = 0.0) -> ModelServer:
    def said(body: dict[str, Any]) -> Raw:
        answer = script(json.loads(body["messages"][1]["content"]))
        if isinstance(answer, Raw):
            return answer
        delay = random.random() * most_delay
        return Raw(body=json.dumps(answer), finish_reason="stop", delay=delay)

    return ModelServer(said)


def _tidy(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
    """Remove the greeting; answer one user with nothing that can be read."""
    if asked["entity"]["id"] == "e04":
        return ["no object"]
    return {**reply(asked, remove=ids(asked, "hello")), "nonce": asked["nonce"]}


def _context(
    database: Database,
    server: ModelServer,
    *,
    concurrency: int = 8,
    clock: Callable[[], datetime] = lambda: NOW,
    **limits: int,
) -> JobContext:
    given = settings(
        llm={"base_url": server.url, "model": "m", "concurrency": concurrency},
        profile_maintenance=limits,
    )
    client = model_client(given)
    return JobContext(
        config={"entity_id": "*"},
        database=database,
        settings=given,
        clock=clock,
        model=lambda: client,
    )


def _counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let plans have ids that count up, so that two runs can be compared to the byte."""
    numbers = iter(range(1, 1_000))
    for room in (journal, recorder):
        monkeypatch.setattr(room, "uuid4", lambda: UUID(int=next(numbers)))


def _ran(
    monkeypatch: pytest.MonkeyPatch, database: Database, context: JobContext
) -> tuple[Success | Failure, dict[str, list[str]]]:
    """Run the job; return its outcome, and every table afterwards."""
    _counted(monkeypatch)
    outcome = JOB.run(context)
    assert isinstance(outcome, Success | Failure)
    return outcome, dump(database)


def _greeted(database: Database) -> list[str]:
    """Return who still has a greeting."""
    found = sql(database, f"SELECT entity_id FROM {ATTRIBUTES} WHERE key = 'hello'")
    return sorted(name for (name,) in found)


def test_the_outcome_is_that_of_one_at_a_time(
    twelve: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every table and the whole result are the same to the byte, whoever answers first."""
    outcomes = []
    for concurrency in (1, 8, 3):
        _fill(twelve)
        with _server(_tidy, most_delay=0.04) as server:
            context = _context(twelve, server, concurrency=concurrency)
            outcomes.append(_ran(monkeypatch, twelve, context))
    assert _greeted(twelve) == ["e04"]
    outcome, _ = outcomes[0]
    assert isinstance(outcome, Failure)
    assert outcome.result is not None
    assert [line["entity_id"] for line in outcome.result["entities"]] == NAMES
    assert [line["entity_id"] for line in outcome.result["entities"] if line["error"]] == ["e04"]
    assert outcome.result["llm"]["calls"] == 13
    assert outcomes[1:] == [outcomes[0]] * 2


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("calls", [1, 5])
def test_the_limit_of_calls_is_exact(twelve: Database, calls: int, concurrency: int) -> None:
    """So many requests for those who waited longest; the others wait, which is a success."""
    with _server(lambda asked: reply(asked, remove=ids(asked, "hello")), most_delay=0.03) as server:
        context = _context(twelve, server, concurrency=concurrency, max_calls_per_run=calls)
        outcome = JOB.run(context)
    assert isinstance(outcome, Success)
    assert len(server.requests) == calls
    assert [line["entity_id"] for line in outcome.result["entities"]] == NAMES[:calls]
    assert outcome.result.get("deferred", 0) == 12 - calls
    assert _greeted(twelve) == NAMES[calls:]


def test_whoever_answers_first_gets_no_more_of_the_budget(
    twelve: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last call that is left goes to the same user, whichever of two is quicker."""
    outcomes = []
    for slow in NAMES[:2]:
        _fill(twelve, NAMES[:2])
        with _server(_forgetful(slow)) as server:
            context = _context(twelve, server, concurrency=2, max_calls_per_run=3)
            outcomes.append(_ran(monkeypatch, twelve, context))
            assert len(server.requests) == 3
    assert outcomes[0] == outcomes[1]


def _forgetful(slow: str) -> Script:
    """Return a model that says nothing of most rows at first, to one user later."""
    again, met = threading.Event(), set[str]()

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["entity"]["id"]
        first = name not in met
        met.add(name)
        if not first:
            again.set()
        elif name == slow:
            again.wait(0.5)
        answer = reply(asked, remove=ids(asked, "hello"))
        return {**answer, "reviewed": [], "remove": []} if first else answer

    return script


def _wait_for(server: ModelServer, requests: int) -> None:
    """Wait until so many requests have come, so that none is just being sent."""
    ends = time.perf_counter() + 5
    while len(server.requests) < requests and time.perf_counter() < ends:
        time.sleep(0.005)
    assert len(server.requests) == requests


@contextmanager
def _ends_quickly() -> Iterator[None]:
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 9


def test_a_signal_while_rows_are_read_ends_the_run(
    twelve: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The models that think are not waited for, and nothing was changed."""
    before, reads = dump(twelve), [0]
    attributes_of = profiles.attributes_of

    def reading(*arguments: Any, **named: Any) -> list[Attribute]:  # noqa: ANN401
        reads[0] += 1
        if reads[0] == 4:
            _wait_for(server, 3)
            raise InterruptedRunError(signal.SIGTERM)
        return attributes_of(*arguments, **named)

    monkeypatch.setattr(profiles, "attributes_of", reading)
    with _server(lambda _: Raw(delay=THINKING)) as server:
        context = _context(twelve, server)
        with _ends_quickly(), pytest.raises(InterruptedRunError):
            JOB.run(context)
    assert len(server.requests) == 3
    assert dump(twelve) == before


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_signal_while_models_think_ends_the_run(twelve: Database, concurrency: int) -> None:
    """It comes while the thread that writes only waits, and is not kept waiting."""
    before = dump(twelve)

    def arrived(_number: int, _frame: FrameType | None) -> None:
        raise InterruptedRunError(signal.SIGTERM)

    def script(_: dict[str, Any]) -> Raw:
        if len(server.requests) == concurrency:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
        return Raw(delay=THINKING)

    previous = signal.signal(signal.SIGALRM, arrived)
    gc.disable()  # what is raised while rubbish is collected goes nowhere
    try:
        with _server(script) as server, _ends_quickly(), pytest.raises(InterruptedRunError):
            JOB.run(_context(twelve, server, concurrency=concurrency))
    finally:
        gc.enable()
        signal.signal(signal.SIGALRM, previous)
    assert dump(twelve) == before


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_signal_while_a_plan_is_written_leaves_nothing_half(
    twelve: Database, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """Who was written stays written; who was being written is as before, and so are the others."""
    quick, real, written = NAMES[:2], journal.apply, [0]

    def apply(*args: Any, **named: Any) -> Any:  # noqa: ANN401 as what it stands for
        done = real(*args, **named)
        written[0] += 1
        if written[0] == 2:
            _wait_for(server, 2 if concurrency == 1 else 10)
            raise InterruptedRunError(signal.SIGINT)
        return done

    def script(asked: dict[str, Any]) -> Raw:
        delay = 0 if asked["entity"]["id"] in quick else THINKING
        answer = reply(asked, remove=ids(asked, "hello"))
        return Raw(body=json.dumps(answer), finish_reason="stop", delay=delay)

    monkeypatch.setattr(journal, "apply", apply)
    with _server(script) as server, _ends_quickly(), pytest.raises(InterruptedRunError):
        JOB.run(_context(twelve, server, concurrency=concurrency))
    assert _greeted(twelve) == NAMES[1:]
    noted = [row for rows in dump(twelve, *OURS).values() for row in rows]
    assert any(re.search(r"\be00\b", row) for row in noted)  # ids are hexadecimal, and longer
    assert not any(re.search(r"\be01\b", row) for row in noted)
