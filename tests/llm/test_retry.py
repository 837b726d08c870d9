"""Which failures are worth another try, and how long to wait before it."""

import random
import socket
from collections.abc import Callable
from typing import Any

import pytest
from building import PROMPT, asking, at_once
from model_server import ModelServer, Raw

from llm_maint.domain.chat import Usage
from llm_maint.errors import ModelFailedError, ModelUnavailableError
from llm_maint.llm.retry import LONGEST_OWN_WAIT, wait_before


def _script(*answers: str | Raw) -> Callable[[dict[str, Any]], str | Raw]:
    left = iter(answers)
    return lambda _: next(left)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_busy_server_is_tried_again(status: int) -> None:
    """A status that passes is waited out, and the reply is then a reply like any other."""
    waits: list[float] = []
    with ModelServer(_script(Raw(status=status), Raw(status=status), "hello")) as server:
        reply = asking(server.url, sleep=at_once(waits)).complete(PROMPT)
    assert (reply.text, reply.usage) == ("hello", Usage(1, 7, 3))
    assert len(server.requests) == 3
    assert len(waits) == 2


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
def test_a_server_that_keeps_failing_is_unavailable(attempts: int) -> None:
    """After the last try the error says what the server said; nobody waits after it."""
    waits: list[float] = []
    with ModelServer(lambda _: Raw(status=500, body="out of memory")) as server:
        model = asking(server.url, sleep=at_once(waits), max_attempts=attempts)
        with pytest.raises(ModelFailedError, match="answered 500: out of memory"):
            model.complete(PROMPT)
    assert (len(server.requests), len(waits)) == (attempts, attempts - 1)


def test_each_request_has_its_own_tries() -> None:
    """A server that recovered is not held to its past."""
    answers: list[str | Raw] = [
        Raw(status=503),
        Raw(status=503),
        "one",
        Raw(status=503),
        Raw(status=503),
        "two",
    ]
    with ModelServer(_script(*answers)) as server:
        model = asking(server.url)
        assert [model.complete(PROMPT).text for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(Raw(hangup=True), id="no answer"),
        pytest.param(Raw(body="{}", headers={"Content-Length": "99"}), id="half an answer"),
        pytest.param(
            Raw(body="no gzip at all", headers={"Content-Encoding": "gzip"}), id="garbled"
        ),
        pytest.param(Raw(body="x", headers={"Content-Length": "x"}), id="no HTTP"),
    ],
)
def test_a_connection_that_breaks_is_tried_again(broken: Raw) -> None:
    """What was lost on the way may arrive the next time; what never does is unavailable."""
    with ModelServer(_script(broken, "hello", broken, broken, broken)) as server:
        model = asking(server.url)
        assert model.complete(PROMPT).text == "hello"
        with pytest.raises(ModelFailedError, match="broke off"):
            model.complete(PROMPT)


def test_a_server_that_gives_no_answer_in_time_is_unavailable() -> None:
    """Each try waits for the time-out at most, and the message names its setting."""
    with ModelServer(lambda _: Raw(body="{}", delay=30)) as server:
        model = asking(server.url, timeout=0.05, max_attempts=2)
        with pytest.raises(ModelUnavailableError, match=r"no answer within 0\.05 s \(llm\.timeout"):
            model.complete(PROMPT)
    assert len(server.requests) == 2


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """A refused connection is tried again, and the message asks whether the server is running."""
    waits: list[float] = []
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        model = asking(f"http://127.0.0.1:{closed.getsockname()[1]}", sleep=at_once(waits))
        with pytest.raises(ModelUnavailableError, match=r"cannot be reached: .*; is it running"):
            model.complete(PROMPT)
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("attempt", "most"),
    [(2, 2.0), (3, 4.0), (4, 8.0), (5, 16.0), (6, LONGEST_OWN_WAIT), (99, 20.0)],
)
def test_waits_grow_and_are_spread_and_bounded(attempt: int, most: float) -> None:
    """Before each try the wait is drawn from twice the span, twenty seconds at most."""
    draw = random.Random(7)
    waits = [wait_before(attempt, named=None, draw=draw, within=1_000) or 0 for _ in range(500)]
    assert 0 <= min(waits) < most * 0.1
    assert most * 0.9 < max(waits) <= most


def test_waits_are_drawn_from_what_is_handed_in() -> None:
    """Two clients of one seed wait alike: nothing else decides."""
    waits: list[list[float]] = [[], []]
    for each in waits:
        with (
            ModelServer(lambda _: Raw(status=503)) as server,
            pytest.raises(ModelUnavailableError),
        ):
            asking(server.url, sleep=at_once(each), max_attempts=4, draw=random.Random(1)).complete(
                PROMPT
            )
    assert waits[0] == waits[1]
    assert len(set(waits[0])) == 3
