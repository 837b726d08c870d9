"""The one JSON object of a reply: found among what models write around it, never guessed at."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from llm_maint.domain.json_values import finite, no_constant
from llm_maint.errors import UnreadableReplyError

_THOUGHT = r"(?:seed:)?(?:think|thinking|thought|reasoning)"
_FINAL = r"<\|channel\|>final[^\n{]{0,80}?<\|message\|>"
_ENDS = rf"</{_THOUGHT}>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|{_FINAL}"
_THOUGHT_ENDS = re.compile(_ENDS)
_CHANNEL_ENDS = re.compile(rf"<\|end\|>|{_FINAL}")
_CHANNEL = "<|channel|>"

_TOKEN = re.compile(
    rf"(?P<thought_ends>{_ENDS})"
    rf"|(?P<thought_begins><{_THOUGHT}>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|channel\|>)"
    r'|(?P<object>\{(?=\s*["}]))'
    r"|(?P<opens>[{\[])|(?P<closes>[}\]])"
)
"""What matters in a reply; a brace in a sentence is followed by a word, that of an object by a
quote."""

_BEGINS_AS_JSON = re.compile(r"\s*(?:[`~]{3,}\w*\s*)?[{\[]")

_TRAILING_COMMA = re.compile(
    r'("(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\]}\w])(?:(\s*),(?=\s*[}\]]))?', re.DOTALL
)
"""A text or the end of a value, and with it the comma that nothing follows."""


LONGEST = 2_000_000
"""Characters of a reply that are read: it is far more than any has, and reading takes time."""


def one_object(text: str) -> dict[str, Any]:
    """Return the one JSON object of a reply.

    What may stand around it: a byte-order mark, a block of thinking (also without its opening tag),
    a code fence, tokens of a chat template, sentences. Commas before a closing bracket are
    forgiven. Nothing else is: a second object, a part of one, a key that occurs twice, NaN, half a
    character or a NUL make the reply unreadable.

    Raises:
        UnreadableReplyError: there is no such object, or more than one.

    """
    if len(text) > LONGEST:
        raise UnreadableReplyError(f"the reply has {len(text):,} characters")
    text = text.strip().removeprefix("\ufeff").strip()
    try:
        found = _whole(text) or _candidates(text)
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


def _candidates(text: str) -> list[Any]:
    """Return every JSON object of a text, outside of thinking.

    Raises:
        ValueError: an object is broken or cut, or is part of something that is.

    """
    found: list[Any] = []
    depth, position, part = 0, 0, False
    begins_as_json = _BEGINS_AS_JSON.match(text) is not None
    while token := _TOKEN.search(text, position):
        position = token.end()
        match token.lastgroup:
            case "object":
                part = part or depth > 0
                value, text, position = _decoded(text, token.start())
                found.append(value)
                continue
            case "opens":
                depth += 1
                continue
            case "closes":
                depth -= 1
                part = part or depth < 0
                continue
            case "thought_begins":
                position = _end_of_thought(text, token)
            case _ if begins_as_json:  # then the tag is in a text of a reply that is cut
                raise ValueError("a tag of thinking within JSON")
        found, depth, part = [], 0, False  # all before it was thinking
    if part or depth:
        raise ValueError("a part of something larger")
    return found


def _end_of_thought(text: str, token: re.Match[str]) -> int:
    ends = _CHANNEL_ENDS if token[0] == _CHANNEL else _THOUGHT_ENDS
    end = ends.search(text, token.end())
    if end is None:
        raise ValueError("the thinking does not end")
    return end.end()


def _decoded(text: str, start: int) -> tuple[Any, str, int]:
    """Return the object that begins there, the text, mended where it had to be, and its end."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError:
        # From the first bracket on, so that strings are told from what is between them.
        rest = _TRAILING_COMMA.sub(lambda found: found[1] + (found[2] or ""), text[start:])
        value, end = _DECODER.raw_decode(rest)
        return value, rest, end
    return value, text, end


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
