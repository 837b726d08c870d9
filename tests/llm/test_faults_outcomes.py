"""Answers of status 200 that bring no plain reply: parts, reasoning, refusals, cuts, errors."""

from typing import Any

import pytest
from fault_server import Act, Entry, Json, Request, http, message, right, right_reply, right_text
from faulting import BUSY, DOWN, FAILED, LEFT, REFUSED, TOLD, UNREADABLE, WRONG, Came, ran

from llm_maint.store.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

THOUGHT = "I wonder whether r1 and r2 are one fact."


def _message(**fields: Any) -> Entry:  # noqa: ANN401 any JSON
    """Return a server whose message has these fields; the text `@` becomes the right reply."""

    def entry(request: Request) -> Act:
        filled = {name: _filled(value, right_text(request)) for name, value in fields.items()}
        finish = filled.pop("finish", None)
        return http(message(request, filled.pop("content", None), finish, **filled))

    return entry


def _filled(value: object, text: str) -> Any:  # noqa: ANN401 any JSON
    if isinstance(value, list):
        return [_filled(item, text) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, text) for name, item in value.items()}
    half = len(text) // 2
    return {"@": text, "@1": text[:half], "@2": text[half:]}.get(str(value), value)


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _answer(**fields: Any) -> Entry:  # noqa: ANN401 any JSON
    """Return a server whose right answer has some fields of its own."""
    return lambda request: http({**message(request, right_text(request)), **fields})


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(_message(content=[_text("@")]), id="a part"),
        pytest.param(_message(content=[_text("@1"), _text("@2")]), id="two parts"),
        pytest.param(_message(content=["@"]), id="a list of texts"),
        pytest.param(
            _message(content=[{"type": "thinking", "thinking": [_text("{")]}, _text("@")]),
            id="thinking, then a part",
        ),
        pytest.param(_message(content=[{"type": "output_text", "text": "@"}]), id="output text"),
        pytest.param(_message(content=None, reasoning_content="@"), id="all in the reasoning"),
        pytest.param(_message(content="", reasoning="@"), id="all in the other reasoning"),
        pytest.param(_message(content="@", reasoning_content=THOUGHT), id="reasoning beside it"),
        pytest.param(_message(content="@", refusal=None, tool_calls=[]), id="fields of null"),
        pytest.param(_message(content="@", refusal=""), id="an empty refusal"),
        pytest.param(_message(content="@", finish="eos"), id="another word for stop"),
        pytest.param(_answer(usage=None), id="no usage"),
        pytest.param(_answer(usage={"prompt_tokens": -5, "completion_tokens": "x"}), id="usage"),
        pytest.param(_answer(usage={"prompt_tokens": 10**30}), id="usage beyond reason"),
        pytest.param(_answer(model=None), id="no model"),
        pytest.param(_answer(error=None), id="an error of null"),
        pytest.param(_answer(logprobs=float("nan")), id="NaN beside the message"),
    ],
)
def test_a_reply_is_read_from_wherever_it_stands(database: Database, entry: Entry) -> None:
    """Servers wrap one and the same reply in many ways."""
    run = ran(database, entry)
    assert (run.attempts, run.came) == (1, TOLD)


def _called(request: Request) -> Act:
    function = {"name": "reply", "arguments": right_text(request)}
    call = {"id": "c1", "type": "function", "function": function}
    return http(message(request, None, "tool_calls", tool_calls=[call]))


