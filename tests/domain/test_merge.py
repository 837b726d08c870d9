"""Merging: which text stays, and which rows it lets go."""

from typing import Any

import pytest
from building import attribute, day

from llm_maint.domain.judge import Judgement, judge
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import Proposal


def _judged(rows: list[Attribute], *, worn: tuple[int, ...] = (), **wanted: Any) -> Judgement:  # noqa: ANN401 any part of a proposal
    proposal = Proposal("merge", "alike", tuple(row.id for row in rows), **wanted)
    return judge(rows, [proposal], Policy(), worn=worn)


def _row(number: int, value: Any, key: str = "diet", **columns: Any) -> Attribute:  # noqa: ANN401 any column
    return attribute(number, key, value, updated_at=day(number), **columns)


UNLIKE = [_row(1, "vegetarian"), _row(2, "does not eat meat", confidence=0.95)]

BOTH = "Vegetarian; does not eat meat"


def test_a_new_text_that_holds_both_lets_the_other_go() -> None:
    """It is written into the newest row, as the work of maintenance, never quite sure."""
    (op,) = _judged(UNLIKE, value=BOTH).operations
    assert isinstance(op.after, Attribute)
    assert (op.row_ids, op.after.value) == ((2, 1), BOTH)
    assert (op.after.source, op.after.confidence) == ("maintenance", 0.9)
    assert op.after.image["value"] == f'"{BOTH}"'
    assert (op.after.image["source"], op.after.image["confidence"]) == ("maintenance", 0.9)


def test_without_a_text_unlike_wordings_stay() -> None:
    """What does not say all that the other says does not let it go."""
    judged = _judged(UNLIKE)
    assert judged.operations == ()
    assert [refused.guard for refused in judged.refused] == ["coverage"]


@pytest.mark.parametrize(
    "value",
    [
        "Vegetarian; does not eat meat since 1990",
        "Vegetarian; eats meat, does",
        "vegetarian",
        "HACKED",
    ],
)
def test_a_text_that_fails_is_not_taken(value: str) -> None:
    """The winner keeps its own; here that covers nothing, so both stay."""
    judged = _judged(UNLIKE, value=value)
    assert judged.operations == ()
    assert "new_text" in {refused.guard for refused in judged.refused}


def test_a_text_that_fails_leaves_the_winner_verbatim() -> None:
    """What the winner's own text covers goes all the same, and its source is its own."""
    rows = [_row(1, "likes tea"), _row(2, "likes green tea")]
    (op,) = _judged(rows, value="likes green tea from Kyoto").operations
    assert isinstance(op.after, Attribute)
    assert (op.after.value, op.after.source, op.retired) == ("likes green tea", "inferred", (1,))


@pytest.mark.parametrize("value", ["pork: does not ever eat", "ever, does not, eat pork"])
def test_a_text_may_not_swallow_what_another_row_affirms(value: str) -> None:
    """A denial of one row does not cover the affirmation of another."""
    rows = [_row(1, "eat pork"), _row(2, "does not ever eat pork")]
    assert _judged(rows, value=value).operations == ()


def test_a_row_that_leaves_takes_its_words_along() -> None:
    """A text may hold only words of rows that live on in it."""
    rows = [_row(1, "met Bob in Oslo in 1990"), _row(2, "likes tea"), _row(3, "tea likes")]
    judged = _judged(rows, value="likes tea, Oslo")
    assert [op.after and op.after.value for op in judged.operations] == ["tea likes"]


def test_a_key_is_taken_where_the_rows_have_its_words() -> None:
    """And otherwise the winner's stays; it is snake_case either way."""
    rows = [_row(1, "likes tea", key="drinks"), _row(2, "likes tea", key="tea_drinks")]
    (op,) = _judged(rows, key="Drinks: tea").operations
    assert isinstance(op.after, Attribute)
    assert (op.after.key, op.after.image["key"], op.after.source) == (
        "drinks_tea",
        "drinks_tea",
        "inferred",
    )
    judged = _judged(rows, key="born_1990")
    assert [op.after and op.after.key for op in judged.operations] == ["tea_drinks"]
    assert [refused.guard for refused in judged.refused] == ["new_key"]


@pytest.mark.parametrize(
    ("wanted", "got"), [(None, "preference"), (" Fact ", "fact"), ("astrology", "misc")]
)
def test_a_category_that_the_model_invents_is_misc(wanted: str | None, got: str) -> None:
    """A known one is taken."""
    rows = [_row(1, "likes tea"), _row(2, "likes green tea")]
    (op,) = _judged(rows, category=wanted).operations
    assert isinstance(op.after, Attribute)
    assert (op.after.category, op.after.image["category"]) == (got, got)


def test_a_worn_text_is_only_kept_verbatim() -> None:
    """Whoever of the rows is worn, no new text is made of it; what is covered may still go."""
    for worn in (1, 2):
        assert _judged(UNLIKE, value=BOTH, worn=(worn,)).operations == ()
    rows = [_row(1, "likes tea"), _row(2, "likes green tea")]
    (op,) = _judged(rows, value="green tea likes", worn=(1,)).operations
    assert isinstance(op.after, Attribute)
    assert op.after.value == "likes green tea"


def test_a_protected_winner_is_never_rewritten() -> None:
    """Not its text, key, category, source, confidence or times."""
    winner = _row(1, "likes green tea", source="explicit", confidence=0.7)
    rows = [winner, _row(2, "likes tea")]
    (op,) = _judged(rows, value="tea likes green", key="tea", category="fact").operations
    assert (op.after, op.retired) == (winner, (2,))


@pytest.mark.parametrize("value", [3, True, None, ["tea"], {"a": 1}])
def test_only_texts_are_rewritten(value: Any) -> None:  # noqa: ANN401 any JSON value
    """A value of another type stays as it is, whatever is proposed."""
    rows = [_row(1, value, key="cats_kept"), _row(2, value, key="cats_kept")]
    (op,) = _judged(rows, value="three cats kept").operations
    assert isinstance(op.after, Attribute)
    assert op.after.value == value
