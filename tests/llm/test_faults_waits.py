"""Waits: what a server asks for, in all its forms, and when a run stops asking it."""

from typing import Any

import pytest
from fault_server import Act, Entry, Request, http, message, right
from faulting import BUSY, DOWN, FAILED, TOLD, Came, ran, ran_all

from llm_maint.store.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _delay(delay: str, *, listed: bool = False, status: int = 429) -> Act:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []}
    said = "You exceeded your current quota, please check your plan and billing details."
    error = {"code": status, "message": said, "status": "RESOURCE_EXHAUSTED"}
    body: dict[str, Any] = {"error": {**error, "details": [quota, info]}}
    return http([body] if listed else body, status)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        pytest.param(http("", 429, retry_after="2"), 2, id="seconds"),
        pytest.param(http("", 429, retry_after=" 7 "), 7, id="seconds with spaces"),
        pytest.param(http("", 503, retry_after="0.5"), 0.5, id="a fraction"),
        pytest.param(http("", 529, retry_after="60"), 60, id="as long as we accept"),
        pytest.param(http("", 429, retry_after_ms="1500"), 1.5, id="milliseconds"),
        pytest.param(
            http("", 429, retry_after_ms="250", retry_after="1"), 0.25, id="milliseconds go first"
        ),
        pytest.param(http("", 500, retry_after="3"), 3, id="after a 500"),
        pytest.param(http("", 408, retry_after="3"), 3, id="after a 408"),
        pytest.param(
            http(
                "",
                429,
                retry_after="Wed, 21 Oct 2015 07:28:05 GMT",
                date="Wed, 21 Oct 2015 07:28:00 GMT",
            ),
            5,
            id="a date by the server's clock",
        ),
        pytest.param(
            http("", 503, retry_after="Sat, 03 Jan 2026 10:00:09 GMT"), 9, id="a date by ours"
        ),
        pytest.param(
            http("", 503, retry_after="Saturday, 03-Jan-26 10:00:09 GMT"), 9, id="an old date"
        ),
        pytest.param(_delay("34.074824224s"), 34.07, id="RetryInfo"),
        pytest.param(_delay("2s", listed=True), 2, id="RetryInfo in a list"),
        pytest.param(_delay("0.5s", status=503), 0.5, id="RetryInfo after a 503"),
    ],
)
def test_a_wait_that_is_named_is_kept(database: Database, answer: Act, named: float) -> None:
    """The next attempt comes after the time that the server names, and soon after it."""
    run = ran(database, answer, right, timeout_seconds=120)
    assert (run.attempts, run.came) == (2, TOLD)
    (wait,) = run.waits
    assert named <= wait <= named * 1.3


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"retry_after": "-5"}, id="negative"),
        pytest.param({"retry_after": "soon"}, id="a word"),
        pytest.param({"retry_after": ""}, id="empty"),
        pytest.param({"retry_after": "nan"}, id="no number"),
        pytest.param({"retry_after": "inf"}, id="infinite"),
        pytest.param({"retry_after": "Thu, 99 Foo 2026 99:99:99 GMT"}, id="no date"),
        pytest.param({"retry_after": "0"}, id="at once"),
        pytest.param({"retry_after": "Sat, 03 Jan 2026 09:00:00 GMT"}, id="a date that is past"),
        pytest.param({"retry_after_ms": "x", "x_should_retry": "true"}, id="milliseconds of none"),
    ],
)
def test_a_wait_that_makes_no_sense_is_our_own(database: Database, headers: dict[str, Any]) -> None:
    """Such a header neither stops the run nor makes it wait for ever."""
    run = ran(database, http("", 503, **headers), right)
    assert (run.attempts, run.came) == (2, TOLD)
    assert 0 <= run.waits[0] <= 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http("", 429, retry_after="61"), id="a second too long"),
        pytest.param(http("", 429, retry_after="86400"), id="a day"),
        pytest.param(http("", 503, retry_after="3600"), id="after a 503"),
        pytest.param(http("", 500, retry_after="3600"), id="after a 500"),
        pytest.param(http("", 429, retry_after_ms="90000"), id="in milliseconds"),
        pytest.param(http("", 429, retry_after="Sat, 03 Jan 2026 11:00:00 GMT"), id="as a date"),
        pytest.param(_delay("3600s"), id="in RetryInfo"),
    ],
)
def test_a_wait_that_is_too_long_ends_the_run(database: Database, answer: Act) -> None:
    """A server that needs more than a minute is a matter for the next run."""
    run = ran(database, answer, timeout_seconds=120)
    assert (run.attempts, run.came, run.waits) == (1, BUSY, [])


def test_a_wait_beyond_the_deadline_ends_the_run(database: Database) -> None:
    """All attempts have one deadline; a wait that would pass it is not begun."""
    run = ran(database, http("", 429, retry_after="10"), timeout_seconds=1)
    assert (run.attempts, run.came, run.waits) == (1, BUSY, [])


