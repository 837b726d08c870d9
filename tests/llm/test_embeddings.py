"""Vectors of texts: how they are asked for, what is taken for one, and what refusals come to."""

import base64
import json
import random
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest
from building import MORNING, PROMPT, Asking, asking, at_once
from model_server import ModelServer, Raw

from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import Usage
from llm_maint.errors import (
    BudgetSpentError,
    ConfigurationError,
    DeferredError,
    EmbeddingsUnavailableError,
    ExitCode,
    MaintError,
    ModelBusyError,
    ModelFailedError,
    ModelUnavailableError,
    RequestRefusedError,
    UnreadableReplyError,
)
from llm_maint.llm import anthropic, openai
from llm_maint.llm.embedding import MOST_CHARACTERS, MOST_TEXTS, SHORTEST

Script = Callable[[dict[str, Any]], str | Raw]

KEY = "sk-very-secret-7"


def _vector(text: str) -> list[float]:
    """Return what the scripted model makes of a text: other texts, other vectors."""
    return [len(text), ord(text[0]), 0.5]


def _packed(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _all(*texts: str) -> list[bytes]:
    return [_packed(*_vector(text)) for text in texts]


def _body(data: object, **more: object) -> Raw:
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return Raw(
        body=json.dumps({"object": "list", "model": "e", "usage": usage, "data": data} | more)
    )


def _right(body: dict[str, Any]) -> Raw:
    """Answer as a sound server."""
    return _body([{"index": n, "embedding": _vector(t)} for n, t in enumerate(body["input"])])


def _only_chat(refusal: Raw) -> Script:
    """Return a server that completes prompts, and refuses to embed."""
    return lambda body: refusal if "input" in body else "hello"


def _in_turn(*answers: Raw) -> Script:
    """Return a server that answers so, then rightly."""
    left = iter(answers)
    return lambda body: next(left, None) or _right(body)


def _error(status: int, message: str, **headers: str) -> Raw:
    return Raw(status=status, body=json.dumps({"error": {"message": message}}), headers=headers)


def _sizes(server: ModelServer) -> list[int]:
    return [len(body["input"]) for body in server.requests]


def test_the_request_is_of_the_openai_protocol() -> None:
    """The model that was named, all texts, and numbers rather than base64; at its own path."""
    with ModelServer(_right) as server:
        assert asking(server.url, api_key=KEY).embed("tea", "milk") == _all("tea", "milk")
    assert server.paths == ["/v1/embeddings"]
    assert server.requests == [{"model": "e", "input": ["tea", "milk"], "encoding_format": "float"}]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_where_there_is_nothing_nobody_is_asked() -> None:
    """No text, no request."""
    with ModelServer(_right) as server:
        assert asking(server.url).embed() == []
    assert server.requests == []


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("", " ", id="empty"),
        pytest.param("a\ud83db", "a?b", id="half a character"),
        pytest.param("caf\u00e9 \U0001f375", "caf\u00e9 \U0001f375", id="other alphabets"),
        pytest.param("x" * (MOST_CHARACTERS + 9), "x" * MOST_CHARACTERS, id="beyond all measure"),
    ],
)
def test_a_text_is_sent_as_it_can_be_sent(text: str, sent: str) -> None:
    """What no JSON can hold is replaced, what some servers refuse is filled."""
    with ModelServer(_right) as server:
        asking(server.url).embed(text)
    assert server.requests[0]["input"] == [sent]


def _vectors_of(data: object) -> list[bytes]:
    """Return the vectors of an answer to two texts."""
    with ModelServer(lambda _: _body(data)) as server:
        return asking(server.url).embed("a", "b")


ONE, TWO = [1.0, 2.0], [3, -4.5]

