"""Faults of the native messages protocol, in the shapes that its server documents."""

from typing import Any

import pytest
from fault_server import Act, Entry, Request, http, message, right, right_reply, right_text
from faulting import (
    BAD,
    BUSY,
    DOWN,
    FAILED,
    REFUSED,
    TOLD,
    UNREADABLE,
    WRONG,
    Came,
    Ran,
    ran,
)

from llm_maint.store.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _ran(database: Database, *entries: Entry, **llm: Any) -> Ran:  # noqa: ANN401 any setting
    return ran(database, *entries, provider="anthropic", api_key="sk-test-123", **llm)


def _error(kind: str, said: str, status: int, **headers: Any) -> Act:  # noqa: ANN401 any header
    body = {"type": "error", "error": {"type": kind, "message": said}, "request_id": "req_1"}
    return http(body, status, **headers)


def _invalid(said: str) -> Act:
    return _error("invalid_request_error", said, 400)


OVERLOADED = _error("overloaded_error", "Overloaded", 529)
LIMITED = _error("rate_limit_error", "would exceed the rate limit of your organization", 429)
BROKEN = _error("api_error", "Internal server error", 500)


@pytest.mark.parametrize(
    ("entries", "attempts", "came"),
    [
        pytest.param([right], 1, TOLD, id="right"),
        pytest.param([OVERLOADED, right], 2, TOLD, id="overloaded once"),
        pytest.param([OVERLOADED], 3, DOWN, id="overloaded"),
        pytest.param([LIMITED, right], 2, TOLD, id="limited once"),
        pytest.param([LIMITED], 3, BUSY, id="limited"),
        pytest.param([BROKEN, right], 2, TOLD, id="an error of its own once"),
        pytest.param([BROKEN], 3, FAILED, id="an error of its own"),
        pytest.param([_error("timeout_error", "timed out", 504)], 3, DOWN, id="timed out"),
        pytest.param(
            [_error("overloaded_error", "Overloaded", 200), right], 2, TOLD, id="200 overloaded"
        ),
        pytest.param(
            [_error("authentication_error", "invalid x-api-key", 401)], 1, WRONG, id="the key"
        ),
        pytest.param(
            [_error("permission_error", "your key may not use this", 403)], 1, WRONG, id="forbidden"
        ),
        pytest.param([_error("not_found_error", "model: m", 404)], 1, WRONG, id="the model"),
        pytest.param(
            [_invalid("Your credit balance is too low to access the API.")], 1, BUSY, id="credit"
        ),
        pytest.param(
            [_invalid("You have reached your specified API usage limits. You will regain access.")],
            1,
            BUSY,
            id="usage limits",
        ),
        pytest.param([_error("billing_error", "check billing", 402)], 1, BUSY, id="billing"),
        pytest.param(
            [_invalid("Output blocked by content filtering policy")], 1, REFUSED, id="a filter"
        ),
        pytest.param(
            [_error("overloaded_error", "Overloaded", 529, x_should_retry="false")],
            1,
            DOWN,
            id="not to be tried again",
        ),
    ],
)
def test_errors_have_their_policy(
    database: Database, entries: list[Entry], attempts: int, came: Came
) -> None:
    """Each documented error is tried again, ends the run, or gives the entity up."""
    run = _ran(database, *entries)
    assert (run.attempts, run.came) == (attempts, came)


def test_a_limit_names_its_wait(database: Database) -> None:
    """The wait of a rate limit is kept."""
    limited = _error("rate_limit_error", "slow down", 429, retry_after="12")
    run = _ran(database, limited, right, timeout_seconds=60)
    assert (run.attempts, run.came) == (2, TOLD)
    assert 12 <= run.waits[0] <= 15


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(
            _invalid("prompt is too long: 208310 tokens > 200000 maximum"), id="a long prompt"
        ),
        pytest.param(
            _invalid("input length and `max_tokens` exceed context limit: 9 + 4096 > 4100"),
            id="input and output",
        ),
        pytest.param(
            _error("request_too_large", "Request exceeds the maximum size", 413), id="413"
        ),
        pytest.param(lambda r: http(message(r, '{"nonce', "max_tokens")), id="cut"),
        pytest.param(
            lambda r: http(message(r, right_text(r), "max_tokens")), id="cut, though it looks whole"
        ),
        pytest.param(lambda r: http(message(r, [], "max_tokens")), id="cut before a word"),
        pytest.param(
            lambda r: http(message(r, '{"n', "model_context_window_exceeded")), id="window full"
        ),
    ],
)
def test_what_is_too_long_is_halved(database: Database, entry: Entry) -> None:
    """Neither a request that does not fit nor a reply that was cut is sent again as it was."""
    run = _ran(database, entry, right)
    assert (run.sizes, run.came) == ([6, 3, 3], TOLD)