@pytest.mark.parametrize(
    ("status", "came"), [(429, BUSY), (503, DOWN), (500, FAILED), (408, DOWN), (409, DOWN)]
)
def test_a_server_that_forbids_another_try_gets_none(
    database: Database, status: int, came: Came
) -> None:
    """`x-should-retry: false` goes before the status."""
    run = ran(database, http("", status, x_should_retry="false"), right)
    assert (run.attempts, run.came, run.waits) == (1, came, [])


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        pytest.param(http("", 429, retry_after="2"), BUSY, id="429"),
        pytest.param(http("", 503, retry_after="2"), DOWN, id="503"),
        pytest.param(http("", 500, retry_after="2"), FAILED, id="500"),
        pytest.param(_delay("2s"), BUSY, id="RetryInfo"),
    ],
)
def test_short_waits_do_not_change_what_exhausted_attempts_come_to(
    database: Database, answer: Act, came: Came
) -> None:
    """After three attempts the status decides, whether or not a wait was named and kept."""
    run = ran(database, answer)
    assert (run.attempts, run.came) == (3, came)
    assert all(2 <= wait <= 2.5 for wait in run.waits)


@pytest.mark.parametrize("attempts", [1, 2, 5, 8])
def test_own_waits_grow_with_jitter(database: Database, attempts: int) -> None:
    """Without a word of the server waits are spread below twice the last bound, 20 s at most."""
    run = ran(database, http("", 503), max_attempts=attempts, timeout_seconds=120)
    assert (run.attempts, run.came, len(run.waits)) == (attempts, DOWN, attempts - 1)
    assert len(set(run.waits)) == len(run.waits)
    assert all(0 <= wait <= min(20, 2**n) for n, wait in enumerate(run.waits, start=1))


def _refusal(request: Request) -> Act:
    return http(message(request, None, refusal="I cannot help with that."))


FAILS, SILENT = http("", 500), Act(then="hang")


@pytest.mark.parametrize(
    ("entries", "attempts", "exit_code", "failed", "deferred"),
    [
        pytest.param([http("", 401)], 1, 78, 1, 4, id="the key"),
        pytest.param([http("", 404)], 1, 78, 1, 4, id="the path"),
        pytest.param([http("", 307, location="/x")], 1, 78, 1, 4, id="a redirect"),
        pytest.param([http("", 402)], 1, 75, 1, 4, id="the quota"),
        pytest.param([http("", 429, retry_after="900")], 1, 75, 1, 4, id="a long wait"),
        pytest.param([http("", 429)], 3, 75, 1, 4, id="too many requests"),
        pytest.param([http("", 502)], 3, 69, 1, 4, id="no gateway"),
        pytest.param([http("", 503)], 3, 69, 1, 4, id="unavailable"),
        pytest.param([http("", 504)], 3, 69, 1, 4, id="a time-out of the gateway"),
        pytest.param([SILENT], 3, 69, 1, 4, id="silence"),
        pytest.param([FAILS], 6, 69, 2, 3, id="two requests that fail"),
        pytest.param([Act()], 6, 69, 2, 3, id="two requests that break"),
        pytest.param([http("no", 418)], 5, 1, 5, 0, id="each refused by status"),
        pytest.param([_refusal], 5, 1, 5, 0, id="each refused by the model"),
        pytest.param([http("<html>")], 10, 1, 5, 0, id="each unreadable"),
    ],
)
def test_a_run_stops_asking_a_server_that_cannot_answer(
    database: Database,
    entries: list[Entry],
    attempts: int,
    exit_code: int,
    failed: int,
    deferred: int,
) -> None:
    """Of five entities the rest is deferred as soon as it is clear that none will succeed."""
    run = ran_all(database, 5, *entries, timeout_seconds=0.8 if SILENT in entries else 5)
    assert (run.attempts, run.exit_code) == (attempts, exit_code)
    assert (run.failed, run.deferred, run.untouched) == (failed, deferred, True)
    assert "\n" not in run.result.get("deferred_because", "")


@pytest.mark.parametrize(
    ("entries", "attempts", "exit_code", "failed"),
    [
        pytest.param([FAILS, FAILS, FAILS, right], 7, 69, 1, id="the first fails"),
        pytest.param([*[FAILS] * 3, right, *[FAILS] * 3, right], 9, 69, 2, id="two, not in a row"),
        pytest.param([_refusal, right], 5, 1, 1, id="the first is refused"),
        pytest.param([http("{"), http("{"), right], 6, 1, 1, id="the first is unreadable"),
        pytest.param([http("", 503), right], 6, 0, 0, id="a busy moment"),
        pytest.param([http("", 413), right], 7, 0, 0, id="the first is too long"),
    ],
)
def test_one_entity_does_not_stop_the_others(
    database: Database, entries: list[Entry], attempts: int, exit_code: int, failed: int
) -> None:
    """What is wrong with one request is told, and all others are answered and written."""
    run = ran_all(database, 5, *entries)
    assert (run.attempts, run.exit_code, run.failed) == (attempts, exit_code, failed)
    assert (run.deferred, run.result["accounting"]["removed"]) == (0, 5 - failed)