IN_BASE64 = [base64.b64encode(_packed(*each)).decode() for each in (ONE, TWO)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([{"index": 0, "embedding": ONE}, {"index": 1, "embedding": TWO}], id="index"),
        pytest.param([{"index": 1, "embedding": TWO}, {"index": 0, "embedding": ONE}], id="turned"),
        pytest.param([{"embedding": ONE}, {"embedding": TWO}], id="by position"),
        pytest.param(
            [{"index": None, "embedding": ONE}, {"index": None, "embedding": TWO}], id="index null"
        ),
        pytest.param([{"embedding": text} for text in IN_BASE64], id="base64"),
        pytest.param([{"embedding": ONE}, {"embedding": IN_BASE64[1]}], id="one of each"),
    ],
)
def test_vectors_come_in_the_order_of_the_texts(data: object) -> None:
    """By the index where there is one, else as they stand; in numbers or packed already."""
    assert _vectors_of(data) == [_packed(*ONE), _packed(*TWO)]


def test_a_vector_of_nothing_but_zeros_is_one() -> None:
    """What it is like is for whoever compares it."""
    assert _vectors_of([{"embedding": [0, 0]}, {"embedding": ONE}])[0] == bytes(8)


def _second(embedding: object) -> list[object]:
    return [{"index": 0, "embedding": ONE}, {"index": 1, "embedding": embedding}]


NO_LIST, UNCLEAR = "without a list of embeddings", "without saying of which texts"
NO_NUMBERS, LENGTHS = "no list of finite numbers", "embeddings of different lengths"


def _indices(*indices: object) -> list[object]:
    return [{"index": index, "embedding": ONE} for index in indices]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(None, NO_LIST, id="null"),
        pytest.param({"embedding": ONE}, NO_LIST, id="an object"),
        pytest.param("none", NO_LIST, id="a text"),
        pytest.param([], "answered 0 embeddings for 2 texts", id="nothing"),
        pytest.param([{"embedding": ONE}], "1 embeddings for 2 texts", id="too few"),
        pytest.param(_indices(0, 1, 2), "3 embeddings for 2 texts", id="too many"),
        pytest.param(_indices(0, 0), UNCLEAR, id="an index twice"),
        pytest.param(_indices(1, 2), UNCLEAR, id="counted from one"),
        pytest.param(_indices(0, -1), UNCLEAR, id="a negative index"),
        pytest.param(_indices(0, None), UNCLEAR, id="one index missing"),
        pytest.param(_indices(False, True), UNCLEAR, id="truth values for an index"),
        pytest.param(_indices("0", "1"), UNCLEAR, id="texts for an index"),
        pytest.param(_indices([0], [1]), UNCLEAR, id="lists for an index"),
        pytest.param([ONE, TWO], UNCLEAR, id="vectors alone"),
        pytest.param([None, None], UNCLEAR, id="nulls"),
        pytest.param(_second(None), NO_NUMBERS, id="no vector"),
        pytest.param(_second([]), NO_NUMBERS, id="an empty vector"),
        pytest.param(_second([ONE]), NO_NUMBERS, id="a vector for each token"),
        pytest.param(_second(["1", "2"]), NO_NUMBERS, id="texts for numbers"),
        pytest.param(_second([True, False]), NO_NUMBERS, id="truth values for numbers"),
        pytest.param(_second([1, None]), NO_NUMBERS, id="a number missing"),
        pytest.param(_second([1, float("nan")]), NO_NUMBERS, id="NaN"),
        pytest.param(_second([1, float("-inf")]), NO_NUMBERS, id="infinite"),
        pytest.param(_second([1, 1e39]), NO_NUMBERS, id="more than 32 bits hold"),
        pytest.param(_second([1, 10**400]), NO_NUMBERS, id="more than 64 bits hold"),
        pytest.param(_second({"0": 1, "1": 2}), NO_NUMBERS, id="an object for a vector"),
        pytest.param(_second(7), NO_NUMBERS, id="a number for a vector"),
        pytest.param(_second("not base64!"), NO_NUMBERS, id="no base64"),
        pytest.param(_second("\u00e9"), NO_NUMBERS, id="no base64 in any alphabet"),
        pytest.param(_second(""), NO_NUMBERS, id="empty base64"),
        pytest.param(_second("AAAA"), NO_NUMBERS, id="three bytes"),
        pytest.param(_second("AAAAAAA="), NO_NUMBERS, id="five bytes"),
        pytest.param(_second("AADAfwAAgD8="), NO_NUMBERS, id="NaN in base64"),
        pytest.param(_second([1, 2, 3]), LENGTHS, id="a longer vector"),
        pytest.param(_second([1]), LENGTHS, id="a shorter vector"),
    ],
)
def test_what_is_not_one_sound_vector_for_each_text_is_no_answer(data: object, said: str) -> None:
    """Nothing is guessed, and nothing mended; the message says on one line what was wrong."""
    with pytest.raises(UnreadableReplyError, match=said) as caught:
        _vectors_of(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", "<html>\nlog in</html>", "{}", '{"embeddings": [[1, 2]]}', '{"data": [1'],
)
def test_an_answer_of_another_shape_is_none(body: str) -> None:
    """It may pass, so it is no word about what the server has; it is not asked again at once."""
    with ModelServer(lambda _: Raw(body=body)) as server:
        with pytest.raises(UnreadableReplyError):
            asking(server.url).embed("a")
        assert len(server.requests) == 1


