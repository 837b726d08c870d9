"""What an entity came to survives the way from one process to another."""

import json
from dataclasses import replace

import pytest
from building import NICK, attribute
from hypothesis import given
from hypothesis import strategies as st

from llm_maint import errors
from llm_maint.domain.chat import Usage
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.plan import Plan
from llm_maint.errors import (
    BudgetSpentError,
    DeferredError,
    ExitCode,
    MaintError,
    ModelFailedError,
    ModelUnavailableError,
)

KINDS = sorted(
    {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, MaintError)
    },
    key=lambda kind: kind.__name__,
)

DONE = Consolidation(plan=Plan(entity=NICK, rows=(attribute(1), attribute(2))))

counts = st.integers(0, 2**40)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def _of(error: MaintError | None) -> tuple[object, ...] | None:
    """Return all that a run makes of an error."""
    return (
        None
        if error is None
        else (
            str(error),
            error.exit_code,
            error.transient,
            error.ends_run,
            isinstance(error, BudgetSpentError),
        )
    )


@given(
    done=st.one_of(
        st.sampled_from([DONE, replace(DONE, unchanged=True), replace(DONE, applied=True)]),
        st.builds(lambda kind, text: kind(text), st.sampled_from(KINDS), texts),
        st.builds(
            DeferredError.because,
            st.builds(lambda kind, text: kind(text), st.sampled_from(KINDS), texts),
        ),
        st.builds(ValueError, texts),
    ),
    spent=usages,
)
def test_it_is_read_as_it_was_written(done: Consolidation | Exception, spent: Usage) -> None:
    """Line, failure, deferral and cost, through JSON text; an error says and means the same."""
    told = EntityResult.of(NICK, done)
    read = EntityResult.read(json.loads(json.dumps(told.document(spent=spent))))
    assert read.line == json.loads(json.dumps(told.line))
    assert _of(read.failure) == _of(told.failure)
    assert _of(read.deferred) == _of(told.deferred)
    assert read.spent == spent
    assert read.is_of_the_server == told.is_of_the_server
    assert read.document(spent=spent) == json.loads(json.dumps(told.document(spent=spent)))


@pytest.mark.parametrize(
    ("done", "line", "failure", "deferred"),
    [
        (DONE, True, False, False),
        (replace(DONE, unchanged=True), False, False, False),
        (ModelFailedError("boom"), True, True, False),
        (ZeroDivisionError(), True, True, False),
        (DeferredError("later"), False, False, True),
        (BudgetSpentError("spent"), False, False, True),
    ],
)
def test_it_has_a_line_or_says_why_not(
    done: Consolidation | Exception,
    line: bool,  # noqa: FBT001 a case
    failure: bool,  # noqa: FBT001 a case
    deferred: bool,  # noqa: FBT001 a case
) -> None:
    """What failed has both; what waits, and what is unchanged, is not worth a line."""
    told = EntityResult.of(NICK, done)
    found = (told.line, told.failure, told.deferred)
    assert tuple(each is not None for each in found) == (line, failure, deferred)


def test_an_error_of_another_process_ends_the_run_as_there() -> None:
    """Its exit code and whether to try again are those it had where it was met."""
    cause = ModelUnavailableError("nobody answers")
    for done in (cause, DeferredError.because(cause)):
        read = EntityResult.read(EntityResult.of(NICK, done).document(spent=Usage(1)))
        error = read.failure or read.deferred
        assert error is not None
        assert (error.exit_code, error.transient) == (ExitCode.UNAVAILABLE, True)
        assert read.is_of_the_server


@pytest.mark.parametrize(
    "done", [DONE, ModelFailedError("boom"), BudgetSpentError("spent"), ZeroDivisionError()]
)
def test_what_an_entity_is_to_blame_for_is_not_of_the_server(
    done: Consolidation | Exception,
) -> None:
    """Another process would have no better luck with it."""
    assert not EntityResult.of(NICK, done).is_of_the_server
