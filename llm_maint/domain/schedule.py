"""When a job runs next: slots on a grid, so that a late tick never shifts the following ones."""

from datetime import datetime, timedelta


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
    return anchor + (missed + 1) * interval


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after the failed `attempt` (1, 2, ...): 1, 2, 4 ... minutes."""
    return timedelta(minutes=2 ** (attempt - 1))
