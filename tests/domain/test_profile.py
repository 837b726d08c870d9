"""Profiles as values: names, protection, united rows, fingerprints, and what databases hold."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from building import MORNING, attribute, day

from llm_maint.domain.entity import Entity
from llm_maint.domain.json_values import parse_value
from llm_maint.domain.judged import fingerprint
from llm_maint.domain.moments import parse_time
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.errors import DataError, UnknownNameError


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("  Nick ", "user", Entity("user", "nick"), id="stripped and lower-cased"),
        pytest.param("Helper", " BOT ", Entity("bot", "helper"), id="a bot in capitals"),
    ],
)
def test_an_entity_is_found_as_people_write_it(name: str, kind: str, expected: Entity) -> None:
    """Entity names are lower-cased and stripped, as the assistant writes them."""
    assert Entity.named(name, kind) == expected


def test_an_unknown_entity_type_names_the_known_ones() -> None:
    """An entity is a user or a bot, and the error says so."""
    with pytest.raises(UnknownNameError, match="no entity type 'robot'; known: user, bot"):
        Entity.named("nick", "robot")


def test_a_user_is_shown_by_name_alone() -> None:
    """Users are the usual case; a bot says that it is one."""
    assert [str(Entity("user", "nick")), str(Entity("bot", "nick"))] == ["nick", "bot nick"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("blue", "blue"),
        (5, "5"),
        (True, "true"),
        (None, "null"),
        ({"b": 1, "a": "\u00e4"}, '{"a": "\u00e4", "b": 1}'),
    ],
)
def test_a_value_has_a_text(value: object, text: str) -> None:
    """A string stands for itself, anything else for its JSON."""
    assert attribute(value=value).text == text


@pytest.mark.parametrize(
    ("row", "protected"),
    [
        pytest.param(attribute(source="explicit"), True, id="explicit"),
        pytest.param(attribute(source="inferred"), False, id="inferred"),
        pytest.param(attribute(source=None), False, id="no source"),
        pytest.param(attribute(source="Explicit"), False, id="sources are exact"),
        pytest.param(attribute(confidence=1.0), True, id="certain"),
        pytest.param(attribute(confidence=1), True, id="certain as an integer"),
        pytest.param(attribute(confidence=1.7), True, id="more than certain"),
        pytest.param(attribute(confidence=0.999), False, id="nearly certain"),
        pytest.param(attribute(confidence=None), False, id="no confidence"),
        pytest.param(attribute(key="allergies"), True, id="a pinned key"),
        pytest.param(attribute(key="allergies_of_cat"), False, id="only like a pinned key"),
    ],
)
def test_what_is_protected(row: Attribute, protected: bool) -> None:  # noqa: FBT001 a case's result
    """A row is protected by its source, by certainty, or by a pinned key."""
    assert Policy(pinned_keys=frozenset({"allergies"})).protects(row) is protected


def test_protected_sources_are_a_setting() -> None:
    """Which sources are protected is the owner's to say."""
    policy = Policy(protected_sources=frozenset({"system"}))
    assert policy.protects(attribute(source="system"))
    assert not policy.protects(attribute(source="explicit"))


def test_a_winner_takes_the_widest_times_and_the_highest_confidence() -> None:
    """United rows were created at the earliest, updated at the latest, as sure as the surest."""
    winner = attribute(1, created_at=day(3), updated_at=day(4), confidence=0.5)
    early = attribute(2, created_at=day(-9), updated_at=day(-8), confidence=0.7)
    late = attribute(3, created_at=day(5), updated_at=day(9), confidence=None)
    one = winner.united([early, late])
    assert (one.created_at, one.updated_at, one.confidence) == (day(-9), day(9), 0.7)
    assert (one.id, one.key, one.value) == (1, winner.key, winner.value)


def test_united_columns_come_to_the_byte_from_the_row_they_were_read_of() -> None:
    """The database's own writing of a time survives; other columns are the winner's."""
    winner = attribute(1, image={"color": "red"})
    other = attribute(
        2, created_at=day(-1), image={"color": "green", "value": '"other"'}, confidence=0.9
    )
    other_image = {**other.image, "created_at": "2026-01-02T11:00:00.000+01"}
    sources = [Attribute(**{**_fields(other), "image": other_image})]
    image = winner.united(sources).image
    assert image == {
        **winner.image,
        "created_at": "2026-01-02T11:00:00.000+01",
        "confidence": 0.9,
    }


