"""Import and export: both forms are read, and a bad row names its line."""

import json
from typing import Any

import pytest
from building import MORNING, NICK, attribute

from llm_maint.domain.entity import Entity
from llm_maint.domain.transfer import NewAttribute, export_row, read_rows
from llm_maint.errors import InvalidInputError


def _row(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON value
    return {"category": "preference", "key": "favorite_color", "value": "blue", **changed}


def _read(text: str, entity: Entity | None = NICK) -> list[NewAttribute]:
    return read_rows(text, name="rows.json", entity=entity)


def _refusal(text: str, entity: Entity | None = NICK) -> str:
    with pytest.raises(InvalidInputError) as caught:
        _read(text, entity)
    return str(caught.value)


ONE, TWO = json.dumps(_row(key="one")), json.dumps(_row(key="two"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(f"[{ONE},{TWO}]", [1, 1], id="an array on one line"),
        pytest.param(f"[\n  {ONE},\n\n  {TWO}\n]\n", [2, 4], id="an array on many lines"),
        pytest.param(f"\n\n[\n{ONE}\n,\n{TWO}]", [4, 6], id="an array after empty lines"),
        pytest.param(
            json.dumps([json.loads(ONE), json.loads(TWO)], indent=2), [2, 7], id="an indented array"
        ),
        pytest.param(f"{ONE}\n{TWO}\n", [1, 2], id="JSON Lines"),
        pytest.param(f"\n{ONE}\n\n\n{TWO}", [2, 5], id="JSON Lines with empty ones"),
        pytest.param(f"{ONE}\r\n{TWO}\r\n", [1, 2], id="JSON Lines of Windows"),
        pytest.param(f"[\r\n{ONE},\r\n{TWO}\r\n]", [2, 3], id="an array of Windows"),
        pytest.param(f"\ufeff{ONE}\n{TWO}", [1, 2], id="JSON Lines after a byte order mark"),
        pytest.param(f"\ufeff[{ONE},\n{TWO}]", [1, 2], id="an array after a byte order mark"),
    ],
)
def test_both_forms_are_read_and_each_row_knows_its_line(text: str, lines: list[int]) -> None:
    """A JSON array and JSON Lines hold the same rows, whatever their layout."""
    rows = _read(text)
    assert [(row.line, row.key) for row in rows] == list(zip(lines, ["one", "two"], strict=True))


@pytest.mark.parametrize("text", ["", "\n \n", "[]", " [\n]\n"])
def test_an_empty_file_holds_no_rows(text: str) -> None:
    """Nothing to import is no error."""
    assert _read(text) == []


BAD = json.dumps(_row(key=""))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"{ONE}\n{TWO}\n{BAD}", 3, id="JSON Lines"),
        pytest.param(f"{ONE}\n\n\n{BAD}\n{TWO}", 4, id="JSON Lines with empty ones"),
        pytest.param(f"[\n{ONE},\n{TWO},\n{BAD}]", 4, id="an array"),
        pytest.param(f"[{ONE},\n\n\n{BAD}]", 4, id="an array with empty lines"),
        pytest.param(
            json.dumps([_row(), _row(value=["x", {"y": 1}]), _row(key="")], indent=1),
            17,
            id="an indented array",
        ),
    ],
)
def test_a_bad_row_is_named_by_its_line(text: str, line: int) -> None:
    """The message leads to the row, and nothing is imported, not even the good ones before it."""
    assert _refusal(text) == (f"rows.json, line {line}: key is missing; nothing was imported")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"{ONE}\n{{'key': 1}}", 2, id="a line with other quotes"),
        pytest.param(f"{ONE}\n{ONE[:-1]}", 2, id="a line that is cut off"),
        pytest.param(f"{ONE} {TWO}", 1, id="two rows on a line"),
        pytest.param(f"{ONE},\n{TWO}", 1, id="commas between lines"),
        pytest.param("hello", 1, id="prose"),
        pytest.param(f"[\n{ONE}", 2, id="an array without an end"),
        pytest.param(f"[\n{ONE}\n{TWO}]", 3, id="an array without a comma"),
        pytest.param(f"[\n{ONE},\n,{TWO}]", 3, id="an array with a comma too many"),
        pytest.param(f"[\n{ONE}\n]\n{TWO}", 3, id="something after an array"),
        pytest.param("[", 1, id="an array that only begins"),
        pytest.param(f"[\n{ONE},\n{{'key': 1}}]", 3, id="other quotes in an array"),
        pytest.param('{"value": NaN}', 1, id="NaN"),
        pytest.param('[\n{"value": -Infinity}]', 2, id="infinity in an array"),
        pytest.param('{"value": ' + "9" * 5_000 + "}", 1, id="a number beyond reading"),
    ],
)
def test_what_is_not_json_is_named_by_its_line(text: str, line: int) -> None:
    """A file that is not JSON is refused at the place where it stops being JSON."""
    assert _refusal(text) == f"rows.json, line {line}: not JSON; nothing was imported"


