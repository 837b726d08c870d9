"""Lists in a column, as JSON: read as far as they can be, and written only over what was read."""

import json
from collections.abc import Iterable
from typing import Any

from llm_maint.domain.json_values import finite, no_constant
from llm_maint.domain.row import Scalar


def read_list(column: Scalar) -> list[Any]:
    """Return the texts and numbers of a list; none of what is no list."""
    found = _parsed(column)
    return [each for each in found or () if isinstance(each, _SIMPLE)]


def is_list(column: Scalar) -> bool:
    """Return whether `read_list` reads all that a column holds, be it nothing."""
    found = _parsed(column)
    return found is not None and all(isinstance(each, _SIMPLE) for each in found)


def as_list(items: Iterable[Any], *columns: Scalar) -> str:
    """Return a list as JSON; what stands in one of the columns, as a number say, stays so."""
    known = {str(each): each for column in reversed(columns) for each in read_list(column)}
    found = [known.get(str(each), each) for each in items]
    text = json.dumps(found, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which JSON can name and no text can hold
        return json.dumps(found)
    return text


_SIMPLE = (str, int, float)


def _parsed(column: Scalar) -> list[Any] | None:
    """Return the list that a column holds, an empty one where it holds nothing; None for more."""
    if column is None:
        return []
    if not isinstance(column, str):
        return None
    try:
        found = json.loads(column, parse_constant=no_constant, parse_float=finite)
    except (ValueError, RecursionError):
        return None if column.strip() else []
    return [] if found is None else found if isinstance(found, list) else None
