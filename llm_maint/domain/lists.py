"""Lists in a column: read as far as they can be, and written only over what was read.

They are JSON or an array as PostgreSQL writes one.
"""

import json
import re
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


def as_list(items: Iterable[Any], own: Scalar, *others: Scalar) -> str:
    """Return a list in the form of its `own` column; JSON where that holds nothing.

    What stands in one of the columns, as a number say, stays so.
    """
    known = {str(each): each for column in (*others, own) for each in read_list(column)}
    found = [known.get(str(each), each) for each in items]
    if isinstance(own, str) and own[:1] == "{" and own != "{}":
        return as_array(found)
    text = json.dumps(found, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which JSON can name and no text can hold
        return json.dumps(found)
    return text


def as_array(items: Iterable[Any]) -> str:
    """Return a list as PostgreSQL reads an array, whatever it is an array of."""
    quoted = (re.sub(r'(["\\\\])', r"\\\1", str(item)) for item in items)
    return "{" + ",".join(f'"{each}"' for each in quoted) + "}"


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
        return _array(column) if column.strip() else []
    if found is None or found == {}:
        return []
    return found if isinstance(found, list) else None


def _array(text: str) -> list[Any] | None:
    """Return the items of an array as PostgreSQL writes it, with None for NULL."""
    if not _ARRAY.fullmatch(text):
        return None
    return [
        None if plain == "NULL" else plain or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        for quoted, plain in _ITEM.findall(text)
    ]


# PostgreSQL quotes what is empty or NULL, and what holds space, a quote or another sign of its own.
_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",{}\\]+)', re.DOTALL)
_ARRAY = re.compile(rf"\{{(?:{_ITEM.pattern})(?:,(?:{_ITEM.pattern}))*\}}", re.DOTALL)
