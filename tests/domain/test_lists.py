"""Lists in columns: what is read is what was written, in either form; anything else is told."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.lists import as_array, as_list, is_list, read_list

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=200, database=None)

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
items = st.lists(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))


@EXAMPLES
@given(items)
def test_json_reads_back(found: list[object]) -> None:
    """Texts, half characters too, and numbers, each as what it was."""
    column = json.dumps(found)
    assert is_list(column)
    assert read_list(column) == found
    again = as_list(map(str, found), column)
    assert list(map(str, read_list(again))) == list(map(str, found))


@EXAMPLES
@given(texts)
def test_an_array_reads_back(found: list[str]) -> None:
    """Whatever is in the texts: quotes, commas, braces, nothing, or the word NULL."""
    column = as_array(found)
    assert is_list(column)
    assert read_list(column) == found
    assert read_list(as_list(found, column)) == found
    assert as_list(found, column).startswith("{" if found else "[")


@pytest.mark.parametrize(
    ("column", "read", "whole"),
    [
        *((column, [], True) for column in (None, "", " ", "null", "[]", "{}")),
        *((column, [], False) for column in (7, b"[]".hex(), "a,b", '{"a": 1}', "{a", "{a,}")),
        *((column, [], False) for column in ("{{a}}", "[NaN]", "[1e999]", "[", "{a b}", "7")),
        ('["a", null, ["b"]]', ["a"], False),
        ("{a,NULL}", ["a"], False),
        ('{a,"NULL",null}', ["a", "NULL", "null"], True),
        ("[1, 1.5, true]", [1, 1.5, True], True),
    ],
)
def test_what_is_read_and_whether_it_is_all(
    column: str | int | None, read: list[object], *, whole: bool
) -> None:
    """Only where all was read may another list be written in its place."""
    assert (read_list(column), is_list(column)) == (read, whole)


def test_a_list_is_written_in_the_form_of_its_column() -> None:
    """JSON where that holds nothing; numbers of any column stay numbers."""
    assert as_list(["a", "\u00fc"], None) == '["a", "\u00fc"]'
    assert as_list(["a b"], "{a}") == '{"a b"}'
    assert as_list(["1", "2", "x"], "[1]", '[2, "x"]') == '[1, 2, "x"]'
