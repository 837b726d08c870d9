"""Slots on a grid, and how long to wait after a failure."""

from datetime import timedelta

import pytest
from building import MORNING

from llm_maint.domain.schedule import Every, backoff

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("after", "slot"),
    [
        pytest.param(timedelta(0), 1, id="just due"),
        pytest.param(timedelta(seconds=59), 1, id="a late tick"),
        pytest.param(timedelta(minutes=59, seconds=59), 1, id="nearly the next"),
        pytest.param(HOUR, 2, id="exactly the next, which is not later"),
        pytest.param(HOUR + timedelta(microseconds=1), 2, id="just past the next"),
        pytest.param(timedelta(days=30, minutes=1), 721, id="a month asleep"),
        pytest.param(-timedelta(minutes=5), 1, id="before the anchor"),
        pytest.param(-timedelta(days=5), 1, id="long before the anchor"),
    ],
)
def test_the_next_slot_is_the_first_of_the_grid_that_is_later(after: timedelta, slot: int) -> None:
    """Slots are whole intervals after the anchor; missed ones are skipped."""
    assert Every(HOUR).next(MORNING, after=MORNING + after) == MORNING + slot * HOUR


@pytest.mark.parametrize("late", [0, 1, 59, 1799, 3599])
def test_lateness_does_not_add_up(late: int) -> None:
    """A job ticked equally late a thousand times is still on its grid."""
    slot = MORNING
    for _ in range(1_000):
        slot = Every(HOUR).next(slot, after=slot + timedelta(seconds=late))
    assert slot == MORNING + 1_000 * HOUR


def test_odd_intervals_keep_their_microseconds() -> None:
    """A grid of thirds of a second is exact after a year."""
    third = timedelta(microseconds=333_333)
    later = MORNING + timedelta(days=365)
    slot = Every(third).next(MORNING, after=later)
    assert (slot - MORNING) % third == timedelta(0)
    assert later < slot <= later + third


@pytest.mark.parametrize("interval", [timedelta(0), -HOUR], ids=["none", "negative"])
def test_an_interval_is_positive(interval: timedelta) -> None:
    """A job that would always be due is refused."""
    with pytest.raises(ValueError, match="must be positive"):
        Every(interval).next(MORNING, after=MORNING)


def test_waits_double() -> None:
    """After each failure the wait is twice as long: 1, 2, 4 minutes."""
    assert [backoff(attempt) for attempt in (1, 2, 3)] == [
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=4),
    ]
