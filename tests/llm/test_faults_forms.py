"""Servers that take less than is asked for: the request steps down, once a run, and by the part."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fault_server import Act, Entry, Json, Request, http, message, right
from faulting import BAD, FAILED, TOLD, Came, Ran, ran, ran_all

from llm_maint.store.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FULL = ("json_schema", "max_tokens", "temperature")

OBJECT = ("json_object", "max_tokens", "temperature")

PLAIN = ("none", "max_tokens", "temperature")


def _form(body: Json) -> tuple[str, ...]:
    """Return what a request asks for beside its messages."""
    kind = body.get("response_format", {}).get("type", "none")
    names = ("max_tokens", "max_completion_tokens", "temperature", "seed")
    return (kind, *(name for name in names if name in body))


def _forms(run: Ran) -> list[tuple[str, ...]]:
    return [_form(request.body) for request in run.requests]


def _refusing(answer: Act, *parts: str) -> Entry:
    """Return a server that answers so while a request asks for any of these parts."""

    def entry(request: Request) -> Act:
        return answer if set(parts) & set(_form(request.body)) else right(request)

    return entry


def _error(said: str, status: int = 400, **more: Any) -> Act:  # noqa: ANN401 any JSON
    return http({"error": {"message": said, **more}}, status)


def _detail(place: str, said: str, kind: str = "extra_forbidden", **more: Any) -> list[Json]:  # noqa: ANN401
    return [{"type": kind, "loc": ["body", *place.split(".")], "msg": said, **more}]


def _structure_refused() -> Iterator[tuple[str, Act]]:
    """Yield how servers refuse a schema while they would take a plain object."""
    yield (
        "OpenAI",
        _error(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported",
            param="response_format",
        ),
    )
    yield "Azure", _error("response_format value as json_schema needs api version 2024-08-01")
    said = "Input should be 'text' or 'json_object'"
    listed = _detail("response_format.type", said, "literal_error")
    yield "FastAPI, 422", http({"detail": listed}, 422)
    yield (
        "Mistral, 422",
        http({"object": "error", "message": {"detail": listed}, "type": "invalid_request"}, 422),
    )
    yield "vLLM", http({"object": "error", "message": str(listed), "type": "BadRequestError"}, 400)
    yield "DeepSeek", _error("This response_format type is unavailable now")
    yield "Groq", _error("This model does not support response format `json_schema`.")
    yield (
        "Groq, at work",
        _error("Failed to generate JSON. Adjust your prompt.", code="json_validate_failed"),
    )
    yield "LM Studio, a string", http({"error": "'response_format.type' must be 'text'"}, 400)
    yield "llama.cpp", _error("Failed to initialize samplers: failed to parse grammar")
    yield "llama.cpp, 500", _error("failed to parse grammar", 500, type="server_error")
    yield "Ollama, 500", _error("invalid JSON schema in format", 500, type="api_error")
    yield "Ollama, a string", http({"error": "invalid JSON schema in format"}, 500)
    yield "OpenRouter, 404", _error("No endpoints can handle the requested parameters.", 404)
    raw = '{"message": "json_schema is not supported"}'
    yield "OpenRouter, 400", _error("Provider returned error", metadata={"raw": raw})
    google = {
        "code": 400,
        "message": 'Invalid JSON payload received. Unknown name "additionalProperties" at '
        "'generation_config.response_schema': Cannot find field.",
        "status": "INVALID_ARGUMENT",
    }
    yield "Google, a list", http([{"error": google}], 400)
    yield "SGLang", http({"object": "error", "message": "Failed to compile json grammar"}, 400)
    yield "TGI, 422", http({"error": "Input validation error: grammar", "error_type": "v"}, 422)
    unsupported = "litellm.UnsupportedParamsError: does not support ['response_format']"
    yield "LiteLLM", _error(unsupported, code="400")
    yield "LiteLLM, 500", _error(unsupported, 500, code="500")
    yield "plain text", http("response_format is not supported", 400)
    yield "plain text, 500", http("guided decoding is not installed", 500)
    yield "without a word", http("", 400)
    yield "200, a string", http({"error": "response_format is not supported"})
    yield "200, a code", http({"error": {"message": "no json_schema here", "code": 400}})
    yield "501", http({"detail": "structured output is not implemented"}, 501)


@pytest.mark.parametrize("answer", [pytest.param(a, id=name) for name, a in _structure_refused()])
def test_a_schema_that_is_refused_becomes_an_object(database: Database, answer: Act) -> None:
    """One attempt more, nothing else given up, and no wait: the server is well."""
    run = ran(database, _refusing(answer, "json_schema"))
    assert (_forms(run), run.came, run.waits) == ([FULL, OBJECT], TOLD, [])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http("", 400), id="without a word"),
        pytest.param(_error("'response_format' is not supported", 422), id="named"),
        pytest.param(http({"error": "format json_schema is not supported"}, 500), id="500"),
    ],
)
def test_an_object_that_is_refused_becomes_instructions(database: Database, answer: Act) -> None:
    """The third step asks by instructions alone."""
    run = ran(database, _refusing(answer, "json_schema", "json_object"))
    assert (_forms(run), run.came) == ([FULL, OBJECT, PLAIN], TOLD)


def _without(body: str) -> tuple[str, ...]:
    return tuple(name for name in FULL if name != body)


OTHER = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."  # noqa: E501
MORE = ("json_schema", "max_completion_tokens", "temperature")


@pytest.mark.parametrize(
    ("answer", "part", "then"),
    [
        pytest.param(_error(OTHER, param="max_tokens"), "max_tokens", MORE, id="limit, OpenAI"),
        pytest.param(
            http({"detail": _detail("max_tokens", "Extra inputs are not permitted")}, 422),
            "max_tokens",
            MORE,
            id="limit, FastAPI",
        ),
        pytest.param(http({"error": OTHER}, 400), "max_tokens", MORE, id="limit, a string"),
        pytest.param(
            _error(
                "Unsupported value: 'temperature' does not support 0 with this model.",
                param="temperature",
                code="unsupported_value",
            ),
            "temperature",
            _without("temperature"),
            id="temperature, OpenAI",
        ),
        pytest.param(
            _error("litellm.UnsupportedParamsError: models don't support temperature=0.0"),
            "temperature",
            _without("temperature"),
            id="temperature, LiteLLM",
        ),
        pytest.param(
            http({"detail": _detail("temperature", "Input should be greater than 0")}, 422),
            "temperature",
            _without("temperature"),
            id="temperature, FastAPI",
        ),
        pytest.param(
            http(
                {"detail": _detail("response_format", "no", input={"temperature": "max_tokens"})},
                422,
            ),
            "json_schema",
            OBJECT,
            id="the format, quoting the rest",
        ),
    ],
)
def test_only_the_part_that_is_named_is_given_up(
    database: Database, answer: Act, part: str, then: tuple[str, ...]
) -> None:
    """A limit under another name, no temperature, or less structure: whichever it was."""
    run = ran(database, _refusing(answer, part))
    assert (_forms(run), run.came) == ([FULL, then], TOLD)


def test_a_server_without_any_limit_gets_none(database: Database) -> None:
    """Where neither name is known, the server bounds its replies itself."""
    answer = _error("Unrecognized request arguments: max_tokens, max_completion_tokens")
    run = ran(database, _refusing(answer, "max_tokens", "max_completion_tokens"))
    assert (_forms(run), run.came) == ([FULL, MORE, ("json_schema", "temperature")], TOLD)


def test_several_parts_are_given_up_one_by_one(database: Database) -> None:
    """A reasoning model of OpenAI behind a proxy without schemas refuses three things in turn."""

    def picky(request: Request) -> Act:
        form = _form(request.body)
        if "max_tokens" in form:
            return _error(OTHER, param="max_tokens")
        if "temperature" in form:
            return _error("'temperature' does not support 0", param="temperature")
        return http("", 400) if "json_schema" in form else right(request)

    run = ran(database, picky)
    assert (run.attempts, run.came) == (4, TOLD)
    assert _forms(run)[-1] == ("json_object", "max_completion_tokens")


@pytest.mark.parametrize("status", [400, 422])
def test_a_seed_that_is_refused_is_left_out(database: Database, status: int) -> None:
    """A seed is sent with the second question alone, and only it is given up."""
    answer = http({"detail": _detail("seed", "Extra inputs are not permitted")}, status)
    picky = _refusing(answer, "seed")
    entries: list[Entry] = [lambda request: http(message(request, "no JSON")), picky]
    run = ran(database, *entries)
    assert (_forms(run), run.came) == ([FULL, (*FULL, "seed"), FULL], TOLD)


@pytest.mark.parametrize(
    ("structure", "came"),
    [("json_schema", BAD), ("json_object", BAD), ("none", BAD)],
)
def test_a_structure_that_is_set_is_not_given_up(
    database: Database, structure: str, came: Came
) -> None:
    """What the settings ask for is asked for, and its refusal is told at once."""
    run = ran(database, http("no such format", 400), structured_output=structure)
    assert (run.structures, run.came, run.waits) == ([structure], came, [])


@pytest.mark.parametrize(
    ("answer", "attempts", "came"),
    [
        pytest.param(http("", 400), 3, BAD, id="400 without a word"),
        pytest.param(_error("response_format: no", 422), 3, BAD, id="422 that names it always"),
        pytest.param(_error("messages: unknown role system"), 3, BAD, id="400 of another cause"),
    ],
)
def test_what_is_refused_in_every_form_is_given_up(
    database: Database, answer: Act, attempts: int, came: Came
) -> None:
    """After the last step there is nothing less to ask for."""
    run = ran(database, answer)
    assert (run.attempts, run.came, run.waits) == (attempts, came, [])


def test_a_500_that_names_nothing_is_no_step(database: Database) -> None:
    """It is tried again as it was, and plainly at last: some servers crash over a schema."""
    run = ran(database, _refusing(http("Internal Server Error", 500), "json_schema"))
    assert (run.structures, run.came) == (["json_schema", "json_schema", "none"], TOLD)
    always = ran_all(database, 1, http("Internal Server Error", 500))
    assert (always.attempts, always.exit_code) == (3, FAILED[2])


@pytest.mark.parametrize(
    ("picky", "attempts"),
    [
        pytest.param(_refusing(http("", 400), "json_schema"), 6, id="an object"),
        pytest.param(_refusing(http("", 400), "json_schema", "json_object"), 7, id="instructions"),
        pytest.param(_refusing(_error(OTHER), "max_tokens"), 6, id="the limit"),
        pytest.param(_refusing(_error("no temperature"), "temperature"), 6, id="the temperature"),
    ],
)
def test_a_step_is_remembered_for_the_run(database: Database, picky: Entry, attempts: int) -> None:
    """Five entities: what the first was refused is not asked for again."""
    run = ran_all(database, 5, picky)
    assert (run.attempts, run.exit_code, run.failed) == (attempts, 0, 0)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda _: "Sure! I would merge the first two rows.", id="prose"),
        pytest.param(lambda _: '{"answer": "I merged them"}', id="another object"),
        pytest.param(lambda _: '{"groups": "none", "remove": []}', id="other types"),
    ],
)
def test_a_200_that_did_not_obey_is_no_reply(
    database: Database, said: Callable[[Request], str]
) -> None:
    """A schema that was taken and ignored is not trusted; another seed is tried."""
    run = ran(database, lambda request: http(message(request, said(request))), right)
    assert (run.attempts, run.came) == (2, TOLD)