def test_vectors_of_two_requests_are_of_one_length_too() -> None:
    """A server may be given another model between them."""
    short = _body([{"embedding": ONE}] * MOST_TEXTS)
    with ModelServer(_in_turn(short)) as server, pytest.raises(UnreadableReplyError, match=LENGTHS):
        asking(server.url).embed(*["a"] * (MOST_TEXTS + 1))


@pytest.mark.parametrize(
    ("texts", "sizes"),
    [
        pytest.param(["a"] * MOST_TEXTS, [MOST_TEXTS], id="as many as go"),
        pytest.param(["a"] * (2 * MOST_TEXTS + 1), [MOST_TEXTS, MOST_TEXTS, 1], id="more"),
        pytest.param(["a" * (MOST_CHARACTERS // 2)] * 5, [2, 2, 1], id="long ones"),
        pytest.param(["a", "b" * MOST_CHARACTERS, "c"], [1, 1, 1], id="one as long as a request"),
    ],
)
def test_texts_go_in_batches(texts: list[str], sizes: list[int]) -> None:
    """A request has a bound in texts and one in characters; each is a call, with its tokens."""
    with ModelServer(_right) as server:
        model = asking(server.url)
        assert model.embed(*texts) == _all(*texts)
    assert _sizes(server) == sizes
    assert model.meter.spent == Usage(len(sizes), 5 * len(sizes))


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 9, "total_tokens": 12}, 9),
        ({"total_tokens": 12}, 12),
        ({"prompt_tokens": "9"}, 0),
        ([1], 0),
        (None, 0),
    ],
)
def test_tokens_are_counted_where_the_server_tells(usage: object, tokens: int) -> None:
    """All that it counted was the prompt's; the call counts in any case."""
    with ModelServer(lambda _: _body([{"embedding": ONE}], usage=usage)) as server:
        model = asking(server.url)
        model.embed("a")
    assert model.meter.spent == Usage(1, tokens)


def test_an_unreadable_answer_has_cost_its_tokens() -> None:
    """They were spent all the same."""
    with ModelServer(lambda _: _body([])) as server:
        model = asking(server.url)
        with pytest.raises(UnreadableReplyError):
            model.embed("a")
    assert model.meter.spent == Usage(1, 5)


