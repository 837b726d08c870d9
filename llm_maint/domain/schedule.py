"""When a job runs next: slots on a grid, so that a late tick never shifts the following ones."""

import re
from datetime import UTC, datetime, timedelta

from llm_maint.errors import UsageError


def next_slot(anchor: datetime, interval: timedelta, *, after: datetime) -> datetime:
    """Return the first slot of the grid `anchor + k * interval` (k >= 1) later than `after`.

    Slots missed while nothing ticked are skipped: the job runs once and goes on from here.

    Args:
        anchor: a slot of the grid, usually the one that was just due.
        interval: the distance of two slots; positive.
        after: usually now.

    """
    if interval <= timedelta(0):
        raise ValueError("an interval must be positive")
    missed = max((after - anchor) // interval, 0)
    try:
        return anchor + (missed + 1) * interval
    except OverflowError:
        return NEVER


def parse_interval(text: str) -> timedelta:
    """Return the interval of a text: `60m`, `2h`, `1d`; a number alone is minutes.

    Raises:
        UsageError: the text is none, or not a whole number of minutes of at least one.

    """
    found = _INTERVAL.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{text!r} is no interval: write 60m, 2h or 1d")
    return int(found[1]) * timedelta(minutes=_MINUTES[found[2]])


NEVER = datetime.max.replace(tzinfo=UTC)
"""Beyond the calendar: the slot after it does not come."""

_INTERVAL = re.compile(r"(\d{1,6})\s*(m|h|d|)")
_MINUTES = {"": 1, "m": 1, "h": 60, "d": 24 * 60}


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after the failed `attempt` (1, 2, ...): 1, 2, 4 ... minutes."""
    return timedelta(minutes=2 ** (attempt - 1))
