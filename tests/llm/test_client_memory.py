"""What a client remembers of its server: the form, that it is broken, and how much it may ask."""

import json
import random
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self

import pytest
from building import PROMPT, Asking, asking
from model_server import ModelServer, Raw, completion

from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import Completion, Prompt
from llm_maint.errors import (
    BudgetSpentError,
    ConfigurationError,
    DeferredError,
    ExitCode,
    MaintError,
    ModelBusyError,
    ModelUnavailableError,
)

KEY = "s3cret-key-of-many-letters"

Outcome = str | MaintError


class KeptServer(socketserver.ThreadingTCPServer):
    """A server that keeps connections alive and counts them, and requests at one time."""

    request_queue_size = 64
    daemon_threads = False

    def __init__(self, answer: Callable[[dict[str, Any]], Raw], *, most_delay: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Kept)
        self.answer = answer
        self.most_delay = most_delay
        self.lock = threading.Lock()
        self.connections = self.posts = self.under_way = self.most_under_way = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Kept(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 10
    server: KeptServer

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.posts += 1
            server.under_way += 1
            server.most_under_way = max(server.most_under_way, server.under_way)
        time.sleep(random.random() * server.most_delay)
        answer = server.answer(body)
        with server.lock:
            server.under_way -= 1
        text = answer.body if isinstance(answer.body, bytes) else answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is inherited
        """Say nothing."""


def _prompts(number: int) -> list[Prompt]:
    return [Prompt(system="rules", user=f"rows {n}", schema={}) for n in range(number)]


def _echo(body: dict[str, Any]) -> Raw:
    return Raw(body=completion(f"reply to {body['messages'][1]['content']}"))


def _outcomes(model: Asking, prompts: Iterable[Prompt]) -> list[Outcome]:
    """Ask about all in one run, side by side; return each reply's text, or what went wrong."""

    async def one(prompt: Prompt) -> Outcome:
        try:
            return (await model.client.complete(prompt, model.meter)).text
        except MaintError as error:
            return error

    return list(model.client.in_order(one(prompt) for prompt in prompts))


def _script(answers: Sequence[str | Raw]) -> Callable[[dict[str, Any]], str | Raw]:
    left = iter(answers)
    return lambda _: next(left)


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("response_format", "response_format is not supported"),
        ("temperature", "Unsupported value: 'temperature' does not support 0.25"),
        ("max_tokens", "Unsupported parameter: 'max_tokens', use 'max_completion_tokens'"),
    ],
)
def test_what_a_server_refused_is_not_asked_for_again(refused: str, said: str) -> None:
    """A form is found out once, and kept for all later requests of the client and the run."""

    def reply(body: dict[str, Any]) -> str | Raw:
        error = json.dumps({"error": {"message": said, "param": refused}})
        return Raw(status=400, body=error) if refused in body else "hello"

    with ModelServer(reply) as server:
        model = asking(server.url)
        assert _outcomes(model, [PROMPT] * 3) == ["hello"] * 3
        found_out = len(server.requests) - 3
        assert model.complete(PROMPT).text == "hello"
    assert found_out in (1, 2)
    assert [refused in body for body in server.requests[found_out:]] == [False] * 4
    assert model.meter.spent.calls == found_out + 4


def test_a_form_that_failed_is_not_kept() -> None:
    """A server that was only in trouble is asked for structure again."""
    script = _script([Raw(status=503), Raw(status=503), "one", "two"])
    with ModelServer(script) as server:
        assert _outcomes(asking(server.url), [PROMPT] * 2) == ["one", "two"]
    assert "response_format" in server.requests[-1]


