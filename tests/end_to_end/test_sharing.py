"""Processes that share a run: together they are quicker, and none is missed when it is gone."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import elsewhere
import pytest
from command import Done
from crowd import Crowd, crowd_at, greetings_go
from databases import sql
from model_server import ModelServer, Raw
from workshop import BROUGHT, SECONDS, Workshop, wait_until

ON_A_SERVER = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


DELAY = 0.35
"""Seconds that a model thinks where time is measured: long beside all else that is done."""


@dataclass
class Model:
    """A model that removes greetings; the first request about some entities it keeps waiting."""

    delay: float = 0.02
    keeps: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(self, body: dict[str, Any]) -> Raw:
        """Answer."""
        asked = json.loads(body["messages"][1]["content"])
        name = asked["entity"]["id"]
        first = name not in self.asked
        self.asked.append(name)
        if first and name in self.keeps:
            self.go_on.wait(SECONDS)
        answer = {**greetings_go(asked), "nonce": asked["nonce"]}
        return Raw(body=json.dumps(answer), finish_reason="stop", delay=self.delay)


@dataclass
class Shop:
    """A workshop with entities, their job, and a model."""

    workshop: Workshop
    model: Model
    crowd: Crowd

    def all_are_asked_once(self) -> bool:
        """Return whether each entity was asked about once."""
        return Counter(self.model.asked) == dict.fromkeys(self.crowd.names, 1)

    def result(self) -> dict[str, Any]:
        """Return the result of the only run that is a success, which tells of each entity once."""
        found = sql(
            self.workshop.database, "SELECT result_json FROM job_runs WHERE status = 'success'"
        )
        ((text,),) = found
        result: dict[str, Any] = json.loads(text) if isinstance(text, str) else text
        return result

    def told(self) -> list[str]:
        """Return the entities that the run tells of, in the order of their names."""
        return sorted(line["entity_id"] for line in self.result()["entities"])


Open = Callable[..., AbstractContextManager[Shop]]


@pytest.fixture
def shop(workshop: Workshop, database_url: str) -> Open:
    """Return what opens a shop of so many entities with a model, at work until it is left."""

    @contextmanager
    def opened(entities: int, model: Model, *, lease_seconds: int = 60) -> Iterator[Shop]:
        crowd = crowd_at(database_url, workshop.database, entities)
        with ModelServer(model) as server:
            command = workshop.command.having(llm_base_url=server.url)
            try:
                yield Shop(Workshop(command, workshop.database, lease_seconds), model, crowd)
            finally:
                model.go_on.set()

    return opened


def _is_silent(done: Done, code: int = 0) -> bool:
    return (done.code, done.out, done.errors) == (code, "", "")


def _timed(shop: Shop, processes: int) -> float:
    """Return the seconds that so many processes take, which are started together and end well."""
    begun = time.perf_counter()
    started = [shop.workshop.start("run-due") for _ in range(processes)]
    done = [each.wait() for each in started]
    seconds = time.perf_counter() - begun
    assert all(map(_is_silent, done)), done
    assert shop.all_are_asked_once()
    assert (shop.told(), shop.crowd.greeted()) == (shop.crowd.names, [])
    assert shop.workshop.runs() == [("success", 1)]
    assert shop.crowd.is_tidy()
    return seconds


@ON_A_SERVER
def test_three_processes_take_a_third_of_the_time(shop: Open) -> None:
    """The model's time is shared; what remains for each is to start, and to read and write."""
    seconds = []
    for processes in (1, 3):
        with shop(24, Model(delay=DELAY)) as opened:
            seconds.append(_timed(opened, processes))
    assert seconds[0] > 24 * DELAY
    assert seconds[1] < seconds[0] / 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_processes_share_on_one_file_too(shop: Open) -> None:
    """Where one writes at a time they still ask side by side, and none gets in another's way."""
    with shop(24, Model(delay=0.1)) as opened:
        _timed(opened, 3)


def test_a_killed_helper_loses_nothing(shop: Open) -> None:
    """After its lease the process that leads does what it held; all else is asked about once."""
    with shop(6, Model(keeps=("e00", "e01")), lease_seconds=2) as opened:
        leader = _asking(opened, "e00")
        helper = _asking(opened, "e01")
        helper.send(signal.SIGKILL)
        assert helper.wait().code == -signal.SIGKILL
        assert opened.crowd.greeted() == opened.crowd.names
        opened.model.keeps = ()
        opened.model.go_on.set()
        assert _is_silent(leader.wait())
        asked = Counter(opened.model.asked)
        assert asked == {**dict.fromkeys(opened.crowd.names, 1), "e01": 2}
        assert (opened.told(), opened.crowd.greeted()) == (opened.crowd.names, [])
        assert opened.crowd.is_tidy()


