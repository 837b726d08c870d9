"""Amounts, durations and moments in the words of the report."""

from datetime import UTC, datetime

_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000
"""In milliseconds."""


def count(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}"


def counted(number: int, thing: str) -> str:
    """Return how many there are of a thing that forms its plural by an s."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def compact(number: float) -> str:
    """Return a number for an axis: `950`, `1.5k`, `20M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.4g}"


def duration(milliseconds: float) -> str:
    """Return a duration: `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`."""
    if milliseconds < _SECOND:
        return f"{milliseconds:.0f} ms"
    if milliseconds < _MINUTE:
        return f"{milliseconds / _SECOND:.1f}".removesuffix(".0") + " s"
    large, small = (_HOUR, _MINUTE) if milliseconds >= _HOUR else (_MINUTE, _SECOND)
    whole, rest = divmod(int(milliseconds), large)
    names = ("h", "min") if large == _HOUR else ("min", "s")
    more = f" {rest // small} {names[1]}" if rest // small else ""
    return f"{whole:,} {names[0]}{more}"


def moment(time: datetime | None) -> str:
    """Return a moment in UTC, to the minute; nothing for none."""
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def share(part: int, whole: int) -> str:
    """Return a share in per cent: 100 % only where nothing is missing, 0 % where all is."""
    if not whole:
        return "none"
    percent = 100 * part / whole
    text = f"{percent:.1f}".removesuffix(".0")
    if part < whole and text == "100":
        text = "99.9"
    if part and text == "0":
        text = "0.1"
    return f"{text} %"


def shortened(text: str, most: int) -> str:
    """Return a text, cut where it is long; how long it is in full is told."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"
