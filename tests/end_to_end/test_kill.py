"""Killed at any instant of a run: every entity is as before or as planned, and nothing is lost."""

import logging
import random
import shutil
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from os import kill
from pathlib import Path

import pytest
import sqlalchemy as sa
from building import MORNING
from command import Command
from consolidating import occasion
from databases import ATTRIBUTES, PROFILES, Server, dump, is_sqlite, name_of, opened, sql
from forking import fork_server
from killing import ENTITIES, State, fill, states_of, tidy_all
from model_server import ModelServer

from llm_maint.errors import ExitCode
from llm_maint.store import plans
from llm_maint.store.database import Database
from llm_maint.store.tables import jobs
from llm_maint.store.undo import undo_plan

log = logging.getLogger(__name__)

KILLS, KILLS_OF_ONE_JOB = 50, 3
"""All, and so many in a row: after the third the job waits for its next slot."""

LEAST_HITS, LEAST_BETWEEN = 35, 15
"""Kills that must meet a living process, and those that must meet it between two entities."""

SECONDS = 10
"""No server takes longer to see that a client has died."""

SETTINGS = {
    "llm_concurrency": "2",
    "llm_model": "scripted",
    "database_connect_timeout_seconds": "20",
}

TICK = ("run-due", "--job", "profiles")

Copies = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def copies(
    request: pytest.FixtureRequest, database: Database, database_url: str, tmp_path: Path
) -> Copies:
    """Return what copies a database of all entities, and removes the copy."""
    fill(database)
    database.close()

    @contextmanager
    def copy_of_file() -> Iterator[str]:
        target = tmp_path / "copy" / "assistant.db"
        target.parent.mkdir()
        shutil.copyfile(tmp_path / "assistant.db", target)
        yield f"sqlite:///{target}"
        shutil.rmtree(target.parent)

    @contextmanager
    def copy_on_server() -> Iterator[str]:
        server: Server = request.getfixturevalue("postgresql")
        url = server.create(template=name_of(database_url))
        yield url
        server.drop(url)

    return copy_of_file if is_sqlite(database) else copy_on_server


@dataclass
class Scene:
    """A copy of the database, the command on it, and how its entities are before and after."""

    database: Database
    command: Command
    after: Mapping[str, State] = field(default_factory=dict)
    done: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.before = states_of(self.database)
        self.rows = dump(self.database, ATTRIBUTES, PROFILES)

    def tick(self, kill_after: float | None = None) -> int:
        """Run a tick to its end or, after so many seconds, to its death; return its exit code."""
        pid = fork_server().start(self.command.environment, self.command.home, TICK)
        if kill_after is not None:
            time.sleep(kill_after)
            kill(pid, signal.SIGKILL)
        return fork_server().wait(pid)

    def look(self) -> None:
        """Refuse an entity that is neither as before nor as planned, or was that already."""
        _wait_for_the_dead(self.database)
        found = states_of(self.database)
        done = {name for name, state in found.items() if state != self.before[name]}
        for name in done:
            assert found[name].timeless == self.after[name].timeless
            assert found[name].summed_up is not None
        assert done >= self.done
        self.done = frozenset(done)
        claims = "SELECT claim_run_id FROM scheduled_jobs WHERE claim_run_id IS NOT NULL"
        runs = "SELECT id FROM job_runs WHERE status = 'running'"
        assert sql(self.database, claims) == sql(self.database, runs)

    def let_time_pass(self) -> None:
        """Let the lease of the dead run out, and the job be due."""
        with self.database.write() as connection:
            held = jobs.c.claim_run_id.is_not(None)
            connection.execute(sa.update(jobs).where(held).values(lease_expires_at=MORNING))
            connection.execute(sa.update(jobs).values(next_run_at=None))

    def undo_all(self) -> None:
        """Undo every plan that is applied."""
        with self.database.read() as connection:
            applied = plans.list_plans(connection, limit=1_000, status=plans.APPLIED)
        assert sorted(plan.entity.id for plan in applied) == ENTITIES
        for plan in reversed(applied):
            undo_plan(self.database, plan.id, occasion())


