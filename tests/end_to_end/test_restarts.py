"""A database server that crashes again and again under a crowd of ticks: no job is lost."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import MORNING
from command import Command, Done
from databases import opened
from restarting import Crashing, crashing_server
from workshop import SECONDS, Process, Workshop

JOBS, CRASHES, PROCESSES = 1_000, 6, 4


@pytest.fixture
def server() -> Iterator[Crashing]:
    """Return a server that may crash."""
    with crashing_server() as server:
        yield server


@pytest.fixture
def shaken(server: Crashing, tmp_path: Path) -> Iterator[Workshop]:
    """Return a workshop on that server."""
    database = opened(server.url)
    database.upgrade(now=MORNING)
    yield Workshop(Command(tmp_path, {"database_url": server.url}), database, lease_seconds=3)
    database.close()


def test_a_server_that_crashes_loses_no_job(server: Crashing, shaken: Workshop) -> None:
    """Each job has succeeded in the end, once; no run is at work; who met a crash said so."""
    chance = random.Random(11)
    # So short, and yet not all done before the last crash comes.
    shaken.add("noting", *(f"job-{number}" for number in range(JOBS)), seconds=0.02)
    shaken.database.close()  # its connections are about to break
    crowd = Crowd(shaken)
    for _ in range(CRASHES):
        crowd.work(jobs=chance.randint(60, 110))
        server.crash()
    assert len(shaken.succeeded()) < JOBS  # the last crash, too, met them at work
    crowd.work(jobs=1)
    ended = [*crowd.ended, *crowd.end()]
    ticks = shaken.tick_until_settled()
    assert shaken.succeeded() == dict.fromkeys(shaken.names(), 1)
    assert len(shaken.names()) == JOBS
    for done in ended:
        _check(done)
    met = Counter(done.code for done in ended)
    assert met[69] >= CRASHES
    assert {done.code for done in ticks} == {0}


class Crowd:
    """Processes that tick; where one has ended another begins, as under cron."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.ended: list[Done] = []
        self.at_work: list[Process] = []

    def work(self, *, jobs: int) -> None:
        """Tick until so many more jobs have begun."""
        enough = len(self.workshop.notes()) + jobs
        deadline = time.monotonic() + SECONDS
        while len(self.workshop.notes()) < enough:
            assert time.monotonic() < deadline, "there was not so much left to do"
            gone = [process for process in self.at_work if process.has_ended()]
            self.at_work = [process for process in self.at_work if process not in gone]
            self.ended += [process.wait() for process in gone]
            while len(self.at_work) < PROCESSES:
                self.at_work.append(self.workshop.start("run-due"))
            time.sleep(0.01)

    def end(self) -> list[Done]:
        """Wait for those that are still at work."""
        return [process.wait() for process in self.at_work]


def _check(done: Done) -> None:
    """Refuse a tick that neither went well nor said in one line that the database did not."""
    assert done.code in (0, 69, 75), done
    said = [line for line in done.errors.splitlines() if not _tells_of_leases(line)]
    assert len(said) == (done.code != 0), done
    assert "Traceback" not in done.errors


def _tells_of_leases(line: str) -> bool:
    return "died or froze" in line or "claim was lost" in line


def test_a_standby_is_told_as_one(server: Crashing, shaken: Workshop) -> None:
    """A tick that was sent to the wrong server of two: one line, and nothing is a bug of ours."""
    shaken.add("noting", "a")
    shaken.database.close()
    server.stand_by()
    for arguments in (("run-due",), ("run-due", "--json")):
        done = shaken.command(*arguments, code=69)
        (line,) = done.errors.splitlines()
        assert "standby" in line
