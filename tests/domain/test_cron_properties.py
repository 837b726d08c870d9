"""Any schedule at any time: what follows is later, nothing is left out, and it is found quickly."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from llm_maint.domain.schedule import NEVER, Cron, Every, Schedule
from llm_maint.errors import UsageError

EXAMPLES = settings(
    deadline=timedelta(seconds=2), derandomize=True, max_examples=150, database=None
)

INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
CHANGES = (  # when the clocks of a zone are put forward or back
    *(("Europe/Berlin", "2025-03-30T01:00"), ("Europe/Berlin", "2025-10-26T01:00")),
    *(("America/New_York", "2025-03-09T07:00"), ("America/New_York", "2025-11-02T06:00")),
    *(("Australia/Lord_Howe", "2025-04-05T15:00"), ("Australia/Lord_Howe", "2025-10-04T15:30")),
    *(("Africa/Casablanca", "2025-02-23T02:00"), ("Africa/Casablanca", "2025-04-06T02:00")),
    *(("Africa/Cairo", "2025-04-24T22:00"), ("Africa/Cairo", "2025-10-30T21:00")),
    *(("America/Havana", "2025-03-09T05:00"), ("America/Havana", "2025-11-02T05:00")),
    *(("Antarctica/Troll", "2025-03-30T01:00"), ("Antarctica/Troll", "2025-10-26T01:00")),
    *(("Asia/Kathmandu", "2025-03-30T00:15"), ("UTC", "2025-03-30T00:00")),  # never
)

changes = st.sampled_from(
    [(zone, datetime.fromisoformat(text).replace(tzinfo=UTC)) for zone, text in CHANGES]
)
around = st.integers(-3 * 3_600, 3 * 3_600).map(lambda seconds: timedelta(seconds=seconds))
lapses = st.timedeltas(timedelta(0), timedelta(days=7_000 * 365))
moments = lapses.map(datetime(2000, 1, 1, tzinfo=UTC).__add__)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """Return texts of one field: any, one, some, a range, each with a step or without."""
    numbers = st.integers(low, high)
    ranges = st.tuples(numbers, numbers).map(lambda ends: f"{min(ends)}-{max(ends)}")
    steps = st.tuples(st.just("*") | ranges | numbers.map(str), st.integers(1, high))
    one = numbers.map(str) | ranges | steps.map(lambda parts: f"{parts[0]}/{parts[1]}")
    return st.just("*") | one | st.lists(one, min_size=2, max_size=3).map(",".join)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Schedule, datetime]:
    """Return any schedule that comes to pass, and a moment: most often near a change of clocks."""
    zone, change = draw(changes)
    moment = draw(around.map(change.__add__) | moments)
    if draw(st.integers(0, 9)) == 0:
        return Every(timedelta(minutes=draw(st.integers(1, 100_000)))), moment
    days = draw(st.just(("*", "*", "*")) | st.tuples(field(1, 31), field(1, 12), field(0, 7)))
    parts = (draw(field(0, 59)), draw(field(0, 23)), *days)
    try:
        return Cron.parse(" ".join(parts), zone), moment
    except UsageError:
        assume(False)
        raise


@EXAMPLES
@given(asked(), st.lists(st.floats(0, 1), max_size=3))
@example((Cron("30 2 * * *", "Europe/Berlin"), datetime(2025, 10, 26, 1, 15, tzinfo=UTC)), [])
@example(
    (Cron("15 */3 * * *", "Australia/Lord_Howe"), datetime(2025, 4, 5, 13, 15, tzinfo=UTC)), [0.45]
)
def test_whenever_one_asks_the_same_moment_is_next(
    case: tuple[Schedule, datetime], between: Sequence[float]
) -> None:
    """The next is later, and at every moment on the way to it, it is the next."""
    schedule, start = case
    slot = schedule.next(start, after=start)
    assert slot > start
    assume(slot < NEVER)
    for share in between:
        now = max(start, min(start + share * (slot - start), slot - INSTANT))
        assert schedule.next(start, after=now) == slot
    assert schedule.next(start, after=slot) > slot


@EXAMPLES
@given(asked(), st.timedeltas(timedelta(0), timedelta(days=40)) | around.map(abs))
def test_who_asks_later_is_not_told_sooner(
    case: tuple[Schedule, datetime], passed: timedelta
) -> None:
    """The next of a later moment is the same or a later one."""
    schedule, start = case
    assert schedule.next(start, after=start) <= schedule.next(start, after=start + passed)


@EXAMPLES
@given(asked(), moments)
@example((Cron("* * * 1 *"), datetime(2025, 12, 31, tzinfo=UTC)), datetime(2000, 1, 1, tzinfo=UTC))
@example((Cron("0 0 29 2 *"), datetime(9000, 1, 1, tzinfo=UTC)), datetime(2000, 1, 1, tzinfo=UTC))
def test_the_latest_is_the_one_before_the_next(
    case: tuple[Schedule, datetime], anchor: datetime
) -> None:
    """However long nothing ran, no moment lies between the latest and now; both are soon found."""
    schedule, now = case
    latest, slot = schedule.latest(anchor, now=now), schedule.next(anchor, after=max(anchor, now))
    assert anchor <= latest <= max(anchor, now) < slot
    assert schedule.next(anchor, after=latest) == slot
    assert schedule.next(anchor, after=max(latest - INSTANT, anchor)) in {latest, slot}
    assume(slot < NEVER)
    assert schedule.latest(anchor, now=slot) == slot
    assert schedule.latest(anchor, now=slot - INSTANT) == latest


@EXAMPLES
@given(changes, st.integers(-2, 2), st.integers(0, 59))
def test_a_daily_job_runs_once_on_the_day_of_a_change(
    change: tuple[str, datetime], hours: int, minute: int
) -> None:
    """And on those around it: when clocks show its time first, or right after they left it out."""
    zone, moment = ZoneInfo(change[0]), change[1]
    hour = (moment.astimezone(zone).hour + hours) % 24
    slots = [moment - timedelta(days=3)]
    for _ in range(6):
        slots.append(Cron(f"{minute} {hour} * * *", change[0]).next(slots[0], after=slots[-1]))
    shown = [slot.astimezone(zone) for slot in slots[1:]]
    days = [each.date() for each in shown]
    assert all(later - sooner == timedelta(days=1) for sooner, later in pairwise(days))
    moved = [each for each in shown if (each.hour, each.minute) != (hour, minute)]
    assert [each.astimezone(UTC) for each in moved] in ([], [moment])
    assert not any(each.fold for each in shown)


@EXAMPLES
@given(changes, around, st.sampled_from([1, 2, 3, 5, 6, 10, 15, 30]))
def test_what_runs_each_few_minutes_follows_real_time(
    change: tuple[str, datetime], away: timedelta, minutes: int
) -> None:
    """Its moments are equally far from each other, however clocks are put."""
    zone, moment = change
    cron, start = Cron(f"*/{minutes} * * * *", zone), moment + away
    slots = [cron.next(start, after=start)]
    while slots[-1] < start + 2 * HOUR:
        slots.append(cron.next(start, after=slots[-1]))
    assert {later - slot for slot, later in pairwise(slots)} == {timedelta(minutes=minutes)}


@EXAMPLES
@given(st.text() | st.lists(st.text("0123456789*/-,#LWSUNMO@", max_size=5)).map(" ".join))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    """What is accepted comes to pass."""
    try:
        cron = Cron.parse(text)
    except UsageError:
        return
    start = datetime(2025, 1, 1, tzinfo=UTC)
    assert start < cron.next(start, after=start) < NEVER