def test_a_budget_holds_between_batches() -> None:
    """A request that may not be made is not made."""
    with ModelServer(_right) as server:
        model = asking(server.url)
        model.meter = Meter(max_calls=2)
        with pytest.raises(BudgetSpentError):
            model.embed(*["a"] * (3 * MOST_TEXTS))
    assert len(server.requests) == model.meter.spent.calls == 2


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Raw(status=503, body="loading"), id="503"),
        pytest.param(Raw(status=500, body="went wrong"), id="500"),
        pytest.param(Raw(hangup=True), id="no answer"),
        pytest.param(_body(None, error={"message": "Overloaded"}), id="an error within a 200"),
    ],
)
def test_what_passes_is_waited_out(fault: Raw) -> None:
    """As often, and as long, as for a completion; every try is a call."""
    waits: list[float] = []
    with ModelServer(_in_turn(fault, fault)) as server:
        model = asking(server.url, sleep=at_once(waits), draw=random.Random(3))
        assert model.embed("a") == _all("a")
    assert model.meter.spent.calls == 3
    assert 0 <= waits[0] <= 2
    assert 0 <= waits[1] <= 4


def test_a_server_may_name_the_wait() -> None:
    """429 with `Retry-After` is waited for at least that long."""
    waits: list[float] = []
    busy = _error(429, "slow down", **{"Retry-After": "7"})
    with ModelServer(_in_turn(busy)) as server:
        assert asking(server.url, sleep=at_once(waits)).embed("a") == _all("a")
    assert 7 <= waits[0] <= 7 * 1.25


@pytest.mark.parametrize(
    ("fault", "calls", "error"),
    [
        pytest.param(Raw(status=503), 3, ModelUnavailableError, id="503"),
        pytest.param(_error(429, "slow down"), 3, ModelBusyError, id="429"),
        pytest.param(
            _error(429, "slow down", **{"Retry-After": "3600"}), 1, ModelBusyError, id="an hour"
        ),
        pytest.param(_error(429, "insufficient_quota"), 1, ModelBusyError, id="quota"),
        pytest.param(Raw(status=401, body="who are you?"), 1, ConfigurationError, id="key"),
    ],
)
def test_what_would_fail_in_chat_as_well_ends_the_run(
    fault: Raw, calls: int, error: type[MaintError]
) -> None:
    """A server that is down, busy or paid up is the same for every request."""
    with ModelServer(lambda _: fault) as server:
        model = asking(server.url)
        with pytest.raises(error):
            model.embed("a")
        with pytest.raises(DeferredError):
            model.complete(PROMPT)
        with pytest.raises(DeferredError):
            model.embed("a")
    assert len(server.requests) == model.meter.spent.calls == calls


def test_a_run_that_ended_in_chat_embeds_nothing() -> None:
    """The breaker is one for both."""
    with ModelServer(lambda body: _right(body) if "input" in body else Raw(status=503)) as server:
        model = asking(server.url)
        with pytest.raises(ModelUnavailableError):
            model.complete(PROMPT)
        with pytest.raises(DeferredError):
            model.embed("a")
    assert set(server.paths) == {"/v1/chat/completions"}


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """A refused connection is tried again, and the message asks whether the server is running."""
    waits: list[float] = []
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        model = asking(f"http://127.0.0.1:{closed.getsockname()[1]}", sleep=at_once(waits))
        with pytest.raises(ModelUnavailableError, match="is it running"):
            model.embed("a")
    assert len(waits) == 2
    assert model.meter.spent.calls == 3


def test_a_server_that_gives_no_answer_in_time_is_unavailable() -> None:
    """The time-out is that of a completion."""
    with ModelServer(lambda _: Raw(body="{}", delay=30)) as server:
        model = asking(server.url, timeout=0.05, max_attempts=2)
        with pytest.raises(ModelUnavailableError, match=r"no answer within 0\.05 s"):
            model.embed("a")


def test_a_server_that_fails_at_some_texts_may_embed_others() -> None:
    """The run goes on."""
    with ModelServer(_in_turn(*[Raw(status=500, body="NaN")] * 3)) as server:
        model = asking(server.url)
        with pytest.raises(ModelFailedError, match="answered 500: NaN"):
            model.embed("a")
        assert model.embed("b") == _all("b")


