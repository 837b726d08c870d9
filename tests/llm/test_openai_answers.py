"""What is no reply: every answer of a model server that cannot be used, and why."""

import socket

import pytest
from building import PROMPT, asking
from model_server import ModelServer, Raw, completion

from llm_maint.errors import (
    ConfigurationError,
    MaintError,
    ModelReplyError,
    ModelUnavailableError,
)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param(
            Raw(body='{"error": {"message": "out of memory"}}'),
            "answered an error: .*out of memory",
            id="an error with status 200",
        ),
        pytest.param(Raw(body="<html>hello</html>"), "answered no JSON: <html>", id="a page"),
        pytest.param(Raw(body=""), "answered no JSON: nothing", id="nothing"),
        pytest.param(Raw(body=b"\xff\xfe"), "answered no JSON", id="no text"),
        pytest.param(Raw(body="[" * 100_000), "answered no JSON", id="nested beyond reading"),
        pytest.param(Raw(body="[]"), "answered no JSON", id="a list"),
        pytest.param(Raw(body="null"), "answered no JSON", id="null"),
        pytest.param(Raw(body="{}"), "without a message", id="an empty object"),
        pytest.param(Raw(body='{"choices": []}'), "without a message", id="no choices"),
        pytest.param(Raw(body='{"choices": null}'), "without a message", id="choices of null"),
        pytest.param(Raw(body='{"choices": {"0": 1}}'), "without a message", id="no list"),
        pytest.param(Raw(body='{"choices": [null]}'), "without a message", id="a choice of null"),
        pytest.param(Raw(body='{"choices": [{}]}'), "an empty message", id="an empty choice"),
        pytest.param(Raw(body='{"choices": [{"message": "x"}]}'), "without a message", id="a text"),
        pytest.param(Raw(body=completion(None)), "an empty message", id="content of null"),
        pytest.param(Raw(body=completion(5)), "an empty message", id="a number as content"),
        pytest.param("", "with an empty message", id="an empty message"),
        pytest.param(" \n\t", "with an empty message", id="white space"),
        pytest.param(Raw(status=413, body="too\n  large"), "answered 413: too large", id="413"),
    ],
)
def test_an_answer_that_is_no_reply_is_an_error(answer: str | Raw, problem: str) -> None:
    """What cannot be used is not asked for again at once, and the message quotes the server."""
    with ModelServer(lambda _: answer) as server, pytest.raises(ModelReplyError, match=problem):
        asking(server.url, structured_output="none").complete(PROMPT)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_a_matter_of_configuration(status: int) -> None:
    """The message says where the key is set, not what it is."""
    with (
        ModelServer(lambda _: Raw(status=status, body="bad key s3cret")) as server,
        pytest.raises(ConfigurationError, match=r"refuses the key: .*api_key") as caught,
    ):
        asking(server.url, api_key="s3cret").complete(PROMPT)
    assert "s3cret" not in str(caught.value)
    assert len(server.requests) == 1


def test_an_unknown_model_or_path_is_a_matter_of_configuration() -> None:
    """404 says which path and model there is not, and what the server said."""
    said = "model 'm' not found"
    with (
        ModelServer(lambda _: Raw(status=404, body=said)) as server,
        pytest.raises(ConfigurationError, match=r"no such path or no model 'm'.*found"),
    ):
        asking(server.url).complete(PROMPT)


def test_a_long_answer_is_quoted_at_its_start() -> None:
    """A page of an error is not kept whole."""
    with (
        ModelServer(lambda _: Raw(status=418, body="x" * 100_000)) as server,
        pytest.raises(ModelReplyError) as caught,
    ):
        asking(server.url).complete(PROMPT)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "base_url",
    ["http://host:port/v1", "http://[::1/v1", "http://\x00/v1", "http://a..b/v1", "http:///v1"],
)
def test_an_address_that_is_none_is_not_a_crash(base_url: str) -> None:
    """A base_url that leads nowhere is said to be wrong, or not to be reached."""
    with pytest.raises((ConfigurationError, ModelUnavailableError)):
        asking(base_url).complete(PROMPT)


@pytest.mark.parametrize("key", ["s3cret\nx", "schl\u00fcssel-s3cret", "s3cret\x00"])
def test_a_key_that_no_header_can_hold_is_a_matter_of_configuration(key: str) -> None:
    """A key file with something else in it is explained, and the key not shown."""
    with (
        ModelServer(lambda _: "hello") as server,
        pytest.raises(ConfigurationError) as caught,
    ):
        asking(server.url, api_key=key).complete(PROMPT)
    assert "s3cret" not in str(caught.value)


def test_the_address_in_a_message_has_no_password() -> None:
    """A password of the base_url does not get into logs."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(ModelUnavailableError, match=f"http://127.0.0.1:{port}/v1") as caught:
            asking(f"http://u:s3cret@127.0.0.1:{port}/v1").complete(PROMPT)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_server_that_echoes_the_key_does_not_get_it_printed(status: int) -> None:
    """What a server says is quoted without the key, whatever it was asked."""
    said = "no access for s3cret-key"
    with (
        ModelServer(lambda _: Raw(status=status, body=said)) as server,
        pytest.raises(MaintError, match="no access for") as caught,
    ):
        asking(server.url, api_key="s3cret-key", structured_output="none").complete(PROMPT)
    assert "s3cret-key" not in str(caught.value)
