"""The one JSON object of a reply, for any object and any text: exact or refused, never altered."""

import json
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.extract import one_object
from llm_maint.errors import UnreadableReplyError

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=200, database=None)

HOSTILE = (
    *'{}[]",:\\ \n',
    "a",
    "\u00e9",
    "\U0001f600",
    "<think>",
    "</think>",
    "[/THINK]",
    "<|channel|>final<|message|>",
    "```",
    "```json",
    "{}",
    "[{}]",
    ",}",
    ",]",
    '{"a": 1}',
    "\\u0000",
)
"""Pieces of texts that mean something around JSON, and nothing within one of its strings."""

texts = st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join)
scalars = (
    texts
    | st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
objects = st.dictionaries(texts, values, max_size=3)

tagless = objects.map(json.dumps).filter(
    lambda text: not any(tag in text for tag in ("</think>", "[/THINK]", "<|message|>"))
)

styles = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 0, 2, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" , ", " : "), (",\n", ": ")]),
        "sort_keys": st.booleans(),
    }
)

DECORATIONS = (
    "%s",
    "\ufeff%s",
    "\n\t%s\r\n",
    "```json\n%s\n```",
    "~~~\n%s\n~~~",
    "<think>Let me see.</think>%s",
    'Let me see: {"a draft": [{}]}\n</think>\n\n%s',
    "[THINK]%%[/THINK]%s",
    "Here is the JSON: %s",
    "%s\n\nI hope that helps.",
    'As {you} said, "so" [1]: %s That is {all}.',
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>%s",
    "<|im_start|>assistant\n%s<|im_end|>",
    "%s</s>",
    "Sure!\n```json\n%s\n```\nAnything else?",
    "({x: %s})",
)


def _exact(value: object) -> str:
    """Return a text that tells 1 from 1.0 and from true, whatever the order of keys."""
    return json.dumps(value, sort_keys=True)


def _found(text: str) -> dict[str, Any] | None:
    try:
        return one_object(text)
    except UnreadableReplyError:
        return None


@EXAMPLES
@given(objects, styles)
def test_an_object_alone_is_returned_exactly(value: dict[str, Any], style: dict[str, Any]) -> None:
    """However it is written, and whatever its strings look like."""
    assert _exact(one_object(json.dumps(value, **style))) == _exact(value)


@EXAMPLES
@given(objects, styles, st.sampled_from(DECORATIONS))
def test_an_object_in_a_decoration_is_never_altered(
    value: dict[str, Any], style: dict[str, Any], decoration: str
) -> None:
    """It is returned exactly or refused; nothing else in the reply is taken for it."""
    found = _found(decoration % json.dumps(value, **style))
    assert found is None or _exact(found) == _exact(value)


plain_texts = st.text("abc \u00e9\U0001f600,:'", max_size=8)
plain_objects = st.dictionaries(
    plain_texts, st.recursive(plain_texts | st.integers(), st.lists, max_leaves=5), max_size=4
)


@EXAMPLES
@given(plain_objects, styles, st.sampled_from(DECORATIONS[:-1]))
def test_an_ordinary_object_is_found_in_every_decoration(
    value: dict[str, Any], style: dict[str, Any], decoration: str
) -> None:
    """Where its strings hold no brackets and no tags there is no reason to refuse it."""
    assert _exact(one_object(decoration % json.dumps(value, **style))) == _exact(value)


@EXAMPLES
@given(objects, styles, st.data())
def test_commas_at_the_end_change_nothing_else(
    value: dict[str, Any], style: dict[str, Any], data: st.DataObject
) -> None:
    """With commas before closing brackets the object is returned exactly or refused."""
    space = data.draw(st.sampled_from(["", " ", "\n  "]))
    text = _with_commas(json.dumps(value, **style), f",{space}")
    found = _found(text)
    assert found is None or _exact(found) == _exact(value)


def _with_commas(text: str, comma: str) -> str:
    """Return JSON with a comma before each closing bracket that is not that of an empty list."""
    pieces: list[str] = []
    for piece in re.findall(r'"(?:[^"\\]|\\.)*"|\s+|.', text):
        before = next((each for each in reversed(pieces) if each.strip()), "")
        closing = piece in "]}" and before not in "[{"
        pieces.append(comma + piece if closing else piece)
    return "".join(pieces)


@EXAMPLES
@given(objects, styles, st.sampled_from(["", "Here: ", "```json\n", "<think>a</think>"]))
def test_every_beginning_of_an_object_is_refused(
    value: dict[str, Any], style: dict[str, Any], before: str
) -> None:
    """What was cut is not repaired, and no part of it is taken for the whole."""
    text = json.dumps(value, **style)
    for end in range(len(text)):
        assert _found(before + text[:end]) is None, text[:end]


@EXAMPLES
@given(
    tagless,
    st.sampled_from(["", "\n", ", ", " or rather ", "\n```\n```json\n"]),
    tagless,
)
def test_two_objects_are_refused(one: str, between: str, other: str) -> None:
    """Nothing tells which one is meant, not even that they are equal."""
    for text in (one + between + other, one + between + one):
        assert _found(text) is None, text


wild = st.lists(
    st.sampled_from(
        [
            *HOSTILE,
            *('"a"', '"b"', '"a":', '{"a":', '{"b": [', "1", "1e999", "NaN", "null", "//", "'"),
            *('"\\ud800"', "\ud800", "\x00", "\ufeff", "<|channel|>analysis<|message|>", "9" * 20),
        ]
    ),
    max_size=14,
).map("".join)


@EXAMPLES
@given(wild | st.text(max_size=40))
def test_any_text_is_an_object_or_unreadable(text: str) -> None:
    """Nothing else is raised, and what is returned stands in the text as it is."""
    found = _found(text)
    if found is not None:
        assert _exact(found) in map(_exact, _objects_in(text))


@EXAMPLES
@given(wild)
def test_what_is_read_can_be_stored(text: str) -> None:
    """No half of a character, no NUL and no number beyond all gets through."""
    found = _found(text)
    if found is not None:
        stored = json.dumps(found, ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in stored.replace("\\\\", "")
        stored.encode()


def _objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Yield every object that some part of a text is, commas at the ends left out."""
    for start in (found.start() for found in re.finditer("{", text)):
        for end in (found.end() for found in re.finditer("}", text)):
            for part in {text[start:end], _without_commas(text[start:end])}:
                try:
                    value = json.loads(part)
                except ValueError:
                    continue
                if isinstance(value, dict):
                    yield value


def _without_commas(text: str) -> str:
    pieces = re.split(r'("(?:[^"\\]|\\.)*")', text)
    return "".join(
        piece if number % 2 else re.sub(r",(\s*[\]}])", r"\1", piece)
        for number, piece in enumerate(pieces)
    )