@pytest.mark.parametrize("start", ["", "[\n"], ids=["JSON Lines", "an array"])
def test_what_is_nested_beyond_reading_is_refused(start: str) -> None:
    """A hundred thousand brackets are no JSON that anybody reads, and no crash."""
    assert "line" in _refusal(start + '{"value": ' + "[" * 100_000)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param(7, "a row is a JSON object", id="a number"),
        pytest.param(None, "a row is a JSON object", id="null"),
        pytest.param(["a"], "a row is a JSON object", id="a list"),
        pytest.param({"category": "a", "key": "b"}, "value is missing", id="no value"),
        pytest.param({"category": "a", "value": 1}, "key is missing", id="no key"),
        pytest.param({"key": "a", "value": 1}, "category is missing", id="no category"),
        pytest.param(_row(category=None), "category is missing", id="null as a category"),
        pytest.param(_row(key=" \t"), "key is missing", id="an empty key"),
        pytest.param(_row(key=5), "key is not a text", id="a number as a key"),
        pytest.param(_row(colour="red"), "unknown field 'colour'", id="an unknown field"),
        pytest.param(_row(key="k" * 101), "key is longer than 100 characters", id="a long key"),
        pytest.param(_row(category="c" * 51), "category is longer than 50", id="a long category"),
        pytest.param(_row(source="s" * 51), "source is longer than 50", id="a long source"),
        pytest.param(_row(source_message_id="m" * 101), "longer than 100", id="a long message id"),
        pytest.param(_row(entity_id="e" * 101), "entity_id is longer than 100", id="a long entity"),
        pytest.param(_row(source=["x"]), "source is not a text", id="a list as a source"),
        pytest.param(_row(entity_id=" "), "entity_id is missing", id="an empty entity"),
        pytest.param(
            _row(entity_id="x", entity_type="robot"), "no entity type 'robot'", id="a robot"
        ),
        pytest.param(_row(confidence="0.5"), "confidence is not a number", id="a text"),
        pytest.param(_row(confidence=True), "confidence is not a number", id="a boolean"),
        pytest.param(_row(confidence=1.01), "is 1.01, not between 0 and 1", id="more than one"),
        pytest.param(_row(confidence=-1), "is -1, not between 0 and 1", id="less than zero"),
        pytest.param(_row(created_at="soon"), "created_at: 'soon' is not a time", id="no time"),
        pytest.param(_row(updated_at="infinity"), "updated_at: 'infinity'", id="never"),
        pytest.param(_row(created_at=True), "created_at: ", id="a boolean as a time"),
        pytest.param(_row(key="a\x00b"), "key holds the character NUL", id="NUL in a key"),
        pytest.param(_row(value="a\x00b"), "value holds the character NUL", id="NUL in a value"),
        pytest.param(_row(value={"\x00": 1}), "value holds the character NUL", id="NUL within"),
        pytest.param(_row(source="\ud800"), "source holds half a character", id="half a source"),
        pytest.param(_row(value=["\udfff"]), "value holds half a character", id="half a value"),
    ],
)
def test_a_row_that_no_table_can_hold_is_refused(row: object, problem: str) -> None:
    """What the assistant's columns cannot hold is refused before anything is written."""
    message = _refusal(json.dumps(row) + "\n")
    assert message.startswith("rows.json, line 1: ")
    assert problem in message


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        pytest.param('"value": 1e400', "value", id="a value beyond all numbers"),
        pytest.param('"confidence": 1e400', "confidence", id="a confidence beyond all numbers"),
        pytest.param(f'"confidence": 1{"0" * 400}', "confidence", id="a confidence of 400 zeros"),
        pytest.param('"created_at": "9999-12-31T23:59:59-01:00"', "created_at", id="year 10000"),
        pytest.param('"created_at": 1710101012345', "created_at", id="milliseconds as a time"),
    ],
)
def test_numbers_out_of_range_are_refused(field: str, problem: str) -> None:
    """A number that is infinite, or no time, is named by its field and line, not a crash."""
    text = f'{{"category": "a", "key": "b", "value": 1, {field}}}'
    message = _refusal(text)
    assert message.startswith("rows.json, line 1: ")
    assert problem in message


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\u2028b", id="line separator"),
        pytest.param("a\u2029b", id="paragraph separator"),
        pytest.param("a\x85b", id="next line"),
        pytest.param("the escape \\u0000 stands for NUL", id="an escape as text"),
        pytest.param(" \n\t", id="white space"),
        pytest.param(10**300, id="a large number"),
        pytest.param({"a": [1, None, {"b": ""}]}, id="an object"),
        pytest.param("\U0001f600", id="emoji"),
    ],
)
@pytest.mark.parametrize("form", ["{}", "[{}]"], ids=["JSON Lines", "an array"])
def test_values_are_read_as_they_are(value: object, form: str) -> None:
    """Every value that a table can hold is imported to the letter."""
    text = form.replace("{}", json.dumps(_row(value=value), ensure_ascii=False))
    assert [row.value for row in _read(text)] == [value]


