"""JSON values of any type: read strictly, and not deeper than anybody could print."""

import json
import math
from typing import Any


def parse_value(text: str) -> Any:  # noqa: ANN401 a JSON value is any type
    """Return a JSON text as a value; a text that is not JSON stands for itself.

    So does one nested beyond `MAX_DEPTH`, which nobody could print or compare.
    """
    try:
        value = json.loads(text, parse_constant=no_constant, parse_float=finite)
    except (ValueError, RecursionError):
        return text
    return text if depth(value) > MAX_DEPTH else value


MAX_DEPTH = 100
"""Lists and objects within each other; far from what Python's recursion bears."""


def depth(value: Any) -> int:  # noqa: ANN401 a JSON value is any type
    """Return how deep the lists and objects of a JSON value are nested; 0 for a scalar."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, list | dict)]:
        deepest += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return deepest


def finite(text: str) -> float:
    """Return a JSON number, refusing one beyond the range of a float: a `parse_float`."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's JSON reads and JSON has not: a `parse_constant`."""
    raise ValueError(f"{name} is not JSON")