def _wait_for_the_dead(database: Database) -> None:
    """Wait until the server has seen that no client but this one is left."""
    if is_sqlite(database):
        return
    others = """
        SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        """
    deadline = time.monotonic() + SECONDS
    while sql(database, others):
        assert time.monotonic() < deadline
        time.sleep(0.002)


@dataclass
class Kills:
    """How long a tick takes if it may, and what became of those that might not.

    `idle` is the length of a tick with nothing to do, `full` with all entities. `pace` heeds that
    the machine may be quicker by now than it was when they were measured.
    """

    chance: random.Random
    idle: float
    full: float
    pace: float = 1.0
    all: int = 0
    hits: int = 0
    between: int = 0

    def instant(self, entities: int) -> float:
        """Return an instant of a tick with so many entities."""
        length = self.idle + (self.full - self.idle) * entities / len(ENTITIES)
        return self.chance.uniform(0, length * self.pace)

    def add(self, code: int, done: Collection[str]) -> None:
        """Count one, by how the process ended and what it left done."""
        assert code in (0, -signal.SIGKILL)
        hit = code != 0
        self.all += 1
        self.hits += hit
        self.between += hit and 0 < len(done) < len(ENTITIES)
        self.pace = min(max(self.pace * (1.03 if hit else 0.8), 0.4), 1.2)


def _undisturbed(scene: Scene) -> Kills:
    """Run to the end, note how all is then, and return kills that fit how long it took."""
    started = time.monotonic()
    assert scene.tick() == 0
    full = time.monotonic() - started
    scene.after = states_of(scene.database)
    assert all(scene.after[name] != scene.before[name] for name in ENTITIES)
    effects = dict(sql(scene.database, "SELECT DISTINCT effect, 1 FROM maintenance_journal"))
    assert effects.keys() >= {"folded", "merged", "rewritten", "superseded", "removed", "summary"}
    scene.let_time_pass()
    started = time.monotonic()
    assert scene.tick() == 0
    idle = time.monotonic() - started
    assert states_of(scene.database) == scene.after
    return Kills(random.Random(20), idle, full)


def test_a_process_killed_at_any_instant_leaves_whole_entities(
    tmp_path: Path, copies: Copies
) -> None:
    """Each is as before or as planned; the next tick ends the work; undo brings all bytes back."""
    with ModelServer(tidy_all) as server:

        @contextmanager
        def scene(after: Mapping[str, State]) -> Iterator[Scene]:
            with copies() as url:
                known = {**SETTINGS, "database_url": url, "llm_base_url": server.url}
                database = opened(url, create=False)
                yield Scene(database, Command(tmp_path, known), after)
                database.close()

        with scene({}) as first:
            kills = _undisturbed(first)
        while kills.all < KILLS:
            with scene(first.after) as play:
                for _ in range(min(KILLS_OF_ONE_JOB, KILLS - kills.all)):
                    left = len(ENTITIES) - len(play.done)
                    code = play.tick(kill_after=kills.instant(left))
                    play.look()
                    kills.add(code, play.done)
                    play.let_time_pass()
                _end(play)
    log.info("%s", kills)
    assert kills.hits >= LEAST_HITS
    assert kills.between >= LEAST_BETWEEN


def _end(scene: Scene) -> None:
    """Let the work be ended and undone."""
    code = scene.tick()
    scene.look()
    if code == ExitCode.JOB_FAILED:  # the third death was taken note of, and no more
        assert sql(scene.database, "SELECT last_status FROM scheduled_jobs") == [("failed",)]
        scene.let_time_pass()
        code = scene.tick()
        scene.look()
    assert code == ExitCode.OK
    assert len(scene.done) == len(ENTITIES)
    scene.undo_all()
    assert dump(scene.database, ATTRIBUTES, PROFILES) == scene.rows
