"""Unknown names: what was asked for, and the nearest that there is."""

import pytest

from llm_maint.domain.nearest import nearest, unknown

NAMES = ["profile_maintenance", "history_pruning"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("profile_maintenence", "profile_maintenance"),
        ("history", "history_pruning"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_found(name: str, found: str | None) -> None:
    """A slip of the keyboard finds what was meant; anything else finds nothing."""
    assert nearest(name, iter(NAMES)) == found


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        pytest.param(
            "history_prunning",
            NAMES,
            "no job type 'history_prunning'; did you mean 'history_pruning'?",
            id="near one",
        ),
        pytest.param(
            "zzz",
            NAMES,
            "no job type 'zzz'; known: history_pruning, profile_maintenance",
            id="near none",
        ),
        pytest.param("zzz", [], "no job type 'zzz'; there is no job type yet", id="none there"),
        pytest.param(
            "zzz", ["b", "a", "b"], "no job type 'zzz'; known: a, b", id="sorted, each once"
        ),
        pytest.param(
            "zzz",
            "abcdefghijk",
            "no job type 'zzz'; known: a, b, c, d, e, f, g, h, i, j, ...",
            id="many",
        ),
    ],
)
def test_an_unknown_name_is_explained_in_one_line(
    name: str, known: list[str], message: str
) -> None:
    """The message has the name, and the nearest known one or the first ten."""
    assert str(unknown("job type", name, known)) == message