def _refuses(structures: tuple[str, ...], said: str) -> Entry:
    return lambda request: _invalid(said) if request.structure in structures else _native(request)


def _native(request: Request) -> Act:
    """Answer right, by the tool where one is asked for."""
    if request.structure != "tool":
        return right(request)
    name = request.body["tool_choice"]["name"]
    used = {"type": "tool_use", "id": "t1", "name": name, "input": right_reply(request.asked)}
    return http(message(request, [{"type": "text", "text": "Here: {"}, used], "tool_use"))


@pytest.mark.parametrize(
    ("refused", "said", "structures"),
    [
        pytest.param(
            ("json_schema",),
            "output_config: Extra inputs are not permitted",
            ["json_schema", "tool"],
            id="no schema",
        ),
        pytest.param(
            ("json_schema",),
            "output_config.format.schema: unsupported keyword",
            ["json_schema", "tool"],
            id="not this schema",
        ),
        pytest.param(
            ("json_schema", "tool"),
            "tool_choice: this model does not support structured outputs",
            ["json_schema", "tool", "none"],
            id="no tool either",
        ),
    ],
)
def test_structure_steps_down(
    database: Database, refused: tuple[str, ...], said: str, structures: list[str]
) -> None:
    """From a schema to a tool that must be used, then to instructions alone."""
    run = _ran(database, _refuses(refused, said))
    assert (run.structures, run.came) == (structures, TOLD)


def test_a_temperature_that_is_refused_is_left_out(database: Database) -> None:
    """Only what the error names is given up."""
    said = "`temperature` is deprecated for this model."
    picky: Entry = lambda r: _invalid(said) if "temperature" in r.body else right(r)  # noqa: E731
    run = _ran(database, picky)
    assert (run.attempts, run.came, run.structures) == (2, TOLD, ["json_schema"] * 2)


def test_a_limit_above_the_models_own_is_told(database: Database) -> None:
    """The protocol needs a limit, so the same request again is of no use."""
    said = "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for m"
    run = _ran(database, _invalid(said), max_output_tokens=8192)
    bodies = [request.body for request in run.requests]
    assert all(body not in bodies[:place] for place, body in enumerate(bodies))
    assert (run.came, "max_tokens" in run.said) == (BAD, True)


THINKING = {"type": "thinking", "thinking": '{"nonce": "no"}', "signature": "x"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([THINKING], [], id="thinking"),
        pytest.param([{"type": "redacted_thinking", "data": "eA=="}], [], id="redacted thinking"),
        pytest.param([{"type": "text", "text": "Sure. "}], [], id="a sentence"),
        pytest.param([], [{"type": "text", "text": "\nDone."}], id="a sentence after it"),
        pytest.param([{"type": "new_kind", "text": "{"}], [], id="a block of an unknown kind"),
    ],
)
def test_the_text_among_the_blocks_is_the_reply(
    database: Database, before: list[Any], after: list[Any]
) -> None:
    """Thinking is none of it, whatever it quotes."""

    def entry(request: Request) -> Act:
        said = {"type": "text", "text": right_text(request)}
        return http(message(request, [*before, said, *after]))

    run = _ran(database, entry)
    assert (run.attempts, run.came) == (1, TOLD)


@pytest.mark.parametrize(
    ("content", "stopped", "attempts", "came"),
    [
        pytest.param([], "end_turn", 2, UNREADABLE, id="no block"),
        pytest.param(None, "end_turn", 2, UNREADABLE, id="null"),
        pytest.param([THINKING], "end_turn", 2, UNREADABLE, id="thinking alone"),
        pytest.param("I would merge two.", "end_turn", 2, UNREADABLE, id="prose"),
        pytest.param([{"type": "tool_use", "input": {}}], "tool_use", 2, UNREADABLE, id="no input"),
        pytest.param(
            [{"type": "text", "text": None}], "end_turn", 2, UNREADABLE, id="text of null"
        ),
        pytest.param("I cannot", "refusal", 1, REFUSED, id="refusal"),
        pytest.param([], "refusal", 1, REFUSED, id="refusal without a word"),
    ],
)
def test_an_answer_without_a_reply_changes_nothing(
    database: Database, content: object, stopped: str, attempts: int, came: Came
) -> None:
    """Nothing readable is asked for once more, a refusal never."""
    run = _ran(database, lambda request: http(message(request, content, stopped)))
    assert (run.attempts, run.came) == (attempts, came)
