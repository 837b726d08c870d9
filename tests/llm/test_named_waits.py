"""How long a server asks to wait, in every form in which servers say it, and what comes of it."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from llm_maint.llm.retry import JITTER, LONGEST_OWN_WAIT, LONGEST_WAIT, named_wait, wait_before

NOW = datetime(2026, 1, 3, 10, tzinfo=UTC)

LATER = "Sat, 03 Jan 2026 10:01:30 GMT"
"""A minute and a half after `NOW`, as HTTP writes it."""


def _info(delay: object, **more: object) -> dict[str, Any]:
    kind = "type.googleapis.com/google.rpc.RetryInfo"
    detail = {"@type": kind, "retryDelay": delay, **more}
    return {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [detail]}}


QUOTA = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{}]}
BEHIND = {"error": {"details": [QUOTA, None, "x", *_info("34.07s")["error"]["details"]]}}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 7 ", 7.0, id="seconds and space"),
        pytest.param("0", 0.0, id="nothing"),
        pytest.param("0.25", 0.25, id="a fraction"),
        pytest.param("29.9999", 29.9999, id="a long fraction"),
        pytest.param("86400", 86_400.0, id="a day"),
        pytest.param("-1", None, id="negative"),
        pytest.param("-0.5", None, id="a negative fraction"),
        pytest.param("inf", None, id="for ever"),
        pytest.param("Infinity", None, id="for ever in words"),
        pytest.param("nan", None, id="no number"),
        pytest.param("1e999", None, id="more than a number holds"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="a word"),
        pytest.param("120s", None, id="a unit"),
        pytest.param("5 minutes", None, id="two words"),
        pytest.param("1, 2", None, id="two"),
        pytest.param("\x00", None, id="a NUL"),
        pytest.param(LATER, 90.0, id="a date"),
        pytest.param("Saturday, 03-Jan-26 10:01:30 GMT", 90.0, id="a date of RFC 850"),
        pytest.param("Sat Jan  3 10:01:30 2026", 90.0, id="a date of C"),
        pytest.param("Sat, 03 Jan 2026 11:01:30 +0100", 90.0, id="a date of another zone"),
        pytest.param("Sat, 03 Jan 2026 10:01:30 -0000", 90.0, id="a date of no zone"),
        pytest.param("Fri, 02 Jan 2026 10:00:00 GMT", 0.0, id="a date that is past"),
        pytest.param("Sat, 03 Jan 2026 10:00:00 GMT", 0.0, id="the present"),
        pytest.param("Sat, 99 Jan 2026 10:00:00 GMT", None, id="a day that is none"),
        pytest.param("Sat, 03 Jan 2026 25:00:00 GMT", None, id="an hour that is none"),
        pytest.param("Sat, 03 Jan 99999 10:00:00 GMT", None, id="a year that is none"),
        pytest.param("2026-01-03T10:01:30Z", None, id="a date of ISO"),
    ],
)
def test_a_retry_after_is_read(text: str, seconds: float | None) -> None:
    """Seconds, fractions and dates; what is neither names no wait and is no error."""
    assert named_wait({"retry-after": text}, None, now=NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1500", 1.5),
        ("0", 0.0),
        ("12.5", 0.0125),
        ("-5", 3.0),
        ("inf", 3.0),
        ("nan", 3.0),
        ("x", 3.0),
        ("", 3.0),
    ],
)
def test_milliseconds_go_first(text: str, seconds: float) -> None:
    """They are finer; where they make no sense the seconds count."""
    headers = {"retry-after-ms": text, "retry-after": "3"}
    assert named_wait(headers, _info("9s"), now=NOW) == pytest.approx(seconds)
    assert named_wait({"retry-after-ms": "1500"}, None, now=NOW) == 1.5


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        pytest.param("Sat, 03 Jan 2026 10:01:00 GMT", 30.0, id="a server ahead of us"),
        pytest.param("Sat, 03 Jan 2026 09:00:00 GMT", 3_690.0, id="a server behind us"),
        pytest.param("Sun, 04 Jan 2026 10:00:00 GMT", 0.0, id="a date that it has passed"),
        pytest.param("yesterday", 90.0, id="no date"),
        pytest.param("", 90.0, id="an empty one"),
    ],
)
def test_a_date_is_measured_against_the_servers_own(date: str, seconds: float) -> None:
    """Two clocks that differ do not make a wait of minutes out of one of seconds."""
    assert named_wait({"retry-after": LATER, "date": date}, None, now=NOW) == seconds
    assert named_wait({"retry-after": "7", "date": date}, None, now=NOW) == 7


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        pytest.param(_info("34.07s"), 34.07, id="a fraction"),
        pytest.param(_info("34s"), 34.0, id="seconds"),
        pytest.param(_info("0s"), 0.0, id="nothing"),
        pytest.param(_info("0.001s"), 0.001, id="a millisecond"),
        pytest.param([_info("34.07s")], 34.07, id="in a list, as Google's other door has it"),
        pytest.param(BEHIND, 34.07, id="behind other details"),
        pytest.param(_info("-3s"), None, id="negative"),
        pytest.param(_info("34"), None, id="no unit"),
        pytest.param(_info("34ms"), None, id="another unit"),
        pytest.param(_info("NaNs"), None, id="no number"),
        pytest.param(_info(None), None, id="null"),
        pytest.param(_info(34), None, id="a number"),
        pytest.param({"error": {"details": [QUOTA]}}, None, id="other details only"),
        pytest.param({"error": {"details": {"retryDelay": "3s"}}}, None, id="no list"),
        pytest.param({"error": "RetryInfo"}, None, id="an error in words"),
        pytest.param({"error": None}, None, id="no error"),
        pytest.param([], None, id="an empty list"),
        pytest.param([None], None, id="a list of null"),
        pytest.param("RetryInfo", None, id="a text"),
        pytest.param(None, None, id="no JSON"),
    ],
)
def test_a_retry_info_is_read(body: Any, seconds: float | None) -> None:  # noqa: ANN401 any JSON
    """The delay of `google.rpc.RetryInfo`, where it is one; a header goes before it."""
    assert named_wait({}, body, now=NOW) == seconds
    assert named_wait({"retry-after": "soon"}, body, now=NOW) == seconds
    assert named_wait({"retry-after": "2"}, body, now=NOW) == 2


def _waits(named: float | None, *, attempt: int = 2, within: float = 1_000) -> list[float | None]:
    draw = random.Random(3)
    return [wait_before(attempt, named=named, draw=draw, within=within) for _ in range(400)]


@pytest.mark.parametrize("named", [0.001, 0.5, 7.0, 59.999, LONGEST_WAIT])
@pytest.mark.parametrize("attempt", [2, 3, 9])
def test_a_named_wait_is_waited_and_spread(named: float, attempt: int) -> None:
    """At least what was asked for, and a little at random, whatever try it is."""
    waits = [wait for wait in _waits(named, attempt=attempt) if wait is not None]
    assert len(waits) == 400
    assert named <= min(waits) <= named * 1.02
    assert named * (1 + 0.9 * JITTER) <= max(waits) <= named * (1 + JITTER)


@pytest.mark.parametrize(
    ("named", "within"),
    [
        pytest.param(LONGEST_WAIT + 0.001, 1_000, id="longer than any wait"),
        pytest.param(3_600.0, 10_000, id="an hour"),
        pytest.param(5.0, 4.999, id="longer than is left"),
        pytest.param(1.0, 0, id="nothing is left"),
        pytest.param(1.0, -3, id="less than nothing is left"),
    ],
)
def test_a_wait_that_is_too_long_is_not_begun(named: float, within: float) -> None:
    """The next run may come in time; this one does not sleep through its lease."""
    assert set(_waits(named, within=within)) == {None}


@pytest.mark.parametrize("within", [0.5, 3.0, 10.0])
def test_an_own_wait_comes_on_top_of_what_is_left(within: float) -> None:
    """It takes no time from the tries to come, so that their number does not depend on chance."""
    waits = _waits(None, attempt=6, within=within)
    assert all(wait is not None and 0 <= wait <= LONGEST_OWN_WAIT for wait in waits)


@pytest.mark.parametrize("within", [0.0, -1.0])
def test_when_no_time_is_left_nobody_waits(within: float) -> None:
    """What would come after the wait could not be tried."""
    assert set(_waits(None, attempt=2, within=within)) == {None}


@pytest.mark.parametrize(("named", "within"), [(5.0, 5.0), (5.0, 5.5), (50.0, 55.0)])
def test_a_named_wait_stays_within_what_is_left(named: float, within: float) -> None:
    """Its spread does not carry it beyond the time for all tries."""
    assert all(wait is None or named <= wait <= within for wait in _waits(named, within=within))


def test_a_server_that_names_no_wait_at_all_is_not_hammered() -> None:
    """`Retry-After: 0`, or a date that is past, does not mean three requests in one instant."""
    waits = [wait for wait in _waits(0.0) if wait is not None]
    assert len(waits) == 400
    assert max(waits) > 0.1
