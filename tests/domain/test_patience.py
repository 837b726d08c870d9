"""How many entities in a row may fail before a run asks no more."""

import pytest

from llm_maint.domain.patience import Patience
from llm_maint.errors import (
    ExitCode,
    ModelFailedError,
    ModelRefusalError,
    ModelUnavailableError,
    RequestRefusedError,
    UnreadableReplyError,
)

KINDS = {
    "F": ModelFailedError("boom"),
    "R": RequestRefusedError("no"),
    "E": UnreadableReplyError("?"),
    "N": ModelRefusalError("I will not"),
    "B": ZeroDivisionError(),
    "U": ModelUnavailableError("nobody answers"),
}


@pytest.mark.parametrize(
    ("course", "ends"),
    [
        pytest.param("F", False, id="one failure"),
        pytest.param("FF", True, id="two in a row"),
        pytest.param("F.F.F.", False, id="a reply between them"),
        pytest.param("F.FF", True, id="two later"),
        pytest.param("RRRR", False, id="four refused"),
        pytest.param("RRRRR", True, id="five refused"),
        pytest.param("RRR.RRRR", False, id="a reply between refusals"),
        pytest.param("RRFR", True, id="some of both"),
        pytest.param("EEEEEEEEEE", False, id="a model that cannot write"),
        pytest.param("NNNNNNNNNN", False, id="a model that does not want to"),
        pytest.param("BBBBBBBBBB", False, id="bugs of ours"),
        pytest.param("U", True, id="a server that is not there"),
        pytest.param("FEF", True, id="something else between them"),
    ],
)
def test_a_server_that_fails_in_a_row_is_asked_no_more(course: str, ends: bool) -> None:  # noqa: FBT001
    """One entity may be at fault, several in a row are not; a reply starts the count anew."""
    patience = Patience()
    for letter in course:
        if letter == ".":
            patience.succeeded()
        else:
            patience.failed(KINDS[letter])
    assert (patience.end is not None) == ends


def test_the_end_says_what_it_was_and_ends_as_it_would() -> None:
    """Who is put off learns why, and the tick ends with the code of the cause."""
    patience = Patience()
    for _ in range(2):
        patience.failed(KINDS["F"])
    assert patience.end is not None
    assert str(patience.end) == "boom"
    assert patience.end.exit_code is ExitCode.UNAVAILABLE
