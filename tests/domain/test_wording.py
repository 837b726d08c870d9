"""Words of a fact: what is the same wording, and what one text says of another."""

from typing import Any

import pytest

from llm_maint.domain.wording import covers, folded, said, snake_case


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
    assert said("born_in", "Oslo 1990") == "born in Oslo 1990"


@pytest.mark.parametrize(
    ("survivor", "retired"),
    [
        pytest.param("likes blue", "likes blue", id="the same"),
        pytest.param("Likes blue.", "likes BLUE!", id="case and punctuation"),
        pytest.param("likes dark blue", "likes blue", id="the survivor says more"),
        pytest.param("lives in Oslo", "The user mentioned that lives in Oslo", id="reporting"),
        pytest.param("does not eat pork", "DOES NOT eat pork", id="the same denial"),
        pytest.param("born 1990-05-01 in Oslo", "born 1990-05-01", id="the same date"),
        pytest.param("writes C++ and C", "writes C", id="symbols of the survivor alone"),
        pytest.param("anything", "", id="nothing was said"),
    ],
)
def test_a_text_that_says_all_covers_the_other(survivor: str, retired: str) -> None:
    """A text covers another whose numbers, symbols, words and denials it holds."""
    assert covers(survivor, retired)


UNCOVERED = [
    pytest.param("eats pork", "does not eat pork", id="a denial"),
    pytest.param("does not eat pork", "does eat pork", id="a denial too many"),
    pytest.param("never eats pork nor beef", "never eats pork beef", id="a second denial"),
    pytest.param("can eat pork", "can't eat pork", id="a short denial"),
    pytest.param("can eat pork", "cannot eat pork", id="cannot"),
    pytest.param("coffee with sugar", "coffee without sugar", id="without"),
    pytest.param("born in 1990", "born in 1991", id="another year"),
    pytest.param("weighs 72", "weighs 7.2", id="a decimal point"),
    pytest.param("has 2 cats", "has 12 cats", id="part of a number"),
    pytest.param("moved 2026-01-03", "moved 2026-03-01", id="day and month"),
    pytest.param("outside 5 degrees", "outside -5 degrees", id="a minus before a number"),
    pytest.param("outside -5 degrees", "outside 5 degrees", id="a minus too many"),
    pytest.param("meets at 10:30", "meets at 1:030", id="a time"),
    pytest.param("writes C", "writes C++", id="plus plus"),
    pytest.param("writes C", "writes C#", id="sharp"),
    pytest.param("earns 50", "earns 50%", id="per cent"),
    pytest.param("earns 50 \u20ac", "earns 50 $", id="currency"),
    pytest.param("mood \U0001f600", "mood \U0001f622", id="emoji"),
    pytest.param("friend of Anna", "friend of Anna and Bob", id="a name"),
    pytest.param("works as a translator", "works as a welder", id="another word"),
    pytest.param("vegetarian", "does not eat meat", id="no word in common"),
    pytest.param("", "likes blue", id="the survivor says nothing"),
    pytest.param("likes true", "likes false", id="booleans"),
    pytest.param("eats beef not pork", "eats pork not beef", id="another denial"),
    pytest.param("the board is 6' long", 'the board is 6" long', id="feet and inches"),
]


@pytest.mark.parametrize(("survivor", "retired"), UNCOVERED)
def test_a_text_that_leaves_something_out_does_not_cover(survivor: str, retired: str) -> None:
    """A number, symbol, word or denial that the survivor lacks would be lost."""
    assert not covers(survivor, retired)


@pytest.mark.parametrize(
    ("survivor", "retired"),
    [
        pytest.param("blood type A+", "blood type A-", id="blood types"),
        pytest.param("blood type O", "blood type O-", id="a blood type and a group"),
        pytest.param("school grade A", "school grade A-", id="grades"),
    ],
)
def test_a_minus_after_a_word_is_a_symbol(survivor: str, retired: str) -> None:
    """A minus is as much of a fact as a plus is, wherever it stands."""
    assert not covers(survivor, retired)
