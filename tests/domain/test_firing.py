"""Which slot a due job fires for: on time, late, after downtime, spread by jitter."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from building import MORNING
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.firing import GRACE, Misfire, Timing, in_words
from llm_maint.domain.schedule import NEVER, Cron, Every, Schedule

HOUR, MINUTE, TINY = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
LATE = 5 * HOUR + 5 * MINUTE

EXAMPLES = settings(deadline=None, derandomize=True, database=None, max_examples=100)
SCHEDULES: list[Schedule] = [
    *(Every(MINUTE), Every(7 * MINUTE), Every(HOUR), Every(36 * HOUR)),
    *(Cron("*/20 * * * *"), Cron("30 2 * * *", "Europe/Berlin"), Cron("0 0 29 2 *")),
    Cron("5 4 * * 1-5", "America/New_York"),
]
STARTS = st.timedeltas(timedelta(-400), timedelta(400)).map(MORNING.__add__)
GRACES = st.sampled_from([None, timedelta(0), 10 * MINUTE, 3 * HOUR])
LATENESS = st.timedeltas(timedelta(0), timedelta(days=3)) | st.sampled_from([HOUR, 10 * MINUTE])


@pytest.mark.parametrize("schedule", [Every(HOUR), Cron("0 * * * *")], ids=["every", "cron"])
@pytest.mark.parametrize(
    ("misfire", "grace", "late", "slot"),
    [
        (Misfire.LATEST, None, timedelta(0), 0),
        (Misfire.LATEST, None, HOUR - TINY, 0),
        (Misfire.LATEST, None, HOUR, 1),
        (Misfire.LATEST, None, LATE, 5),
        (Misfire.LATEST, None, timedelta(days=30), 720),
        (Misfire.LATEST, 5 * MINUTE, LATE, 5),
        (Misfire.LATEST, 5 * MINUTE, LATE + TINY, None),
        (Misfire.LATEST, timedelta(0), timedelta(0), 0),
        (Misfire.LATEST, timedelta(0), TINY, None),
        (Misfire.LATEST, 2 * HOUR, LATE, 5),
        (Misfire.ALL, None, timedelta(0), 0),
        (Misfire.ALL, None, LATE, 0),
        (Misfire.ALL, 5 * HOUR, 5 * HOUR, 0),
        (Misfire.ALL, 5 * HOUR, LATE, 1),
        (Misfire.ALL, 2 * HOUR, LATE, 4),
        (Misfire.ALL, 2 * HOUR, 5 * HOUR, 3),
        (Misfire.ALL, 5 * MINUTE, LATE, 5),
        (Misfire.ALL, 5 * MINUTE, LATE + TINY, None),
        (Misfire.SKIP, None, timedelta(0), 0),
        (Misfire.SKIP, None, GRACE, 0),
        (Misfire.SKIP, None, GRACE + TINY, None),
        (Misfire.SKIP, None, LATE, 5),
        (Misfire.SKIP, None, LATE + GRACE, None),
        (Misfire.SKIP, 2 * MINUTE, 2 * MINUTE, 0),
        (Misfire.SKIP, 2 * MINUTE, LATE, None),
        (Misfire.SKIP, timedelta(0), TINY, None),
        (Misfire.SKIP, 6 * HOUR, 5 * HOUR + GRACE + TINY, 5),
    ],
)
def test_what_was_missed_is_made_up_for_as_the_job_says(
    schedule: Schedule, misfire: Misfire, grace: timedelta | None, late: timedelta, slot: int | None
) -> None:
    """The last slot, the first, or none; and none that is later than the grace."""
    timing = Timing(schedule=schedule, misfire=misfire, grace=grace)
    expected = None if slot is None else MORNING + slot * HOUR
    assert timing.fires_for(MORNING, now=MORNING + late) == expected


@pytest.mark.parametrize("schedule", [Every(HOUR), Cron("0 * * * *")], ids=["every", "cron"])
@pytest.mark.parametrize(
    ("misfire", "late", "slot"),
    [
        (Misfire.LATEST, timedelta(0), 1),
        (Misfire.LATEST, HOUR, 2),
        (Misfire.LATEST, LATE, 6),
        (Misfire.SKIP, LATE, 6),
        (Misfire.ALL, timedelta(0), 1),
        (Misfire.ALL, LATE, 1),
        (Misfire.ALL, -MINUTE, 1),
        (Misfire.LATEST, -MINUTE, 1),
    ],
)
def test_the_slot_that_follows(
    schedule: Schedule, misfire: Misfire, late: timedelta, slot: int
) -> None:
    """It is the first that is still to come; the very next where each is to run."""
    timing = Timing(schedule=schedule, misfire=misfire)
    assert timing.following(MORNING, now=MORNING + late) == MORNING + slot * HOUR


@EXAMPLES
@given(
    start=STARTS,
    late=LATENESS,
    grace=GRACES,
    schedule=st.sampled_from(SCHEDULES),
    misfire=st.sampled_from(Misfire),
)
def test_a_slot_that_fires_has_come_and_is_of_the_schedule(
    start: datetime, late: timedelta, grace: timedelta | None, schedule: Schedule, misfire: Misfire
) -> None:
    """Neither of the future nor beside the grid, and what follows is a later one, to come."""
    timing = Timing(schedule=schedule, misfire=misfire, grace=grace)
    due = schedule.next(start, after=start)
    now = due + late
    slot = timing.fires_for(due, now=now)
    if slot is None:
        assert now - schedule.latest(due, now=now) > (GRACE if grace is None else grace)
        return
    assert due <= slot <= now
    assert slot == due or schedule.next(due, after=slot - TINY) == slot
    following = timing.following(slot, now=now)
    assert following > slot
    assert misfire is Misfire.ALL or (following > now and slot == schedule.latest(due, now=now))


@EXAMPLES
@given(start=STARTS, late=LATENESS, schedule=st.sampled_from(SCHEDULES[1:]))
def test_each_slot_that_was_missed_is_run_once(
    start: datetime, late: timedelta, schedule: Schedule
) -> None:
    """With `all` a tick walks from slot to slot, leaves none out and sees none twice."""
    timing = Timing(schedule=schedule, misfire=Misfire.ALL)
    due = slot = schedule.next(start, after=start)
    now = due + late
    walked = []
    while slot <= now:
        assert timing.fires_for(slot, now=now) == slot
        walked.append(slot)
        slot = timing.following(slot, now=now)
    assert walked[0] == due
    assert all(schedule.next(a, after=a) == b for a, b in pairwise([*walked, slot]))


@EXAMPLES
@given(
    start=STARTS,
    schedule=st.sampled_from(SCHEDULES),
    jitter=st.timedeltas(timedelta(0), timedelta(days=2)),
    job_id=st.text(max_size=8),
)
def test_jitter_is_bounded(
    start: datetime, schedule: Schedule, jitter: timedelta, job_id: str
) -> None:
    """A slot is due neither before its time nor past half of the way to the next one."""
    slot = schedule.next(start, after=start)
    offset = Timing(schedule=schedule, jitter=jitter).due_at(job_id, slot) - slot
    half = (schedule.next(slot, after=slot) - slot) / 2
    assert timedelta(0) <= offset <= min(jitter, half)


def test_jitter_is_the_same_on_every_host() -> None:
    """It is counted out from the job and the slot alone, today and in years to come."""
    timing = Timing(schedule=Every(HOUR), jitter=10 * MINUTE)
    assert timing.due_at("job", MORNING) == MORNING + timedelta(seconds=363)
    elsewhere = MORNING.astimezone(ZoneInfo("Asia/Tokyo"))
    assert timing.due_at("job", elsewhere) == timing.due_at("job", MORNING)
    assert timing.due_at("job", NEVER) == NEVER


def test_jitter_spreads_jobs_and_slots() -> None:
    """A thousand jobs of one slot, and a thousand slots of one job, fill all of the room evenly."""
    timing = Timing(schedule=Every(HOUR), jitter=10 * MINUTE)
    slots = [MORNING + number * HOUR for number in range(1_000)]
    of_jobs = [timing.due_at(f"job-{number}", MORNING) - MORNING for number in range(1_000)]
    of_slots = [timing.due_at("job", slot) - slot for slot in slots]
    for offsets in (of_jobs, of_slots):
        minutes = [offset // MINUTE for offset in offsets]
        assert {minutes.count(minute) // 50 for minute in range(10)} <= {1, 2}
        assert len(set(offsets)) > 400


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (Every(MINUTE), "1m"),
        (Every(90 * MINUTE), "90m"),
        (Every(2 * HOUR), "2h"),
        (Every(48 * HOUR), "2d"),
        (Cron("0 4 * * *"), "0 4 * * *"),
        (Cron("0 4 * * *", "Europe/Berlin"), "0 4 * * * Europe/Berlin"),
    ],
)
def test_a_schedule_is_told_as_it_is_written(schedule: Schedule, text: str) -> None:
    """In the largest unit that holds it; the zone where it is another than UTC."""
    assert in_words(schedule) == text
