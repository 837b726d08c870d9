"""Exit codes of outcomes, durations, and texts that every database can hold."""

import json
from datetime import timedelta

import pytest
from building import MORNING

from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import (
    Abandoned,
    Claim,
    Failure,
    Interrupted,
    Outcome,
    Skipped,
    Success,
    Trigger,
)
from llm_maint.domain.schedule import Every
from llm_maint.domain.settlement import (
    MAX_ERROR_CHARS,
    exit_code_of,
    milliseconds,
    shortened,
    storable,
    unrecorded,
    worst,
)
from llm_maint.errors import ExitCode

CLAIM = Claim(
    run_id="run",
    job_id="job",
    job_name="tidy",
    job_type="profile_maintenance",
    bot_id=None,
    config=None,
    timing=Timing(schedule=Every(timedelta(hours=1))),
    due_at=None,
    attempt=1,
    consecutive_failures=0,
    trigger=Trigger.MANUAL,
    host="here",
    started_at=MORNING,
)

DOWN = Failure(error="down", transient=True, exit_code=ExitCode.UNAVAILABLE, held=True)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Success(), ExitCode.OK),
        (Success(held=True), ExitCode.HELD),
        (Skipped("no such type"), ExitCode.OK),
        (Abandoned(), ExitCode.OK),
        (Interrupted(), ExitCode.OK),
        (Failure(error="bad", transient=False), ExitCode.JOB_FAILED),
        (DOWN, ExitCode.UNAVAILABLE),
    ],
    ids=str,
)
def test_an_outcome_has_an_exit_code(outcome: Outcome, code: ExitCode) -> None:
    """A failure ends with its own code, a held plan with 3, anything else with 0."""
    assert exit_code_of(outcome) is code


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], ExitCode.OK),
        ([ExitCode.OK, ExitCode.OK], ExitCode.OK),
        ([ExitCode.OK, ExitCode.HELD], ExitCode.HELD),
        ([ExitCode.HELD, ExitCode.UNAVAILABLE], ExitCode.UNAVAILABLE),
        ([ExitCode.BUSY, ExitCode.OK, ExitCode.BUSY], ExitCode.BUSY),
        ([ExitCode.BUSY, ExitCode.UNAVAILABLE], ExitCode.JOB_FAILED),
        ([ExitCode.HELD, ExitCode.JOB_FAILED], ExitCode.JOB_FAILED),
    ],
    ids=str,
)
def test_several_jobs_end_with_one_exit_code(codes: list[ExitCode], code: ExitCode) -> None:
    """Failures of one kind keep their code, of several kinds they are 1; held goes after failed."""
    assert worst(codes) is code


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(timedelta(seconds=1.5), 1500), (timedelta(microseconds=400), 0), (timedelta(hours=-1), 0)],
    ids=str,
)
def test_a_duration_is_never_negative(duration: timedelta, expected: int) -> None:
    """A clock that was set back makes a run that took no time."""
    assert milliseconds(duration) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\x00b", id="NUL"),
        pytest.param("a\ud800b", id="a high half"),
        pytest.param("a\udfffb", id="a low half"),
        pytest.param({"k\x00": ["\ud800", {"\udc00": ("x\x00",)}]}, id="deep within"),
    ],
)
def test_what_no_database_text_can_hold_is_replaced(value: object) -> None:
    """NUL and half characters become the replacement character, however deep they stand."""
    text = json.dumps(storable(value), ensure_ascii=False)
    assert "\ufffd" in text.encode().decode()
    assert "\\u0000" not in text


@pytest.mark.parametrize("value", ["\U0001f600 \u597d\n", 5, None, True, 1.5, [], {"a": [None]}])
def test_what_a_database_can_hold_stays(value: object) -> None:
    """Whole characters of every script, numbers and structure are not touched."""
    assert storable(value) == value


def test_two_halves_that_meet_are_a_character() -> None:
    """A pair of surrogates is the character that it stands for."""
    assert storable("\ud83d\ude00") == "\U0001f600"


@pytest.mark.parametrize(
    "outcome",
    [Skipped("\x00x" * 9_000), Failure(error="\x00x" * 9_000, transient=True)],
    ids=["skipped", "failed"],
)
def test_an_error_message_is_bounded_and_storable(outcome: Outcome) -> None:
    """Whatever a server answered, what is kept of it fits a database and a screen."""
    settled = unrecorded(CLAIM, outcome, now=MORNING)
    assert settled.error_message is not None
    assert "\x00" not in settled.error_message
    assert settled.error_message.endswith("... (18,000 characters)")
    assert len(settled.error_message) < MAX_ERROR_CHARS + 40


def test_a_short_error_message_stays_whole() -> None:
    """A message up to the bound is kept as it is."""
    assert shortened("x" * MAX_ERROR_CHARS) == "x" * MAX_ERROR_CHARS
