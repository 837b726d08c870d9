"""A consolidation of memories that is killed: each portion is as before or as planned."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from command import Command, reply
from databases import dump, is_sqlite, opened, sql
from forking import fork_server
from model_server import ModelServer, Raw
from recollecting import row
from workshop import wait_until

from llm_maint.store.database import Database

CONSOLIDATE = ("memory", "consolidate", "--bot", "nova")

KILLS = 8
"""Instants at which a process is killed; where it falls is up to chance."""

APPLIED = "kind = 'consolidation' AND status = 'applied' AND entity_type = 'memory'"

PLANS = f"SELECT id FROM maintenance_plans WHERE {APPLIED}"

PAIRS = 6

STORE = [
    *(row(f"p{n}", f"Practised piece {n} on the violin") for n in range(PAIRS)),
    *(
        row(f"q{n}", f"Practised piece {n} on the violin twice", updated_at="2026-02-01T00:00:00Z")
        for n in range(PAIRS)
    ),
]
"""Pairs that a model would merge."""

COPIES = [row(f"c{n}", "Plays chess on Tuesdays", access_count=n) for n in range(3)]
"""What folds by itself, in a portion of its own."""


def _merging(body: Mapping[str, Any]) -> str:
    document = json.loads(body["messages"][-1]["content"])
    pieces: dict[str, list[str]] = {}
    for each in document["rows"]:
        pieces.setdefault(each["value"].removesuffix(" twice"), []).append(each["id"])
    groups = [
        {"reason": piece, "op": "merge", "ids": ids}
        for piece, ids in pieces.items()
        if len(ids) > 1
    ]
    return reply(groups, reviewed=[each["id"] for each in document["rows"]])


@pytest.fixture
def store(command: Command) -> Command:
    """Return the command, with pairs that a model would merge."""
    command("memory", "import", "-", "--bot", "nova", stdin=json.dumps(STORE))
    return command


@pytest.fixture
def told(store: Command) -> Iterator[Database]:
    """Return the database of the command."""
    database = opened(store.settings["database_url"], create=False)
    yield database
    database.close()


def _state(database: Database) -> tuple[Any, ...]:
    """Return the memories, and how much is noted of them: what belongs together."""
    noted = (
        f"SELECT count(*) FROM maintenance_plans WHERE {APPLIED}",
        f"SELECT count(*) FROM maintenance_journal WHERE plan_id IN ({PLANS})",
        f"SELECT count(*) FROM maintenance_memory_sightings WHERE plan_id IN ({PLANS})",
        "SELECT count(*) FROM maintenance_profile_memory WHERE entity_type = 'memory'",
    )
    return dump(database, "memories"), *(sql(database, each) for each in noted)


def _wait_for_the_dead(database: Database) -> None:
    if not is_sqlite(database):
        others = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        wait_until(lambda: not sql(database, others))


def test_killed_while_a_model_thinks_nothing_has_changed(store: Command, told: Database) -> None:
    """No transaction is open meanwhile: not a byte of any table is written, and no lock stays."""
    asked = threading.Event()

    def thinking(_body: dict[str, Any]) -> Raw:
        asked.set()
        return Raw(body="{}", delay=60)

    before = dump(told)
    with ModelServer(thinking) as server:
        asking = store.having(llm_base_url=server.url, llm_model="scripted")
        pid = fork_server().start(asking.environment, asking.home, CONSOLIDATE)
        wait_until(asked.is_set)
        os.kill(pid, signal.SIGKILL)
        assert fork_server().wait(pid) == -signal.SIGKILL
    _wait_for_the_dead(told)
    assert dump(told) == before
    with ModelServer(_merging) as server:
        asking = store.having(llm_base_url=server.url, llm_model="scripted")
        assert asking(*CONSOLIDATE, "--json").json["memories_after"] == PAIRS


def test_killed_at_any_instant_each_portion_is_as_before_or_as_planned(
    store: Command, told: Database
) -> None:
    """Never between; the next run ends the work, and undo brings every byte back."""
    store("memory", "import", "-", "--bot", "nova", stdin=json.dumps(COPIES))
    chance = random.Random(6)
    with ModelServer(_merging) as server:
        asking = store.having(llm_base_url=server.url, llm_model="scripted")
        before = _state(told)
        store(*CONSOLIDATE)
        folded = _state(told)
        _put_back(store, told, before)
        started = time.monotonic()
        asking(*CONSOLIDATE)
        length = time.monotonic() - started
        after = _state(told)
        for _ in range(KILLS):
            _put_back(store, told, before)
            pid = fork_server().start(asking.environment, asking.home, CONSOLIDATE)
            time.sleep(chance.uniform(0, length))
            os.kill(pid, signal.SIGKILL)
            fork_server().wait(pid)
            _wait_for_the_dead(told)
            assert _state(told) in (before, folded, after)
            asking(*CONSOLIDATE)
            assert _state(told) == after


def _put_back(command: Command, database: Database, before: tuple[Any, ...]) -> None:
    """Undo all that was done, and forget that a person did: so it is to be done once more."""
    for (plan_id,) in sql(database, f"{PLANS} ORDER BY created_at DESC"):
        command("memory", "restore", plan_id)
    sql(database, "DELETE FROM maintenance_profile_memory WHERE entity_type = 'memory'")
    assert _state(database) == before