LACKING = {
    "404": Raw(status=404, body="404 page not found"),
    "405": Raw(status=405),
    "501": _error(501, "This server does not support embeddings. Start it with `--embeddings`"),
    "no pooling": _error(400, "Pooling type 'none' is not OAI compatible."),
    "not this model": _error(400, "The model does not support Embeddings API"),
    "no such model": _error(404, 'model "e" not found, try pulling it first'),
    "422": Raw(status=422, body="no"),
    "500, and why": Raw(status=500, body="Llama model must be created with embedding=True"),
    "500 for another": _error(500, "this model does not support embeddings"),
    "a 200 with an error": Raw(body='{"error": "Unexpected endpoint. (POST /v1/embeddings)"}'),
    "403": _error(403, "Project does not have access to model `e`"),
    "a key for chat": _error(401, "You have insufficient permissions. Missing scopes: x"),
    "elsewhere": Raw(status=307, headers={"Location": "https://elsewhere.example/"}),
}
"""What servers say that complete prompts, and have no embeddings."""


@pytest.mark.parametrize("refusal", [pytest.param(raw, id=name) for name, raw in LACKING.items()])
def test_a_server_without_embeddings_is_asked_once_and_completes_all_the_same(refusal: Raw) -> None:
    """The message names the setting on one line; chat goes on, and nobody asks a second time."""
    with ModelServer(_only_chat(refusal)) as server:
        model = asking(server.url)
        for _ in range(2):
            with pytest.raises(EmbeddingsUnavailableError) as caught:
                model.embed(*"abc")
            assert model.complete(PROMPT).text == "hello"
    assert ["input" in body for body in server.requests] == [True, False, False]
    assert model.meter.spent.calls == 3
    said = str(caught.value)
    assert said.startswith(f"{server.url} gives no embeddings by model 'e'")
    assert "memory.embedding_model" in said
    assert "\n" not in said
    assert not caught.value.transient
    assert not caught.value.ends_run
    assert caught.value.exit_code is ExitCode.CONFIGURATION


def test_another_model_is_another_question() -> None:
    """What one model lacks another may have."""
    lacking = LACKING["no such model"]
    with ModelServer(lambda body: lacking if body["model"] == "e" else _right(body)) as server:
        model = asking(server.url)
        with pytest.raises(EmbeddingsUnavailableError):
            model.embed("a")
        client = model.client
        (vectors,) = client.in_order(client.embed(["a"], model.meter, model=n) for n in ["f"])
    assert vectors == _all("a")


def test_a_protocol_without_embeddings_is_not_asked() -> None:
    """Anthropic's has none: no request, no call."""
    with ModelServer(_right) as server:
        model = asking(server.url, provider=anthropic)
        with pytest.raises(EmbeddingsUnavailableError, match=r"its protocol has none") as caught:
            model.embed("a")
    assert "memory.embedding_model" in str(caught.value)
    assert server.paths == []
    assert model.meter.spent.calls == 0
    assert openai.embeddings


def test_a_refusal_of_some_texts_is_no_word_about_all() -> None:
    """Where the model has given vectors before, others may succeed."""
    with ModelServer(_in_turn(_right({"input": ["a"]}), _error(400, "bad text"))) as server:
        model = asking(server.url)
        model.embed("a")
        with pytest.raises(RequestRefusedError, match="bad text"):
            model.embed("b")
        assert model.embed("c") == _all("c")


def test_a_server_that_takes_no_format_is_asked_without() -> None:
    """Numbers are what it sends by itself; it is found out once."""

    def reply(body: dict[str, Any]) -> Raw:
        refused = _error(400, "e does not support parameters: {'encoding_format': 'float'}")
        return refused if "encoding_format" in body else _right(body)

    with ModelServer(reply) as server:
        model = asking(server.url)
        assert [*model.embed("a"), *model.embed("b")] == _all("a", "b")
    assert ["encoding_format" in body for body in server.requests] == [True, False, False]