def test_a_row_is_read_with_all_it_says() -> None:
    """Columns are taken over, times in UTC; a row's own entity goes before the one supplied."""
    row = _row(
        id=99,
        entity_id=" Helper ",
        entity_type="BOT",
        confidence=1,
        source="explicit",
        source_message_id="m1",
        created_at="2026-01-03T12:00:00+02:00",
        updated_at=None,
    )
    assert _read(json.dumps(row)) == [
        NewAttribute(
            line=1,
            entity=Entity("bot", "helper"),
            category="preference",
            key="favorite_color",
            value="blue",
            confidence=1.0,
            source="explicit",
            source_message_id="m1",
            created_at=MORNING,
            updated_at=None,
        )
    ]


def test_a_row_that_does_not_say_whose_it_is_needs_an_entity() -> None:
    """The entity supplied stands in; without one the message tells how to supply it."""
    assert [row.entity for row in _read(ONE)] == [NICK]
    assert "entity_id is missing; --entity supplies it" in _refusal(ONE, None)


def test_what_is_exported_can_be_imported() -> None:
    """An export reads back as the same rows, in both forms."""
    rows = [attribute(1, confidence=None), attribute("u2", value={"a": None}, updated_at=None)]
    exported = [export_row(row, Entity("bot", "helper")) for row in rows]
    array = _read(json.dumps(exported, indent=2), None)
    lines = _read("\n".join(json.dumps(each) for each in exported), None)
    for read in (array, lines):
        assert [new.entity for new in read] == [Entity("bot", "helper")] * 2
        for new, row in zip(read, rows, strict=True):
            names = ("category", "key", "value", "confidence", "source", "created_at", "updated_at")
            assert [getattr(new, name) for name in names] == [getattr(row, name) for name in names]


@pytest.mark.parametrize("text", [f"[{ONE},]", f"[{ONE},,{TWO}]", f"[,{ONE}]"])
def test_a_comma_stands_between_two_rows(text: str) -> None:
    """JSON with a comma too many is no JSON."""
    assert "not JSON" in _refusal(text)


def test_a_row_of_another_type_is_not_given_to_the_entity_supplied() -> None:
    """A row that says it is a bot's is not taken for a user's."""
    assert "a user" in _refusal(json.dumps(_row(entity_type="bot")))


def test_a_value_nested_beyond_sense_is_refused() -> None:
    """What nobody could print or compare later does not get in."""
    assert "nested" in _refusal(
        '{"category": "a", "key": "b", "value": ' + "[" * 150 + "]" * 150 + "}"
    )
