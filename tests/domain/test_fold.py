"""Exact duplicates fold without a model, and code chooses which row goes on."""

from typing import Any

import pytest
from building import attribute, day

from llm_maint.domain.judge import Op, fold
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute

POLICY = Policy(pinned_keys=frozenset({"allergies"}))


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(attribute(2), id="to the byte"),
        pytest.param(attribute(2, value=" BLUE "), id="value in another form"),
        pytest.param(attribute(2, key="Favorite Color"), id="key in another form"),
        pytest.param(attribute(2, category=" Preference"), id="category in another form"),
    ],
)
def test_exact_duplicates_fold_into_one(copy: Attribute) -> None:
    """The same category, key and value in any form are one fact, without asking a model."""
    operations, left = fold([attribute(1), copy], POLICY)
    assert [(op.op, op.winner_id, op.retired) for op in operations] == [(Op.FOLD, 1, (2,))]
    assert [row.id for row in left] == [1]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(attribute(2, key="car_color"), id="another key"),
        pytest.param(attribute(2, category="fact"), id="another category"),
        pytest.param(attribute(2, value="red"), id="another value"),
        pytest.param(attribute(2, value=["blue"]), id="another type"),
    ],
)
def test_rows_that_are_merely_alike_do_not_fold(other: Attribute) -> None:
    """One value under two keys can be two facts: that is for the model to say."""
    rows = [attribute(1), other]
    assert fold(rows, POLICY) == ((), rows)


def test_many_copies_fold_at_once_and_the_rest_keeps_its_order() -> None:
    """Each set of copies becomes one operation; rows that go on stay in the order they came."""
    rows = [attribute(n, value=value) for n, value in enumerate(("a", "b", "A", "c", "a", "B"))]
    operations, left = fold(rows, POLICY)
    assert [op.row_ids for op in operations] == [(0, 2, 4), (1, 5)]
    assert [row.id for row in left] == [0, 1, 3]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["protected first", "protected last"])
def test_a_copy_folds_into_the_protected_row_which_stays_to_the_byte(
    order: tuple[int, int],
) -> None:
    """A protected row wins over a newer and surer copy, and not even its times change."""
    kept = attribute(1, source="explicit", updated_at=day(-9), confidence=0.5)
    copy = attribute(2, updated_at=day(9), created_at=day(-20), confidence=0.99)
    operations, left = fold([(kept, copy)[position] for position in order], POLICY)
    assert operations[0].after == kept
    assert operations[0].retired == (2,)
    assert left == [kept]


def test_of_two_protected_copies_one_goes_on_unchanged() -> None:
    """An exact copy of a protected row may fold into it, itself protected or not."""
    older, newer = attribute(1, source="explicit"), attribute(2, confidence=1, updated_at=day(1))
    operations, left = fold([older, newer], POLICY)
    assert (operations[0].winner_id, left) == (1, [older])


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        pytest.param({"source": "explicit"}, {"updated_at": day(9)}, 1, id="explicit before later"),
        pytest.param(
            {"key": "allergies"},
            {"key": "Allergies", "updated_at": day(9)},
            2,
            id="pinned however it is written",
        ),
        pytest.param({}, {"updated_at": day(1), "confidence": 0.1}, 2, id="later before surer"),
        pytest.param({}, {"confidence": 0.9}, 2, id="surer where both are as late"),
        pytest.param({"updated_at": None}, {}, 2, id="a time before none"),
        pytest.param({"confidence": None}, {"confidence": 0.0}, 2, id="a confidence before none"),
        pytest.param({}, {}, 1, id="the first of equals"),
        pytest.param(
            {"source": "explicit"},
            {"source": "explicit", "updated_at": day(1)},
            2,
            id="the later of two explicit ones",
        ),
    ],
)
def test_code_chooses_the_winner(
    first: dict[str, Any], second: dict[str, Any], winner: int
) -> None:
    """Winners are explicit, then the latest, then the surest, then the first."""
    operations, _ = fold([attribute(1, **first), attribute(2, **second)], POLICY)
    assert operations[0].winner_id == winner
    assert operations[0].row_ids[0] == winner


def test_keys_that_differ_in_symbols_are_two_facts() -> None:
    """The snake_case of both is the same, and yet who likes one may not like the other."""
    rows = [attribute(1, key="likes_c++", value="yes"), attribute(2, key="likes_c#", value="yes")]
    assert fold(rows, Policy())[0] == ()
