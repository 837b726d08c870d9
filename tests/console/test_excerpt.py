"""Long values: shortened around what differs, by the cells that they take."""

import pytest
from rich.cells import cell_len

from llm_maint.console.excerpt import LONG, excerpt

ROOM = LONG + len("… ") + len(" … (1,000 characters)") + 1


@pytest.mark.parametrize("text", ["", "short", "x" * LONG, "漢" * (LONG // 2)])
def test_what_fits_is_shown_whole(text: str) -> None:
    """Nothing is added to it."""
    assert excerpt(text) == text


@pytest.mark.parametrize(
    "letter", ["x", "漢", "👋🏽", "e\N{COMBINING ACUTE ACCENT}", "\N{ZERO WIDTH SPACE}"]
)
def test_what_is_long_keeps_to_its_cells(letter: str) -> None:
    """Wide characters take two, and no accent is parted from its letter."""
    text = letter * 400
    shown = excerpt(text)
    assert cell_len(shown) <= ROOM
    head = shown.partition(" …")[0]
    assert text.startswith(head)
    assert head.endswith(letter[-1]) or letter == "👋🏽"


@pytest.mark.parametrize("place", [0, 100, 500, 899])
def test_the_place_where_two_texts_differ_is_shown(place: int) -> None:
    """However far into the text it is, in both of them."""
    text = "".join(chr(ord("a") + n % 26) for n in range(900))
    other = f"{text[:place]}#{text[place + 1 :]}"
    assert "#" in excerpt(other, text)
    before = text[max(place - 5, 0) : place + 1]
    assert before in excerpt(text, other)
    assert excerpt(text, other).endswith("(900 characters)")
