"""Two texts side by side: what differs is marked by words, and long ones are cut around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_maint.report.differing import BEFORE, LONG, Excerpt, Piece, excerpt


def marked(found: Excerpt) -> str:
    """Return an excerpt with brackets around what differs."""
    return "".join(f"[{piece.text}]" if piece.differs else piece.text for piece in found.pieces)


@pytest.mark.parametrize(
    ("text", "beside", "shown"),
    [
        ("blue", None, "blue"),
        ("blue", "blue", "blue"),
        ("Blue", "blue", "Blue"),
        ("likes blue", "blue", "[likes ]blue"),
        ("works at Alder Books", "works at Birch Maps", "works at [Alder Books]"),
        ("teal", "blue", "[teal]"),
        ("", "blue", ""),
        ("a, b", "a b", "a[,] b"),
        ("zwölf Öfen", "zwölf Katzen", "zwölf [Öfen]"),
    ],
)
def test_what_the_other_text_lacks_is_marked(text: str, beside: str | None, shown: str) -> None:
    """By whole words; case is no difference, nor is a space between two that differ."""
    assert marked(excerpt(text, beside)) == shown


def test_nothing_is_marked_where_that_is_not_wanted() -> None:
    """What goes on as it was is no news."""
    assert excerpt("likes blue", "blue", marks=False) == Excerpt((Piece("likes blue"),))


def test_a_long_text_is_cut_around_what_differs() -> None:
    """And its length is told."""
    same = "so " * 1_000
    found = excerpt(same + "ends here", same + "ends there")
    assert found.length == 3_009
    assert marked(found).startswith("… ")
    assert marked(found).endswith("ends [here]")
    assert len(marked(found)) < BEFORE + 40
    assert excerpt(same, None).pieces == (Piece(same[:LONG] + " …"),)


@given(st.text(max_size=2 * LONG), st.none() | st.text(max_size=2 * LONG))
def test_an_excerpt_is_what_the_text_says(text: str, beside: str | None) -> None:
    """Without the ellipses it is a part of it, and a short one is all of it."""
    found = excerpt(text, beside)
    shown = "".join(piece.text for piece in found.pieces)
    if found.length is None and (beside is None or len(beside) <= LONG):
        assert shown == text
    assert shown.removeprefix("… ").removesuffix(" …") in text or "…" in text


def test_a_text_of_a_megabyte_is_quick() -> None:
    """Only what is shown is compared."""
    assert excerpt("word " * 200_000, "ward " * 200_000).length == 1_000_000
