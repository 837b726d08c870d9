"""Coverage: whether one text says all that another says."""

import pytest

from llm_maint.domain import coverage
from llm_maint.domain.wording import Saying


def covers(survivor: str, retired: str, *, is_new: bool = False) -> bool:
    """Return whether one value covers another, both of one key."""
    return coverage.covers(Saying("", survivor), Saying("", retired), is_new=is_new)


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
