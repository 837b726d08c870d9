"""Scales of charts: how far up a value is drawn, and at which round values there are lines."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log, log10

MOST_TICKS = 4
"""Lines above the lowest one: more are a grid that hides what is drawn."""

MANY_TIMES = 100
"""From the smallest to the largest duration: beyond this only a logarithm shows both."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From the first of the ticks at the bottom to the last at the top."""

    ticks: tuple[float, ...]
    is_logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return how far up a value is, from 0 to 1; what is beyond the ends is at them."""
        low, high = self.ticks[0], self.ticks[-1]
        value = min(max(value, low), high)
        if self.is_logarithmic:
            return log(value / low) / log(high / low)
        return (value - low) / (high - low)


def scale_of(largest: float) -> Scale:
    """Return the scale of counts from 0; steps are 1, 2 or 5 times a power of ten, and whole."""
    wanted = max(largest, 1) / MOST_TICKS
    power = 10 ** floor(log10(wanted))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= wanted)
    return _regular(largest, max(step, 1))


def scale_of_durations(milliseconds: Sequence[float]) -> Scale:
    """Return the scale of durations, in the steps of clocks; by a logarithm where they span much.

    Args:
        milliseconds: at least one.

    """
    largest, smallest = max(milliseconds), max(min(milliseconds), 1)
    if largest > MANY_TIMES * smallest:
        return _by_decades(smallest, largest)
    days = ceil(largest / MOST_TICKS / _DAY) * _DAY
    step = next((step for step in _STEPS if step >= largest / MOST_TICKS), days)
    return _regular(largest, step)


def _by_decades(smallest: float, largest: float) -> Scale:
    low = bisect_right(_DECADES, smallest) - 1
    span = bisect_left(_DECADES, largest) - low
    step = ceil(span / MOST_TICKS)
    places = range(low, low + step * ceil(span / step) + 1, step)
    return Scale(tuple(_DECADES[place] for place in places), is_logarithmic=True)


def _regular(largest: float, step: float) -> Scale:
    return Scale(tuple(step * number for number in range(max(ceil(largest / step), 1) + 1)))


_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
_STEPS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(_SECOND * number for number in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * number for number in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * number for number in (1, 2, 3, 6, 12, 24)),
)
_DECADES = (
    *(1, 10, 100, _SECOND, 10 * _SECOND),
    *(_MINUTE, 10 * _MINUTE, *(_HOUR * 10**power for power in range(16))),
)
