"""Spans of time in words, as people say them: one number and one unit."""

from datetime import timedelta

_UNITS = (
    ("d", timedelta(days=1), 2),
    ("h", timedelta(hours=1), 2),
    ("min", timedelta(minutes=1), 2),
    ("s", timedelta(seconds=1), 0),
)
"""A unit, its length, and the number of it from which it is said: 90 min, then 2 h."""


def span(duration: timedelta) -> str:
    """Return a duration in the largest unit of which there are two: `45 s`, `90 min`, `26 h`."""
    for unit, length, least in _UNITS:
        if duration >= least * length:
            return f"{duration // length} {unit}"
    return "0 s"
