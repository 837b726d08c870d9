"""Statuses that are no success: which are tried again, which end the run, and what they say."""

from typing import Any

import pytest
from fault_server import Act, Entry, http, right
from faulting import BAD, BUSY, DOWN, FAILED, KEPT, REFUSED, TOLD, WRONG, Came, ran

from llm_maint.store.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PAGE = "<html><head><title>{0}</title></head><body><center>nginx</center></body></html>"


def _error(message: str, status: int = 400, **more: Any) -> Act:  # noqa: ANN401 any JSON
    return http({"error": {"message": message, **more}}, status)


@pytest.mark.parametrize(
    "status", [408, 409, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529, 530, 599]
)
def test_a_status_that_passes_is_tried_again(database: Database, status: int) -> None:
    """A page of a proxy in front of a busy server costs one attempt more."""
    run = ran(database, http(PAGE.format(status), status), right)
    assert (run.attempts, run.came, len(run.waits)) == (2, TOLD, 1)


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        pytest.param(http("", 408), DOWN, id="408"),
        pytest.param(http("", 429), BUSY, id="429 without a word"),
        pytest.param(
            _error("Rate limit reached for requests", 429, type="requests"),
            BUSY,
            id="429 of OpenAI",
        ),
        pytest.param(
            http({"detail": "Too many requests"}, 429, then="close", connection="close"),
            BUSY,
            id="429 of FastAPI",
        ),
        pytest.param(http("Internal Server Error", 500), FAILED, id="500 in plain text"),
        pytest.param(
            _error("The server had an error while processing", 500, type="server_error"),
            FAILED,
            id="500 of OpenAI",
        ),
        pytest.param(http({"error": "llama runner process has terminated"}, 500), FAILED, id="500"),
        pytest.param(http(PAGE.format("502 Bad Gateway"), 502), DOWN, id="502 of nginx"),
        pytest.param(
            _error("Loading model", 503, type="unavailable_error"), DOWN, id="503 loading"
        ),
        pytest.param(http("server busy, please try again.", 503), DOWN, id="503 with a queue"),
        pytest.param(http(PAGE.format("504"), 504), DOWN, id="504"),
        pytest.param(http("error code: 524", 524), FAILED, id="524 of Cloudflare"),
        pytest.param(_error("Overloaded", 529, type="overloaded_error"), DOWN, id="529"),
    ],
)
def test_a_status_that_stays_ends_in_its_own_way(
    database: Database, answer: Act, came: Came
) -> None:
    """Three attempts, then: this request failed, the server is down, or it has no room for us."""
    run = ran(database, answer)
    assert (run.attempts, run.came, len(run.waits)) == (3, came, 2), run.said


@pytest.mark.parametrize(
    ("answer", "setting"),
    [
        pytest.param(
            _error("Incorrect API key provided: sk-***.", 401, code="invalid_api_key"),
            "llm.api_key",
            id="401 of OpenAI",
        ),
        pytest.param(http("Unauthorized", 401), "llm.api_key", id="401 in plain text"),
        pytest.param(http({"error": "Unauthorized"}, 401), "llm.api_key", id="401 of vLLM"),
        pytest.param(
            http({"detail": "Invalid or missing token"}, 403), "llm.api_key", id="403 of FastAPI"
        ),
        pytest.param(http(PAGE.format("403 Forbidden"), 403), "llm.api_key", id="403 page"),
        pytest.param(
            _error("Country, region, or territory not supported", 403), "llm.api_key", id="country"
        ),
        pytest.param(
            http(
                [
                    {
                        "error": {
                            "code": 400,
                            "message": "API key not valid. Please pass a valid API key.",
                            "status": "INVALID_ARGUMENT",
                            "details": [{"reason": "API_KEY_INVALID"}],
                        }
                    }
                ],
                400,
            ),
            "llm.api_key",
            id="400 key of Google",
        ),
        pytest.param(
            _error("The model `m` does not exist.", 404, type="NotFoundError"),
            "llm.model",
            id="404 of vLLM",
        ),
        pytest.param(
            _error('model "m" not found, try pulling it first', 404),
            "llm.model",
            id="404 of Ollama",
        ),
        pytest.param(
            _error("No models loaded. Please load a model first.", 404, code="model_not_found"),
            "llm.model",
            id="404 of LM Studio",
        ),
        pytest.param(
            _error("The API deployment does not exist.", 404, code="DeploymentNotFound"),
            "llm.base_url",
            id="404 of Azure",
        ),
        pytest.param(http({"detail": "Not Found"}, 404), "llm.base_url", id="404 of FastAPI"),
        pytest.param(http(PAGE.format("404"), 404), "llm.base_url", id="404 page"),
        pytest.param(
            http(PAGE.format("405 Not Allowed"), 405), "llm.base_url", id="405 of a web server"
        ),
        pytest.param(
            http({"detail": "Method Not Allowed"}, 405), "llm.base_url", id="405 of FastAPI"
        ),
        pytest.param(_error("m is not a valid model ID", 400), "llm.model", id="400 of OpenRouter"),
        pytest.param(
            http({"object": "error", "message": "Invalid model: m", "type": "invalid_model"}, 400),
            "llm.model",
            id="400 of Mistral",
        ),
        pytest.param(_error("Model Not Exist", 400), "llm.model", id="400 of DeepSeek"),
        pytest.param(
            _error(
                "The model `m` has been decommissioned and is no longer supported.",
                400,
                code="model_decommissioned",
            ),
            "llm.model",
            id="400 of Groq",
        ),
        pytest.param(
            _error(
                "The requested model 'm' is not supported by any provider you have enabled.",
                400,
                code="model_not_supported",
            ),
            "llm.model",
            id="400 of Hugging Face",
        ),
        pytest.param(http("", 301, location="/login"), "llm.base_url", id="301"),
        pytest.param(http("", 302, location="https://sso.example/"), "llm.base_url", id="302"),
        pytest.param(http("", 303, location="/"), "llm.base_url", id="303"),
        pytest.param(http("", 307, location="https://other/v1"), "llm.base_url", id="307"),
        pytest.param(http("", 308, location="https://other/v1"), "llm.base_url", id="308"),
        pytest.param(http("", 302), "llm.base_url", id="302 to nowhere"),
    ],
)
def test_what_the_settings_got_wrong_ends_the_run_at_once(
    database: Database, answer: Act, setting: str
) -> None:
    """A key, a model, a path or a redirect is tried once, and the message names the setting."""
    run = ran(database, answer)
    assert (run.attempts, run.came, run.waits) == (1, WRONG, [])
    assert setting in run.said