def test_a_helper_that_is_told_to_stop_hands_back_at_once(shop: Open) -> None:
    """Nobody waits for its lease, which is longer here than anybody would wait."""
    with shop(6, Model(keeps=("e00", "e01"))) as opened:
        leader = _asking(opened, "e00")
        helper = _asking(opened, "e01")
        helper.send(signal.SIGTERM)
        assert _is_silent(helper.wait(), code=143)
        assert sql(opened.workshop.database, "SELECT id FROM maintenance_share_workers") == []
        opened.model.go_on.set()
        assert _is_silent(leader.wait())
        asked = Counter(opened.model.asked)
        assert asked == {**dict.fromkeys(opened.crowd.names, 1), "e01": 2}
        assert (opened.told(), opened.crowd.greeted()) == (opened.crowd.names, [])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_helpers_end_with_the_one_that_leads(shop: Open, number: signal.Signals) -> None:
    """What they were at is left as it was; the next run does that, and nothing twice."""
    with shop(6, Model(keeps=("e00", "e02")), lease_seconds=2) as opened:
        leader = _asking(opened, "e00")
        helper = _asking(opened, "e02")
        assert opened.crowd.greeted() == [name for name in opened.crowd.names if name != "e01"]
        leader.send(number)
        leader.wait()
        opened.workshop.outlive_leases()
        opened.model.go_on.set()
        assert _is_silent(helper.wait())
        assert opened.crowd.greeted() == [name for name in opened.crowd.names if name != "e01"]
        opened.workshop.tick_until_settled()
        asked = Counter(opened.model.asked)
        assert asked == {**dict.fromkeys(opened.crowd.names, 1), "e00": 2, "e02": 2}
        assert opened.told() == [name for name in opened.crowd.names if name != "e01"]
        assert opened.crowd.greeted() == []
        assert opened.crowd.is_tidy()


def test_later_ticks_of_a_host_leave_its_run_alone(shop: Open) -> None:
    """They do not pile up behind one model server; a host that is not at it yet lends a hand."""
    with shop(4, Model(keeps=("e00",))) as opened:
        leader = _asking(opened, "e00")
        for table, column in (
            ("maintenance_shares", "opened_at"),
            ("scheduled_jobs", "last_run_at"),
        ):
            sql(opened.workshop.database, f"UPDATE {table} SET {column} = '2026-01-01'")
        late = opened.workshop.tick("--json")
        assert (late.json["runs"], opened.model.asked) == ([], ["e00"])
        assert _elsewhere(opened, "another-host") == []
        assert opened.model.asked == opened.crowd.names
        opened.model.go_on.set()
        assert _is_silent(leader.wait())
        assert opened.told() == opened.crowd.names


def test_who_helps_has_run_nothing_itself(shop: Open) -> None:
    """The run is recorded once, and told by the process that leads."""
    with shop(4, Model(keeps=("e00",))) as opened:
        leader = _asking(opened, "e00", "--json")
        helper = opened.workshop.tick("--json")
        assert (helper.json["runs"], helper.json["counts"]) == ([], {})
        assert opened.model.asked == opened.crowd.names
        opened.model.go_on.set()
        assert [run["status"] for run in leader.wait().json["runs"]] == ["success"]
        assert opened.workshop.runs() == [("success", 1)]


def _asking(shop: Shop, name: str, *options: str) -> Any:  # noqa: ANN401 a process
    """Start a tick; return it when the model was asked about an entity."""
    process = shop.workshop.start("run-due", *options)
    wait_until(lambda: name in shop.model.asked)
    return process


def _elsewhere(shop: Shop, host: str) -> list[dict[str, Any]]:
    """Run a tick to its good end on a host of another name; return the runs that it tells of."""
    done = subprocess.run(
        [sys.executable, elsewhere.__file__, host, "run-due", "--json"],
        env={**shop.workshop.command.environment, "PYTHONPATH": str(BROUGHT)},
        cwd=shop.workshop.command.home,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    printed = json.loads(done.stdout)
    assert (printed["host"], done.stderr) == (host, "")
    runs: list[dict[str, Any]] = printed["runs"]
    return runs