def _choices(*choices: object) -> Act:
    return http({"model": "m", "choices": list(choices)})


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(_message(content=None), id="content of null"),
        pytest.param(_message(content=""), id="no text"),
        pytest.param(_message(content=" \n"), id="white space"),
        pytest.param(_message(content=[]), id="no parts"),
        pytest.param(_message(content=[{"type": "image_url"}]), id="a picture"),
        pytest.param(_message(content=7), id="a number"),
        pytest.param(_message(content=None, reasoning_content=THOUGHT), id="a thought alone"),
        pytest.param(_called, id="a call of a tool"),
        pytest.param(_choices(), id="no choices"),
        pytest.param(http({"choices": None}), id="choices of null"),
        pytest.param(_choices({"text": "{}", "finish_reason": "stop"}), id="an old completion"),
        pytest.param(_choices({"delta": {"content": "{}"}}), id="a delta"),
        pytest.param(_choices({"message": None}), id="a message of null"),
        pytest.param(http({}), id="an empty object"),
        pytest.param(http({"message": {"content": "{}"}, "done": True}), id="Ollama's own form"),
    ],
)
def test_an_answer_without_a_reply_is_asked_for_once_more(database: Database, entry: Entry) -> None:
    """Another seed may bring one; two such answers give the entity up."""
    assert ran(database, entry, right).came == TOLD


def test_two_answers_without_a_reply_give_the_entity_up(database: Database) -> None:
    """The second question has another seed, and is the last."""
    run = ran(database, _message(content=None))
    assert (run.attempts, run.came, run.waits) == (2, UNREADABLE, [])


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(_message(content=None, refusal="I cannot do that."), id="a refusal"),
        pytest.param(_message(content="@", refusal="I cannot do that."), id="a refusal beside it"),
        pytest.param(_message(content="", finish="content_filter"), id="a filter"),
        pytest.param(_message(content="@", finish="content_filter"), id="a filter, with text"),
        pytest.param(_message(content=None, finish="SAFETY"), id="safety"),
        pytest.param(_message(content=None, finish="RECITATION"), id="recitation"),
        pytest.param(_message(content=None, finish="PROHIBITED_CONTENT"), id="prohibited"),
    ],
)
def test_a_refusal_gives_the_entity_up(database: Database, entry: Entry) -> None:
    """It is not asked for again, and what came with it is not used."""
    run = ran(database, entry)
    assert (run.attempts, run.came, run.waits) == (1, REFUSED, [])


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(_message(content="@1", finish="length"), id="half a reply"),
        pytest.param(_message(content="@", finish="length"), id="a reply that looks whole"),
        pytest.param(_message(content=None, finish="length"), id="nothing"),
        pytest.param(
            _message(content="", reasoning_content="@", finish="length"), id="thoughts only"
        ),
        pytest.param(_message(content="@1", finish="MAX_TOKENS"), id="Google's word"),
        pytest.param(_message(content="@1", finish="model_length"), id="Mistral's word"),
        pytest.param(http("", 413), id="413"),
        pytest.param(
            http({"error": {"message": "too long", "code": "context_length_exceeded"}}, 400),
            id="OpenAI, a request",
        ),
        pytest.param(
            http({"error": {"message": "the request exceeds the available context size"}}, 400),
            id="llama.cpp, a request",
        ),
        pytest.param(
            http({"error": "The prompt is too long for the context window."}, 400), id="a string"
        ),
        pytest.param(
            http({"object": "error", "message": "Please reduce the length of the messages."}, 400),
            id="vLLM, a request",
        ),
        pytest.param(
            http({"error": {"message": "input is too long: context length exceeded"}}),
            id="an error of 200",
        ),
        pytest.param(http({"error": "input length exceeds context"}, 500), id="500"),
    ],
)
def test_what_is_too_long_is_halved_and_never_repaired(database: Database, entry: Entry) -> None:
    """Each half is asked about once, and both together say what the whole would have said."""
    run = ran(database, entry, right)
    assert (run.sizes, run.came) == ([6, 3, 3], TOLD)


@pytest.mark.parametrize(
    ("entry", "sizes", "setting"),
    [
        pytest.param(
            _message(content="@1", finish="length"),
            [6, 3, 2, 1, 1],
            "llm.max_output_tokens",
            id="replies",
        ),
        pytest.param(
            http({"error": "prompt is too long"}, 400),
            [6, 3, 2, 1, 1],
            "llm.context_tokens",
            id="requests",
        ),
    ],
)
def test_what_is_too_long_even_alone_is_left(
    database: Database, entry: Entry, sizes: list[int], setting: str
) -> None:
    """Halving ends at one row; the rows stay, and the setting that would help is named."""
    run = ran(database, entry)
    assert (run.sizes, run.came) == (sizes, LEFT)
    assert any(setting in said for said in run.advice)


