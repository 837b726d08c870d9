"""A month of ticks: an hourly job runs once for every hour of it, whenever ticks really come."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

from running import START, World

from llm_maint.contract import JobContext
from llm_maint.domain.runs import Outcome, Success
from llm_maint.store import history

DAYS = 30
HOURS = DAYS * 24
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_an_hourly_job_runs_24_times_on_each_of_30_days(world: World) -> None:
    """Ticks of every minute come up to 59 s late and runs take up to 90 s, yet no slot moves."""
    chance = Random(5)

    def work(_: JobContext) -> Outcome:
        world.now += timedelta(seconds=chance.uniform(0, 90))
        return Success()

    world.add("hourly", work)
    _tick_every_minute(world, chance)
    starts = _starts(world)
    slots = [START + number * HOUR for number in range(HOURS)]
    late = [start - slot for start, slot in zip(starts, slots, strict=True)]
    assert timedelta(0) <= min(late) <= max(late) < MINUTE
    days = Counter((start - START).days for start in starts)
    assert days == dict.fromkeys(range(DAYS), 24)
    assert world.jobs()["hourly"].next_run_at == START + HOURS * HOUR


def _tick_every_minute(world: World, chance: Random) -> None:
    """Tick for a month; of the ticks that find nothing due, only some are made."""
    world.tick()  # on time: the grid begins with the first run
    for minute in range(1, HOURS * 60):
        late = timedelta(seconds=chance.uniform(0, 59))
        if minute % 60 == 0 or minute % (7 * 60) == 7 * 60 - 1:
            world.now = START + minute * MINUTE + late
            world.tick(limit=1)


def _starts(world: World) -> list[datetime]:
    with world.database.read() as connection:
        runs = history.tail(connection, limit=2 * HOURS)
    assert {(run.status, run.attempt) for run in runs} == {("success", 1)}
    return [run.started_at for run in runs if run.started_at]