def test_a_united_row_without_times_has_none() -> None:
    """Where no row knows a time or a confidence, none is invented."""
    rows = [
        attribute(number, created_at=None, updated_at=None, confidence=None) for number in (1, 2)
    ]
    one = rows[0].united(rows[1:])
    assert (one.created_at, one.updated_at, one.confidence) == (None, None, None)


def test_a_united_row_names_no_column_that_the_table_lacks() -> None:
    """A table without a confidence column gets none."""
    bare = [Attribute(**{**_fields(attribute(n)), "image": {"id": n}}) for n in (1, 2)]
    assert bare[0].united(bare[1:]).image == {"id": 1}


def test_the_same_rows_have_the_same_fingerprint_in_any_order() -> None:
    """Reading rows in another order is no change."""
    rows = [attribute(1), attribute(2, value="red")]
    assert fingerprint(rows, judge="m") == fingerprint(reversed(rows), judge="m")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(attribute(7), id="another id"),
        pytest.param(attribute(1, value="red"), id="another value"),
        pytest.param(attribute(1, key="colour"), id="another key"),
        pytest.param(attribute(1, category="fact"), id="another category"),
        pytest.param(attribute(1, source="explicit"), id="another source"),
        pytest.param(attribute(1, confidence=0.81), id="another confidence"),
        pytest.param(attribute(1, updated_at=day(1)), id="another update"),
    ],
)
def test_a_change_of_a_row_changes_the_fingerprint(changed: Attribute) -> None:
    """Whatever a judge sees of a row is a reason to judge again."""
    assert fingerprint([attribute(1)], judge="m") != fingerprint([changed], judge="m")


def test_another_judge_has_another_fingerprint() -> None:
    """Another model or prompt may see more in the same rows."""
    assert fingerprint([attribute()], judge="a") != fingerprint([attribute()], judge="b")


def test_a_row_more_changes_the_fingerprint() -> None:
    """A copy of a row is a change: it may have to be folded."""
    one, copy = attribute(1), attribute(2)
    assert fingerprint([one], judge="m") != fingerprint([one, copy], judge="m")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"blue"', "blue"),
        ("5", 5),
        ("null", None),
        ('{"a": [1, true]}', {"a": [1, True]}),
        pytest.param("blue", "blue", id="bare text"),
        pytest.param("NaN", "NaN", id="NaN is not JSON"),
        pytest.param("-Infinity", "-Infinity", id="nor is infinity"),
        pytest.param("", "", id="empty"),
        pytest.param("[" * 100_000, "[" * 100_000, id="nested beyond reading"),
        pytest.param("9" * 5_000, "9" * 5_000, id="a number beyond reading"),
        pytest.param(r'"\ud800"', "\ud800", id="half a character"),
    ],
)
def test_what_a_value_column_holds_is_read_or_stands_for_itself(text: str, value: Any) -> None:  # noqa: ANN401 any JSON value
    """Whatever stands in the column, a value comes of it."""
    found = parse_value(text)
    assert (type(found), found) == (type(value), value)


def test_a_number_out_of_range_stays_json() -> None:
    """A value that was read can be written as JSON again: 1e400 must not become infinity."""
    json.dumps(parse_value("1e400"), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("2026-01-03T10:00:00Z", MORNING, id="UTC"),
        pytest.param("2026-01-03 10:00:00", MORNING, id="no zone is UTC"),
        pytest.param("2026-01-03T12:00:00+02:00", MORNING, id="another zone"),
        pytest.param(MORNING.replace(tzinfo=None), MORNING, id="a naive time"),
        pytest.param(
            MORNING.astimezone(timezone(timedelta(hours=-5))), MORNING, id="an aware time"
        ),
        pytest.param("0001-01-01T00:00:00", datetime.min.replace(tzinfo=UTC), id="the first"),
    ],
)
def test_times_are_aware_and_in_utc(text: object, moment: datetime | None) -> None:
    """A time without a zone is UTC; every other is turned into it."""
    found = parse_time(text, where="created_at")
    assert found == moment
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["infinity", "-infinity", "yesterday", "", "2026-02-30", "12345-01-01"]
)
def test_what_is_no_time_says_where_it_stands(text: str) -> None:
    """The error names the column and the text."""
    with pytest.raises(DataError, match=f"created_at: '{text}' is not a time"):
        parse_time(text, where="created_at")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_beyond_the_calendar_is_no_time(text: str) -> None:
    """A time that has no UTC form is refused, not a crash."""
    with pytest.raises(DataError, match="is not a time"):
        parse_time(text, where="created_at")


def _fields(row: Attribute) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Attribute.__slots__}
