"""A text that a model wrote: nothing may be in it that no row has said."""

import pytest
from building import attribute

from llm_maint.domain.new_text import key_objection, text_objection


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param(
            "Vegetarian; does not eat meat", ["vegetarian", "does not eat meat"], id="both"
        ),
        pytest.param(
            "Works as a baker (noted again)",
            ["Works as a baker", "baker noted again"],
            id="brackets",
        ),
        pytest.param(
            "takes 20 mg in the morning", ["takes 20 mg", "takes it in the morning"], id="units"
        ),
        pytest.param(
            "due on 23 May and 31 June", ["due 23 May", "due 31 June"], id="joining words"
        ),
        pytest.param(
            "wrote https://a.example/b today", ["today wrote https://a.example/b"], id="address"
        ),
        pytest.param("Lives in Graz", ["lives in graz", "Graz"], id="another case"),
        pytest.param("\u597d\u304d (\u8272)", ["\u597d\u304d", "\u8272"], id="other scripts"),
    ],
)
def test_a_text_made_of_what_rows_say_is_taken(text: str, rows: list[str]) -> None:
    """Words of the rows in another order, joined by words that say nothing, invent nothing."""
    assert text_objection(text, [attribute(n, "k", value) for n, value in enumerate(rows)]) is None


ROWS = ["Anna takes 20 mg, no sugar, at https://a.example/b", "takes 20 mg for $5"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("Anna takes 30 mg, no sugar, at home", "'30'", id="number"),
        pytest.param("Anna takes 20 g, no sugar", "'g'", id="unit"),
        pytest.param("Anna and Bob take 20 mg, no sugar", "'bob'", id="name"),
        pytest.param(
            "The Anna takes 20 mg, no sugar", "'the'", id="capitalised word that says nothing"
        ),
        pytest.param("anna takes 20 mg for \u20ac5, no sugar", "\u20ac", id="currency"),
        pytest.param("anna takes 20 mg, no sugar, at https://b.example/a", "example", id="address"),
        pytest.param("anna takes 20 mg with surfing, no sugar", "'surfing'", id="a word"),
        pytest.param("anna takes 20 mg, sugar for $5", "denies", id="a denial less"),
        pytest.param("anna takes 20 mg, no sugar, not for $5", "denies", id="a denial more"),
        pytest.param("anna", "length", id="too short"),
        pytest.param("anna takes sugar " * 30, "length", id="too long"),
        pytest.param("anna takes 20 mg,\x00 no sugar for", "control", id="control character"),
        pytest.param("anna takes 20 mg, no sugar \ud800", "control", id="half a character"),
    ],
)
def test_a_text_that_invents_is_refused(text: str, why: str) -> None:
    """A number, unit, symbol, name, address or word of its own, or another denial, is invented."""
    objection = text_objection(text, [attribute(n, "k", value) for n, value in enumerate(ROWS)])
    assert why in str(objection)


@pytest.mark.parametrize(
    ("key", "fine"),
    [
        ("favorite_color", True),
        ("color_blue", True),
        ("born_1990", False),
        ("colour", False),
        ("", False),
        ("color_" * 30, False),
    ],
)
def test_a_key_is_made_of_words_of_the_rows(key: str, fine: bool) -> None:  # noqa: FBT001 a case's result
    """A key is a fact too, and no longer than its column."""
    assert (key_objection(key, [attribute()]) is None) is fine