ENDS = [
    pytest.param(Raw(status=401, body="no"), ConfigurationError, ExitCode.CONFIGURATION, id="401"),
    pytest.param(Raw(status=404, body="no"), ConfigurationError, ExitCode.CONFIGURATION, id="404"),
    pytest.param(Raw(status=402, body="no"), ModelBusyError, ExitCode.BUSY, id="402"),
    pytest.param(
        Raw(status=429, headers={"Retry-After": "3600"}), ModelBusyError, ExitCode.BUSY, id="429"
    ),
    pytest.param(Raw(status=503), ModelUnavailableError, ExitCode.UNAVAILABLE, id="503"),
]


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(("answer", "error", "code"), ENDS)
def test_after_an_error_that_ends_the_run_nothing_is_sent(
    answer: Raw, error: type[MaintError], code: ExitCode, concurrency: int
) -> None:
    """What was under way may still fail by itself; all others are put off, with its exit code."""
    with ModelServer(lambda _: answer) as server:
        model = asking(server.url, concurrency=concurrency, max_attempts=2)
        outcomes = _outcomes(model, _prompts(12))
        sent = len(server.requests)
        assert sent <= 2 * concurrency
        with pytest.raises(DeferredError):
            model.complete(PROMPT)
        assert len(server.requests) == sent
    assert isinstance(outcomes[0], error)
    assert all(isinstance(each, error | DeferredError) for each in outcomes)
    later = [each for each in outcomes[concurrency:] if isinstance(each, DeferredError)]
    assert len(later) == 12 - concurrency
    assert {each.exit_code for each in later} == {code}
    assert model.meter.spent.calls == sent


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_results_do_not_depend_on_timing(concurrency: int) -> None:
    """The same replies in the same order, never more requests at once than the setting says."""
    with KeptServer(_echo, most_delay=0.02) as server:
        model = asking(server.url, concurrency=concurrency)
        outcomes = _outcomes(model, _prompts(40))
    assert outcomes == [f"reply to rows {n}" for n in range(40)]
    assert server.most_under_way <= concurrency
    assert server.most_under_way == 1 or concurrency > 1
    assert (model.meter.spent.calls, model.meter.spent.tokens) == (40, 400)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_connections_are_used_again(concurrency: int) -> None:
    """No more connections than requests side by side, refusals and retries included."""
    lock, met = threading.Lock(), [0]

    def answer(body: dict[str, Any]) -> Raw:
        with lock:
            met[0] += 1
            return Raw(status=503, body="x" * 5_000) if met[0] % 5 == 0 else _echo(body)

    with KeptServer(answer, most_delay=0.005) as server:
        outcomes = _outcomes(asking(server.url, concurrency=concurrency), _prompts(30))
    assert outcomes == [f"reply to rows {n}" for n in range(30)]
    assert server.posts > 30
    assert server.connections <= concurrency


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("limit", [1, 7, 40])
def test_the_limit_of_calls_is_exact(limit: int, concurrency: int) -> None:
    """Exactly so many requests are sent, those of the first works; the rest is put off."""
    with KeptServer(_echo, most_delay=0.005) as server:
        model = asking(server.url, concurrency=concurrency)
        model.meter = Meter(max_calls=limit)
        outcomes = _outcomes(model, _prompts(40))
    assert (server.posts, model.meter.spent.calls) == (limit, limit)
    assert [type(each) for each in outcomes] == [str] * limit + [BudgetSpentError] * (40 - limit)


def test_a_key_is_nowhere_to_be_seen() -> None:
    """Neither in a reply nor in the model's name, an error, or what a client looks like."""
    said = completion(f"the key {KEY}").replace("scripted", f"m-{KEY}")
    errors = [
        Raw(status=status, body=f"bad {KEY}", headers={"Location": f"/{KEY}"})
        for status in (400, 500, 302)
    ]
    with ModelServer(_script([Raw(body=said), *errors])) as server:
        model = asking(server.url, api_key=KEY, max_attempts=1, structured_output="none")
        reply: Completion = model.complete(PROMPT)
        shown = [repr(reply), repr(model.client), *map(repr, _outcomes(model, [PROMPT] * 3))]
    assert KEY not in " ".join(shown)
    assert "bad" in shown[-1]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["1", "x", "id", "none", "null", "EMPTY"])
def test_a_key_that_is_none_does_not_spoil_a_reply(key: str) -> None:
    """Servers of one's own take any word for a key: it is no secret, and may occur in a reply."""
    said = json.dumps({"groups": [{"op": "merge", "ids": ["r1", "r11"], "x": None, "EMPTY": ""}]})
    with ModelServer(lambda _: said) as server:
        assert asking(server.url, api_key=key).complete(PROMPT).text == said
