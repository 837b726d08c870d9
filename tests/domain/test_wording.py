"""Words of a fact: what is the same wording, and what of it carries the fact."""

from typing import Any

import pytest

from llm_maint.domain.wording import Saying, folded, snake_case


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Blue", "blue", id="case"),
        pytest.param("  dark\t blue\n", "dark blue", id="white-space"),
        pytest.param("\uff22lue", "Blue", id="full-width letters"),
        pytest.param("Stra\u00dfe", "STRASSE", id="sharp s"),
        pytest.param("cafe\u0301", "caf\u00e9", id="composed and decomposed"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="order of an object's keys"),
    ],
)
def test_values_that_differ_in_form_alone_fold_together(one: object, other: object) -> None:
    """Case, white space, Unicode form and the order of keys make no other value."""
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("C", "C++", id="symbols"),
        pytest.param("5", 5, id="a text and a number"),
        pytest.param("true", True, id="a text and a boolean"),
        pytest.param("null", None, id="a text and null"),
        pytest.param("", None, id="empty and null"),
        pytest.param(1, True, id="a number and a boolean"),
        pytest.param(0, False, id="zero and false"),
        pytest.param(["a", "b"], ["b", "a"], id="order of a list"),
        pytest.param(["a"], "a", id="a list of one and its item"),
        pytest.param('["a"]', ["a"], id="a list and its text"),
        pytest.param("blood A+", "blood A-", id="plus and minus"),
        pytest.param("resume", "r\u00e9sum\u00e9", id="accents"),
    ],
)
def test_values_that_may_mean_different_things_stay_apart(one: object, other: object) -> None:
    """A value of another type, with other symbols or in another order is another value."""
    assert folded(one) != folded(other)


@pytest.mark.parametrize("value", ["\ud800", "a\x00b", 10**400, -0.0, ["\udfff", {"\x00": None}]])
def test_every_value_folds(value: Any) -> None:  # noqa: ANN401 any JSON value
    """No value is too odd to be compared."""
    assert folded(value) == folded(value)
    assert folded(value) != folded("something else")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("favorite_color", "favorite_color", id="is one already"),
        pytest.param("Favorite Color", "favorite_color", id="words"),
        pytest.param("favorite-color!", "favorite_color", id="punctuation"),
        pytest.param("__favorite___color__", "favorite_color", id="too many underscores"),
        pytest.param("\uff26avorite\u00a0color", "favorite_color", id="compatibility forms"),
        pytest.param("Lieblingsgr\u00f6\u00dfe", "lieblingsgr\u00f6sse", id="other letters"),
        pytest.param(
            "\u597d\u304d\u306a \u8272", "\u597d\u304d\u306a_\u8272", id="no Latin at all"
        ),
        pytest.param("born 1990", "born_1990", id="digits"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_key_becomes_snake_case(key: str, expected: str) -> None:
    """Keys are lower-cased words joined by single underscores."""
    assert snake_case(key) == expected


def test_vowel_signs_belong_to_a_key() -> None:
    """Keys of every script keep their difference: "day" is not "donation" in Hindi either."""
    assert snake_case("\u0926\u093f\u0928") != snake_case("\u0926\u093e\u0928")


def test_a_key_is_a_part_of_what_is_said() -> None:
    """Key and value are one text, the key's underscores being spaces."""
    assert Saying("born_in", "Oslo 1990").whole == "born in Oslo 1990"


def test_what_a_key_repeats_is_denied_once() -> None:
    """A key often repeats its text: that is no second denial."""
    assert Saying("not_drink_coffee", "does not drink coffee").denied == {"drink": 1}
    assert Saying("drinks", "does not drink, not even tea").denied == {"drink": 1, "even": 1}