def test_two_works_may_find_it_out_at_once() -> None:
    """Both are refused before one can tell the other."""
    refused = _error(400, "unknown field `encoding_format`")
    both = threading.Barrier(2)

    def reply(body: dict[str, Any]) -> Raw:
        if "encoding_format" not in body:
            return _right(body)
        both.wait(10)
        return refused

    with ModelServer(reply) as server:
        client = asking(server.url, concurrency=2).client
        works = (client.embed([text], Meter(), model="e") for text in "ab")
        assert list(client.in_order(works)) == [_all("a"), _all("b")]
    assert len(server.requests) == 4


def _taking(
    *, characters: int = 0, in_all: int = 0, texts: int = 0, refusal: Raw | None = None
) -> Script:
    """Return a server that refuses longer texts, more characters, or more texts."""
    refused = refusal or _error(400, "This model's maximum context length is 9 tokens")

    def reply(body: dict[str, Any]) -> Raw:
        sizes = [len(text) for text in body["input"]]
        fits = max(sizes) <= (characters or max(sizes)) and sum(sizes) <= (in_all or sum(sizes))
        return _right(body) if fits and len(sizes) <= (texts or len(sizes)) else refused

    return reply


TOO_LONG = (
    pytest.param(_error(400, "This model's maximum context length is 512 tokens"), id="vLLM"),
    pytest.param(
        _error(400, "Invalid 'input[0]': maximum input length is 8192 tokens."), id="openai"
    ),
    pytest.param(_error(400, "Requested 4 tokens, max 3 tokens per request"), id="openai, in all"),
    pytest.param(_error(400, "Too many tokens in batch. Max is 16384 got 17555"), id="Mistral"),
    pytest.param(_error(400, "Input id 0 has 9 tokens, exceeding max 8 tokens."), id="Mistral too"),
    pytest.param(_error(413, "inputs must have less than 512 tokens. Given: 600"), id="TEI"),
    pytest.param(_error(500, "input (601 tokens) is too large to process"), id="llama.cpp"),
    pytest.param(_error(400, "the input length exceeds the context length"), id="Ollama"),
    pytest.param(Raw(status=413, body="<html>Request Entity Too Large</html>"), id="a proxy"),
)


@pytest.mark.parametrize("refusal", TOO_LONG)
def test_what_is_too_long_at_once_is_halved(refusal: Raw) -> None:
    """In whichever words a server says it; the vectors are those of the whole texts."""
    texts = [letter * 100 for letter in "abcdefgh"]
    waits: list[float] = []
    with ModelServer(_taking(in_all=400, refusal=refusal)) as server:
        model = asking(server.url, sleep=at_once(waits))
        assert model.embed(*texts) == _all(*texts)
    assert _sizes(server) == [8, 4, 4]
    assert model.meter.spent.calls == 3
    assert waits == []


def test_one_text_that_is_too_long_leaves_the_others_whole() -> None:
    """Halving finds it, and its beginning stands for it."""
    texts = ["a" * 100, "b" * 100, "c" * 900, "d" * 100]
    with ModelServer(_taking(characters=250)) as server:
        vectors = asking(server.url).embed(*texts)
    assert vectors == _all("a" * 100, "b" * 100, "c" * 225, "d" * 100)
    assert _sizes(server) == [4, 2, 2, 1, 1, 1, 1]


def test_where_all_texts_are_too_long_it_is_found_out_once() -> None:
    """What was too much of one text is not sent of the next."""
    texts = [letter * 900 for letter in "abcdefgh"]
    with ModelServer(_taking(characters=300)) as server:
        assert asking(server.url).embed(*texts) == _all(*(text[:225] for text in texts))
    assert _sizes(server) == [8, 4, 2, 1, 1, 1, 1, 2, 4]


def test_a_vector_does_not_depend_on_what_was_embedded_before() -> None:
    """How much of a text is sent is found out for each work anew."""
    with ModelServer(_taking(characters=300)) as server:
        model = asking(server.url)
        assert model.embed("a" * 900) == _all("a" * 225)
        assert model.embed("b" * 300) == _all("b" * 300)


