"""The one JSON object of a reply: found among what models write around it, never guessed at."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from llm_maint.domain.profile import finite, no_constant
from llm_maint.errors import UnreadableReplyError

_THOUGHT_ENDS = re.compile(r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]|◁/think▷")
_THOUGHT_BEGINS = re.compile(r"<(?:think|thinking|thought|reasoning)>|\[THINK\]|◁think▷")
_FINAL_CHANNEL = re.compile(r"<\|channel\|>final[^<]*<\|message\|>")

_JSON_BEGINS = re.compile(r'\{(?=\s*["}])|\[(?=\s*\{)')
"""Where an object, or a list of them, begins; a brace in a sentence is followed by a word."""

_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


def one_object(text: str) -> dict[str, Any]:
    """Return the one JSON object of a reply.

    What may stand around it: a byte-order mark, a block of thinking (also without its opening tag),
    a code fence, tokens of a chat template, sentences. Commas before a closing bracket are
    forgiven. Nothing else is: a second object, a part of one, a key that occurs twice, NaN, half a
    character or a NUL make the reply unreadable.

    Raises:
        UnreadableReplyError: there is no such object, or more than one.

    """
    text = text.removeprefix("\ufeff").strip()
    try:
        found = _whole(text) or list(_candidates(_thought_out(text)))
    except (ValueError, RecursionError) as error:
        raise UnreadableReplyError(f"the reply is not JSON: {first_of(text)}") from error
    if not found:
        raise UnreadableReplyError(f"the reply is not JSON: {first_of(text)}")
    if len(found) > 1:
        raise UnreadableReplyError(f"the reply holds {len(found)} JSON texts: {first_of(text)}")
    if not isinstance(found[0], dict):
        raise UnreadableReplyError(f"the reply is not a JSON object: {first_of(text)}")
    if not all(map(_is_storable, _texts(found[0]))):
        raise UnreadableReplyError("the reply holds half a character or a NUL")
    return found[0]


def first_of(text: str) -> str:
    """Return the beginning of a text, quoted, for a message of one line."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


_SHOWN = 80


def _whole(text: str) -> list[Any]:
    """Return the one value that the whole text is; nothing where it is not JSON as a whole.

    Tried first: within a string of a sound reply, tags and braces mean nothing.
    """
    try:
        return [_DECODER.decode(text)]
    except json.JSONDecodeError:
        return []


def _thought_out(text: str) -> str:
    """Return what comes after the thinking."""
    for end in (_THOUGHT_ENDS, _FINAL_CHANNEL):
        *_, last = 0, *(found.end() for found in end.finditer(text))
        text = text[last:]
    if _THOUGHT_BEGINS.search(text):
        raise ValueError("the thinking does not end")
    return text


def _candidates(text: str) -> Iterator[Any]:
    """Yield every JSON object or list of objects, one after the other.

    Raises:
        ValueError: something begins like JSON and is none.

    """
    while begins := _JSON_BEGINS.search(text):
        value, text = _decoded(text[begins.start() :])
        yield value


def _decoded(text: str) -> tuple[Any, str]:
    """Return the value that a text begins with, and the rest of the text."""
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        # From the first bracket on, so that strings are told from what is between them.
        text = _TRAILING_COMMA.sub(lambda found: found[1] or "", text)
        value, end = _DECODER.raw_decode(text)
    return value, text[end:]


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_constant=no_constant, parse_float=finite
)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 any JSON value
    """Yield every string of a JSON value, keys included."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
