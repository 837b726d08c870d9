"""Import and export of memories: JSON array or JSON Lines; a bad row names its line."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from typing import Any

from llm_maint.domain.json_rows import check_storable, items
from llm_maint.domain.moments import parse_time
from llm_maint.errors import DataError, InvalidInputError, MaintError

MAX_ID_CHARS = 36
"""What the column of ids holds in the tables of assistants."""

MAX_BOT_CHARS = 100
"""What the column of bots holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """A memory to insert; `line` is where it stands in the file.

    `columns` are those that the row names, as values of Python: texts, numbers, lists, moments,
    and vectors as packed float32.
    """

    line: int
    bot_id: str
    id: str | None
    columns: Mapping[str, Any]


def read_memories(text: str, *, name: str, bot_id: str | None) -> list[NewMemory]:
    """Return the memories of a file.

    Args:
        text: a JSON array of objects, or JSON Lines.
        name: the file's name, for messages.
        bot_id: whose memories they are, where a row does not say.

    Raises:
        InvalidInputError: the first bad row, by its line.

    """
    found: list[NewMemory] = []
    ids: set[tuple[str, str]] = set()
    for line, item in items(text, name):
        try:
            memory = _memory(item, line, bot_id)
            if memory.id is not None and (memory.bot_id, memory.id) in ids:
                raise InvalidInputError(f"the id {memory.id!r} is there twice")
        except MaintError as error:
            raise InvalidInputError(
                f"{name}, line {line}: {error}; nothing was imported"
            ) from error
        if memory.id is not None:
            ids.add((memory.bot_id, memory.id))
        found.append(memory)
    return found


def _memory(item: object, line: int, bot_id: str | None) -> NewMemory:
    if not isinstance(item, dict):
        raise InvalidInputError("a memory is a JSON object")
    if unknown := item.keys() - _READERS.keys() - {"bot_id", "id"}:
        raise InvalidInputError(f"unknown field {min(unknown)!r}")
    bot = _text(item.get("bot_id"), "bot_id") or bot_id
    if bot is None or not bot.strip():
        raise InvalidInputError("bot_id is missing; --bot supplies it")
    if len(bot) > MAX_BOT_CHARS:
        raise InvalidInputError(f"bot_id is longer than {MAX_BOT_CHARS} characters")
    row_id = _text(item.get("id"), "id")
    if row_id is not None and not 0 < len(row_id) <= MAX_ID_CHARS:
        raise InvalidInputError(f"id is empty or longer than {MAX_ID_CHARS} characters")
    content = _text(item.get("content"), "content")
    if content is None or not content.strip():
        raise InvalidInputError("content is missing")
    given = {name: read(item.get(name), name) for name, read in _READERS.items()}
    columns = {name: value for name, value in given.items() if value is not None}
    return NewMemory(line=line, bot_id=bot, id=row_id, columns=columns)


def _text(value: object, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} is not a text")
    check_storable(value, name)
    return value


def _texts(value: object, name: str) -> list[str] | None:
    found = _list(value, name)
    for item in found or ():
        if not isinstance(item, str):
            raise InvalidInputError(f"{name} holds what is not a text")
        check_storable(item, name)
    return found


def _names(value: object, name: str) -> list[Any] | None:
    found = _list(value, name)
    for item in found or ():
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise InvalidInputError(f"{name} holds what is neither a text nor a whole number")
        check_storable(str(item), name)
    return found


def _list(value: object, name: str) -> list[Any] | None:
    if value is not None and not isinstance(value, list):
        raise InvalidInputError(f"{name} is not a list")
    return value


def _number(value: object, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(f"{name} is not a number")
    if not -_FLOAT32 <= value <= _FLOAT32:  # not a number is neither above nor below
        raise InvalidInputError(f"{name} is out of range")
    return float(value)


_FLOAT32 = 3.4e38
"""What a column of short floats holds at most."""


def _share(value: object, name: str) -> float | None:
    number = _number(value, name)
    if number is not None and not 0 <= number <= 1:
        raise InvalidInputError(f"{name} is {str(value)[:20]}, not between 0 and 1")
    return number


def _count(value: object, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _TOO_MANY:
        raise InvalidInputError(f"{name} is not a count")
    return value


_TOO_MANY = 2**31


def _moment(value: object, name: str) -> datetime | None:
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(f"{name}: {value!r} is not a time")
    try:
        return parse_time(value, where=name)
    except DataError as error:
        raise InvalidInputError(str(error)) from error


def _vector(value: object, name: str) -> "array[float] | None":
    found = _list(value, name)
    if found is None:
        return None
    if not found or not {int, float} >= set(map(type, found)):
        raise InvalidInputError(f"{name} is not a list of numbers")
    try:
        packed = array("f", found)
    except OverflowError:
        packed = array("f", [inf])
    if not isfinite(sum(packed)):
        raise InvalidInputError(f"{name} holds a number out of range")
    return packed


_READERS: Mapping[str, Callable[[object, str], Any]] = {
    "content": _text,
    "tags": _texts,
    "importance": _share,
    "source_message_ids": _names,
    "access_count": _count,
    "last_accessed": _moment,
    "intent": _text,
    "stakes": _text,
    "emotional_charge": _number,
    "recurrence_keywords": _texts,
    "meaning_updated_at": _moment,
    "created_at": _moment,
    "updated_at": _moment,
    "embedding": _vector,
    "meaning_embedding": _vector,
}
"""The fields of a row beside its id and bot, each with what reads it."""

FIELDS = ("id", "bot_id", *_READERS)
