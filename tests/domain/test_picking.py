"""What a person meant who saw the beginning of a list."""

import pytest

from llm_maint.domain.picking import Picked, picked

NAMES = ["small", "small-new", "Large", "tiny-1", "tiny-2", "7", "large"]
SHOWN = NAMES[:3]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("1", Picked("small"), id="the first that is shown"),
        pytest.param(" 3 ", Picked("Large"), id="the last that is shown"),
        pytest.param("4", Picked(), id="a number that is not shown"),
        pytest.param("9" * 5_000, Picked(), id="a number beyond all"),
        pytest.param("²", Picked(), id="a digit that is no number"),
        pytest.param("7", Picked("7"), id="a name that is a number"),
        pytest.param("small", Picked("small"), id="a name that is a part of another"),
        pytest.param("SMALL-NEW", Picked("small-new"), id="a name in other letters"),
        pytest.param("LARGE", Picked(among=["Large", "large"]), id="two that differ in letters"),
        pytest.param("new", Picked("small-new"), id="a part of one"),
        pytest.param("tiny", Picked(among=["tiny-1", "tiny-2"]), id="a part of two"),
        pytest.param("smal-new", Picked(among=["small-new"], guessed=True), id="a slip"),
        pytest.param("quite another", Picked(), id="nothing like it"),
    ],
)
def test_what_is_typed_means_one_name_or_those_to_choose_from(text: str, meant: Picked) -> None:
    """A whole name goes before a number, that before a part; a guess is never taken by itself."""
    found = picked(text, NAMES, SHOWN)
    assert (found.name, list(found.among), found.guessed) == (
        meant.name,
        list(meant.among),
        meant.guessed,
    )