def test_a_context_that_a_server_names_bounds_the_reply(database: Database) -> None:
    """Where prompt and reply together are too long, a shorter reply is asked for."""
    said = "This model's maximum context length is 4096 tokens. However, you requested 4700."

    def entry(request: Request) -> Act:
        fits = request.body["max_tokens"] <= 2048
        return right(request) if fits else http({"error": {"message": said}}, 400)

    run = ran(database, entry)
    assert (run.sizes, run.came) == ([6, 6], TOLD)


def _error(**error: Any) -> Act:  # noqa: ANN401 any JSON
    return http({"error": error})


def _broken_off(code: int, said: str) -> Entry:
    """Return a server that meets an error while the model writes, as OpenRouter reports it."""
    fault = {"code": code, "message": said}
    return lambda request: _choices(
        {"message": {"content": right_text(request)[:40]}, "finish_reason": "error", "error": fault}
    )


@pytest.mark.parametrize(
    ("entry", "attempts", "came"),
    [
        pytest.param(_error(code=503, message="no instances"), 3, DOWN, id="503"),
        pytest.param(_error(code="502", message="bad gateway"), 3, DOWN, id="502 as text"),
        pytest.param(_error(code=429, message="Rate limit exceeded"), 3, BUSY, id="429"),
        pytest.param(_error(code=500, message="went wrong"), 3, FAILED, id="500"),
        pytest.param(_error(status=504, message="time"), 3, DOWN, id="504"),
        pytest.param(_error(message="Overloaded", type="overloaded_error"), 3, DOWN, id="overload"),
        pytest.param(_error(message="x", type="server_error"), 3, FAILED, id="server error"),
        pytest.param(http({"error": "model is busy, try again"}), 3, DOWN, id="a string"),
        pytest.param(_broken_off(502, "Provider disconnected"), 3, FAILED, id="broken off"),
        pytest.param(_error(code=401, message="No auth credentials"), 1, WRONG, id="401"),
        pytest.param(_error(code=404, message="No such model"), 1, WRONG, id="404"),
        pytest.param(_error(code=402, message="Insufficient credits"), 1, BUSY, id="402"),
        pytest.param(_error(code=403, message="input was flagged"), 1, REFUSED, id="403 flagged"),
        pytest.param(_error(code="insufficient_quota", message="x"), 1, BUSY, id="quota by name"),
        pytest.param(_error(code="invalid_api_key", message="x"), 1, WRONG, id="key by name"),
    ],
)
def test_an_error_within_a_200_has_the_policy_of_its_status(
    database: Database, entry: Entry, attempts: int, came: Came
) -> None:
    """Some proxies answer 200 to everything; the error within it counts."""
    run = ran(database, entry)
    assert (run.attempts, run.came) == (attempts, came)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(_error(code=503, message="no instances"), id="503"),
        pytest.param(_error(message="Overloaded"), id="overload"),
        pytest.param(_broken_off(502, "Provider disconnected"), id="within a choice"),
    ],
)
def test_a_passing_error_within_a_200_is_tried_again(database: Database, entry: Entry) -> None:
    """One more attempt brings the reply."""
    run = ran(database, entry, right)
    assert (run.attempts, run.came) == (2, TOLD)


@pytest.mark.parametrize("key", ["1", "no", "r", "EMPTY", "sk-local", "null"])
def test_a_key_that_is_only_a_stand_in_spoils_no_reply(database: Database, key: str) -> None:
    """Local servers want any key; hiding it from messages must not touch what the model said."""
    run = ran(database, right, api_key=key)
    assert (run.attempts, run.came) == (1, TOLD)


def test_a_reply_is_a_function_of_its_request(database: Database) -> None:
    """The server of these tests answers what it was asked, so equal requests mean equal replies."""
    (request,) = ran(database, right).requests
    assert right_reply(request.asked)["nonce"] == request.asked["nonce"]
    assert right_reply(request.asked)["remove"][0]["id"] == "r3"
