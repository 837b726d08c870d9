"""The client of a model server: what it sends, and what it makes of a reply."""

import contextlib
import json
import socket
import threading
from typing import Any

import pytest
from building import PROMPT, asking
from model_server import ModelServer, Raw, completion

from llm_maint.domain.chat import Completion, Usage
from llm_maint.errors import ConfigurationError, ModelReplyError, ModelUnavailableError


def _asked(answer: str | Raw, **changed: Any) -> tuple[Completion, ModelServer]:  # noqa: ANN401 any field
    with ModelServer(lambda _: answer) as server:
        return asking(server.url, **changed).complete(PROMPT), server


def test_a_reply_comes_with_its_model_and_usage() -> None:
    """The message's text, who wrote it, and the call with its tokens."""
    reply, _ = _asked("hello")
    assert reply == Completion(text="hello", model="scripted", usage=Usage(1, 7, 3))


def test_the_request_is_a_chat_completion() -> None:
    """Rules and rows go as two messages, with the schema, the bound and the temperature."""
    _, server = _asked("hello")
    assert server.paths == ["/v1/chat/completions"]
    assert server.requests == [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "rules"},
                {"role": "user", "content": '{"rows": []}'},
            ],
            "temperature": 0.25,
            "max_tokens": 100,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "strict": True, "schema": {"type": "object"}},
            },
        }
    ]


@pytest.mark.parametrize(
    ("structured", "sent"),
    [
        ("auto", "json_schema"),
        ("json_schema", "json_schema"),
        ("json_object", "json_object"),
        ("none", None),
    ],
)
def test_how_much_structure_is_asked_for_is_a_setting(structured: str, sent: str | None) -> None:
    """A schema where the server may have it, less where the settings say so."""
    _, server = _asked("hello", structured_output=structured)
    assert server.requests[0].get("response_format", {}).get("type") == sent


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_structure_is_asked_by_instructions_alone(status: int) -> None:
    """What was refused once is not asked for again by the same client."""

    def reply(body: dict[str, Any]) -> str | Raw:
        return Raw(status=status, body="no json_schema") if "response_format" in body else "hello"

    with ModelServer(reply) as server:
        model = asking(server.url)
        assert [model.complete(PROMPT).text for _ in range(2)] == ["hello", "hello"]
    assert ["response_format" in body for body in server.requests] == [True, True, False, False]


@pytest.mark.parametrize("structured", ["json_schema", "json_object", "none"])
def test_only_auto_gives_up_structure(structured: str) -> None:
    """What the settings ask for is asked for; a refusal is then an error."""
    with ModelServer(lambda _: Raw(status=400, body="no")) as server:
        model = asking(server.url, structured_output=structured)
        with pytest.raises(ModelReplyError, match="answered 400: no"):
            model.complete(PROMPT)
    assert len(server.requests) == 1


def test_a_request_that_is_refused_in_every_form_is_an_error() -> None:
    """After two steps down there is nothing less to ask for."""
    with ModelServer(lambda _: Raw(status=400, body="I would rather not")) as server:
        model = asking(server.url)
        with pytest.raises(ModelReplyError, match="answered 400: I would rather not"):
            model.complete(PROMPT)
    assert len(server.requests) == 3


def test_where_no_model_is_named_the_first_listed_is_asked() -> None:
    """The list is asked for once, and the name is used from then on."""
    with ModelServer(lambda _: "hello", models=("first", "second")) as server:
        model = asking(server.url, model="")
        model.complete(PROMPT)
        model.complete(PROMPT)
    assert server.paths == ["/v1/models", "/v1/chat/completions", "/v1/chat/completions"]
    assert [body["model"] for body in server.requests] == ["first", "first"]


def test_a_server_that_lists_no_model_asks_for_the_setting() -> None:
    """Without a name and without a list there is nobody to ask."""
    with (
        ModelServer(lambda _: "hello", models=()) as server,
        pytest.raises(ConfigurationError, match=r"lists no model: set llm\.model"),
    ):
        asking(server.url, model="").complete(PROMPT)


@pytest.mark.parametrize(
    ("end", "path"),
    [
        pytest.param("", "/v1/chat/completions", id="the server alone"),
        pytest.param("/", "/v1/chat/completions", id="a slash"),
        pytest.param("/v1", "/v1/chat/completions", id="v1"),
        pytest.param("/v1/", "/v1/chat/completions", id="v1 and a slash"),
        pytest.param("/api/openai", "/api/openai/chat/completions", id="another path"),
    ],
)
def test_a_base_url_may_have_a_path_or_none(end: str, path: str) -> None:
    """A server named alone is asked below /v1, a path is taken as it is."""
    with ModelServer(lambda _: "hello") as server:
        assert asking(server.url.removesuffix("/v1") + end).complete(PROMPT).text == "hello"
    assert server.paths == [path]


@pytest.mark.parametrize(("key", "sent"), [("s3cret", "Bearer s3cret"), ("", None)])
def test_a_key_is_sent_as_bearer(key: str, sent: str | None) -> None:
    """A key goes into the Authorization header; without one there is none."""
    _, server = _asked("hello", api_key=key)
    assert server.headers[0].get("authorization") == sent


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Raw(body='{"a": ', finish_reason="length"), id="half a text"),
        pytest.param(Raw(body="", finish_reason="length"), id="no text"),
        pytest.param(Raw(body=completion(None, finish_reason="length")), id="null"),
    ],
)
def test_a_reply_at_the_length_limit_is_cut(answer: Raw) -> None:
    """A reply that ended at the limit says so, whatever of it arrived."""
    reply, _ = _asked(answer)
    assert reply.cut
    assert reply.usage == Usage(1, 7, 3)


def _without(*names: str, **changed: object) -> str:
    document = {**json.loads(completion("hello")), **changed}
    return json.dumps({name: value for name, value in document.items() if name not in names})


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        pytest.param(_without("usage"), Usage(1, 0, 0), id="none"),
        pytest.param(_without(usage=None), Usage(1, 0, 0), id="null"),
        pytest.param(_without(usage=[1]), Usage(1, 0, 0), id="a list"),
        pytest.param(_without(usage={"prompt_tokens": 5}), Usage(1, 5, 0), id="half of it"),
        pytest.param(_without(usage={"prompt_tokens": "5"}), Usage(1, 0, 0), id="a text"),
    ],
)
def test_a_server_need_not_count(body: str, usage: Usage) -> None:
    """Tokens that a server does not report are zero; the call counts."""
    reply, _ = _asked(Raw(body=body))
    assert reply.usage == usage


def test_a_server_need_not_say_which_model_answered() -> None:
    """The model that was asked stands in."""
    reply, _ = _asked(Raw(body=_without("model")))
    assert reply.model == "m"


def test_a_server_that_drips_is_given_up() -> None:
    """An answer that does not end within the time-out is none, however steadily it comes."""
    dripping = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        with contextlib.suppress(OSError):  # until the client has had enough
            while not dripping.wait(0.05):
                connection.sendall(b" ")
        connection.close()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        connection.recv(65_536)
        drip(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,))
        serving.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        try:
            with pytest.raises(ModelUnavailableError, match=r"within 0\.3 s"):
                asking(address, timeout=0.3, max_attempts=1, model="m").complete(PROMPT)
        finally:
            dripping.set()
            serving.join()