def test_a_model_that_has_room_for_nothing_is_no_model_for_memories() -> None:
    """A text is not cut for ever; chat is not affected."""
    with ModelServer(_only_chat(Raw(status=413))) as server:
        model = asking(server.url)
        with pytest.raises(EmbeddingsUnavailableError, match="answered 413"):
            model.embed("a" * 500, "b")
        assert model.complete(PROMPT).text == "hello"
    sent = [max(map(len, body["input"])) for body in server.requests[:-1]]
    assert sent == [500, 500, 250, 125]
    assert sent[-1] // 2 < SHORTEST


TOO_MANY = (
    pytest.param(
        _error(400, "Value error, batch size is invalid, it should not be larger"), id="1"
    ),
    pytest.param(_error(413, "batch size 128 > maximum allowed batch size 32"), id="2"),
    pytest.param(Raw(status=413, body='{"message": "input batch size 136 > maximum"}'), id="3"),
    pytest.param(_error(400, "at most 100 requests can be in one batch"), id="4"),
    pytest.param(_error(400, "Too many inputs in request, split into more batches."), id="5"),
    pytest.param(_error(422, "Too many inputs. The max number of inputs is 1."), id="6"),
)


@pytest.mark.parametrize("refusal", TOO_MANY)
def test_a_server_that_takes_fewer_texts_gets_fewer(refusal: Raw) -> None:
    """It is found out once in a run: no text is cut, and later requests are as small."""
    texts = [str(n) for n in range(30)]
    with ModelServer(_taking(texts=10, refusal=refusal)) as server:
        model = asking(server.url)
        assert model.embed(*texts) == _all(*texts)
        assert model.embed(*texts[:9]) == _all(*texts[:9])
    assert _sizes(server) == [30, 15, 7, 7, 7, 7, 2, 7, 2]


def test_a_size_that_is_said_of_embeddings_is_not_that_of_chat() -> None:
    """They are of two models."""
    refusal = Raw(
        status=400,
        body=json.dumps({"error": {"type": "exceed_context_size_error", "n_ctx": 512}}),
    )
    with ModelServer(_taking(characters=300, refusal=refusal)) as server:
        model = asking(server.url)
        model.embed("a" * 900)
    assert model.client.context.tokens == 0


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(_error(501, f"no embeddings for {KEY}"), id="lacking"),
        pytest.param(_error(401, f"no key {KEY}"), id="key"),
        pytest.param(_error(503, f"busy with {KEY}"), id="busy"),
        pytest.param(_error(500, f"broke at {KEY}"), id="failed"),
        pytest.param(Raw(body=f"<html>{KEY}</html>"), id="unreadable"),
        pytest.param(Raw(status=302, headers={"Location": f"/?key={KEY}"}), id="elsewhere"),
    ],
)
def test_no_message_repeats_the_key(refusal: Raw, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a server echoes."""
    caplog.set_level("INFO")
    with ModelServer(lambda _: refusal) as server, pytest.raises(MaintError) as caught:
        asking(server.url, api_key=KEY).embed("a")
    assert KEY not in str(caught.value) + caplog.text
    assert "***" in str(caught.value)


def _both(model: Asking, number: int) -> list[object]:
    """Ask for vectors and completions side by side."""
    client, meter = model.client, model.meter

    async def embedded(text: str) -> list[bytes]:
        return await client.embed([text], meter, model="e")

    async def completed() -> str:
        return (await client.complete(PROMPT, meter)).text

    works = [embedded(str(n // 2)) if n % 2 == 0 else completed() for n in range(number)]
    return list(client.in_order(works))


def test_vectors_and_replies_are_asked_for_side_by_side() -> None:
    """In the slots of the one client, with results in the order of the works."""
    with ModelServer(lambda body: _right(body) if "input" in body else "hello") as server:
        model = asking(server.url, concurrency=3, clock=lambda: MORNING)
        found = _both(model, 20)
    assert found[::2] == [_all(str(n)) for n in range(10)]
    assert found[1::2] == ["hello"] * 10
    assert model.meter.spent.calls == 20
