"""In which order a tick takes what is due, and that it takes each job once."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from running import START, World

from llm_maint.store import queue
from llm_maint.store.tables import jobs

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def _write(world: World, name: str, **columns: Any) -> None:  # noqa: ANN401 any column
    """Write columns of a job by hand."""
    with world.database.write() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.name == name).values(**columns))


def test_what_comes_first(world: World) -> None:
    """The higher priority, then what was tried least, then what has been due for longest."""
    for name in "abcdef":
        world.add(name)
        _write(world, name, next_run_at=START - HOUR)
    _write(world, "a", attempt=2)
    _write(world, "b", priority=-1)
    _write(world, "c", next_run_at=START)
    _write(world, "d", priority=5, next_run_at=START)
    _write(world, "e", priority=5, attempt=1, next_run_at=None)
    world.tick()
    assert world.ran == ["d", "e", "f", "c", "a", "b"]


def test_a_job_that_died_lets_the_others_go_first(world: World) -> None:
    """One that may kill its process again waits until what is due has run."""
    for name in "ab":
        world.add(name)
    with world.database.brief() as source:
        tick = queue.Tick(due_by=START, lease=MINUTE, host="dead")
        claim = tick.claim_next(source, now=START)
    assert claim is not None
    assert claim.job_name == "a"
    world.now += MINUTE
    world.tick()
    assert world.ran == ["b", "a"]


def test_many_due_jobs_run_once_each(world: World) -> None:
    """Over several pages, by two processes at once, the highest priority first."""
    world.add("a")
    rows = [
        {"id": f"{number:03}", "job_type": "a", "name": f"{number}", "priority": number % 3}
        for number in range(250)
    ]
    with world.database.write() as connection:
        connection.execute(sa.delete(jobs))
        connection.execute(sa.insert(jobs), rows)
    claimed: list[str] = []
    ticks = [queue.Tick(due_by=START, lease=HOUR, host=host) for host in ("here", "there")]
    while ticks:
        world.now += timedelta(seconds=0.4)  # now and then what was read is read anew
        for tick in list(ticks):
            with world.database.brief() as source:
                claim = tick.claim_next(source, now=world.now)
            if claim is None:
                ticks.remove(tick)
            else:
                claimed.append(claim.job_id)
    by_priority = [range(first, 250, 3) for first in (2, 1, 0)]
    assert claimed == [f"{number:03}" for numbers in by_priority for number in numbers]