@pytest.mark.parametrize("status", [406, 411, 415, 418, 431, 451])
def test_another_refusal_gives_this_request_up(database: Database, status: int) -> None:
    """The rest of the fours is never tried again."""
    run = ran(database, http("no", status))
    assert (run.attempts, run.came, run.waits) == (1, BAD, [])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            _error(
                "You exceeded your current quota, please check your plan and billing details.",
                429,
                type="insufficient_quota",
                code="insufficient_quota",
            ),
            id="OpenAI",
        ),
        pytest.param(_error("Insufficient Balance", 402), id="DeepSeek"),
        pytest.param(
            _error("This request requires more credits, or fewer max_tokens.", 402, code=402),
            id="OpenRouter",
        ),
        pytest.param(http("Payment Required", 402), id="plain text"),
        pytest.param(http({"error": "You have exceeded your monthly credits"}, 402), id="a string"),
        pytest.param(
            _error("You have run out of credits. Please check your billing.", 403), id="403"
        ),
    ],
)
def test_a_quota_that_is_used_up_ends_the_run(database: Database, answer: Act) -> None:
    """What was paid for is spent: trying again would change nothing."""
    run = ran(database, answer)
    assert (run.attempts, run.came, run.waits) == (1, BUSY, [])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            _error(
                "The response was filtered due to the prompt triggering the content management "
                "policy. Please modify your prompt and retry.",
                400,
                code="content_filter",
                param="prompt",
            ),
            id="Azure",
        ),
        pytest.param(
            _error("Your prompt was flagged as violating our policy.", 400, code="invalid_prompt"),
            id="OpenAI",
        ),
        pytest.param(
            _error(
                "m requires moderation. Your input was flagged for 'x'.",
                403,
                code=403,
                metadata={"reasons": ["x"], "flagged_input": "hello"},
            ),
            id="OpenRouter",
        ),
        pytest.param(
            _error("Content Exists Risk", 400, type="invalid_request_error"), id="DeepSeek"
        ),
        pytest.param(
            _error(
                "Input data may contain inappropriate content.", 400, code="data_inspection_failed"
            ),
            id="Alibaba",
        ),
    ],
)
def test_a_filter_gives_this_entity_up(database: Database, answer: Act) -> None:
    """What a filter does not let through is not asked again in other forms."""
    run = ran(database, answer)
    assert (run.attempts, run.came) == (1, REFUSED)


@pytest.mark.parametrize(
    ("entries", "attempts", "came"),
    [
        pytest.param([http("", 503), http("", 429), right], 3, TOLD, id="503, 429, right"),
        pytest.param([http("", 503), http("", 500)], 3, FAILED, id="503, 500 for ever"),
        pytest.param([Act(), http("", 401)], 2, WRONG, id="broken, 401"),
        pytest.param([http("", 500), http("no", 418)], 2, BAD, id="500, 418"),
        pytest.param([http("", 500), http("", 402)], 2, BUSY, id="500, 402"),
    ],
)
def test_the_last_word_counts(
    database: Database, entries: list[Entry], attempts: int, came: Came
) -> None:
    """Attempts are counted whatever fails, and the last failure is the one that is told."""
    run = ran(database, *entries)
    assert (run.attempts, run.came) == (attempts, came)


def test_a_key_that_a_server_echoes_is_not_told(database: Database) -> None:
    """The message quotes the server, and not the secret."""
    run = ran(database, _error("bad key sk-secret-1", 401), api_key="sk-secret-1")
    assert (run.attempts, run.came[0], "sk-secret-1" in run.said) == (1, KEPT, False)
    assert run.requests[0].headers["authorization"] == "Bearer sk-secret-1"
