"""Spans of time, and lists of names, in the few words that a line has room for."""

from collections.abc import Sequence
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


def some(names: Sequence[str], none: str = "") -> str:
    """Return the first few names, and how many more there are; `none` where there are none."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more or none


_SHOWN = 3
