"""Rows of a file: a JSON array or JSON Lines, item by item, each known by its line."""

import json
import re
from collections.abc import Iterator
from typing import Any

from llm_maint.domain.json_values import no_constant
from llm_maint.errors import InvalidInputError


def items(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """Yield what a JSON array or JSON Lines hold, each with the line on which it begins.

    Raises:
        InvalidInputError: it is not JSON; the message names the line.

    """
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] == "[":
        yield from _array(text, start + 1, name)
        return
    # Not splitlines: JSON may hold the other line breaks of Unicode within a text.
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            try:
                yield line, json.loads(content, parse_constant=no_constant)
            except (ValueError, RecursionError) as error:
                raise InvalidInputError(
                    f"{name}, line {line}: not JSON; nothing was imported"
                ) from error


def _array(text: str, position: int, name: str) -> Iterator[tuple[int, Any]]:
    """Yield the items of a JSON array one by one, so that each is known by its line."""
    decoder = json.JSONDecoder(parse_constant=no_constant)
    line = text.count("\n", 0, position) + 1
    expects_item, may_end = True, True
    while True:
        start, position = position, _after_space(text, position)
        line += text.count("\n", start, position)
        char = text[position : position + 1]
        if char == "]" and may_end and _after_space(text, position + 1) == len(text):
            return
        if not expects_item and char == ",":
            expects_item, may_end, position = True, False, position + 1
            continue
        try:
            item, end = decoder.raw_decode(text, position if expects_item else len(text))
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(
                f"{name}, line {line}: not JSON; nothing was imported"
            ) from error
        expects_item, may_end = False, True
        yield line, item
        line += text.count("\n", position, end)
        position = end


_SPACE = re.compile(r"\s*")


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def check_storable(text: str, name: str) -> None:
    """Refuse a text that no database can hold."""
    if "\x00" in text:
        raise InvalidInputError(f"{name} holds the character NUL, which no database text can")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} holds half a character (a lone surrogate)") from error
