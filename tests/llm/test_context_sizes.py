"""What fits into a model's context, and what servers say of its size."""

from typing import Any

import pytest

from llm_maint.domain.chat import Prompt
from llm_maint.llm.context import Context
from llm_maint.llm.listing import Listed, listed


def _prompt(size: int, text: str = "x") -> Prompt:
    return Prompt(system="", user=text * size, schema={})


def test_where_nobody_knows_everything_fits() -> None:
    """Without a size nothing is refused and the reply is as long as the settings say."""
    context = Context(0, 4_096)
    assert context.fits(_prompt(10_000_000))
    assert context.reply_limit == 4_096


@pytest.mark.parametrize(
    ("tokens", "asked", "limit"),
    [
        *((0, 4_096, 4_096), (100_000, 4_096, 4_096), (8_192, 4_096, 4_096), (8_191, 4_096, 4_095)),
        *((4_096, 4_096, 2_048), (2_048, 64, 64), (100, 4_096, 50)),
    ],
)
def test_a_reply_takes_at_most_half_of_the_context(tokens: int, asked: int, limit: int) -> None:
    """The other half is for the request; a longer limit is what strict servers refuse."""
    assert Context(tokens, asked).reply_limit == limit


@pytest.mark.parametrize(
    ("tokens", "size", "fits"),
    [
        *(
            (8_192, 1_000, True),
            (8_192, 30_000, False),
            (4_096, 1_000, True),
            (4_096, 9_000, False),
        ),
        *((128_000, 100_000, True), (128_000, 600_000, False), (2_048, 100, True)),
    ],
)
def test_what_is_plainly_short_fits_and_what_is_plainly_long_does_not(
    tokens: int, size: int, *, fits: bool
) -> None:
    """By an estimate on the safe side, the reply included: 3 to 4 characters make a token."""
    assert Context(tokens, 1_024).fits(_prompt(size)) == fits


def test_fitting_is_monotonous() -> None:
    """What fits does so without a row too, and in every larger context."""
    sizes = [
        max(size for size in range(0, 30_000, 50) if Context(tokens, 512).fits(_prompt(size)))
        for tokens in (2_048, 4_096, 8_192)
    ]
    assert sizes == sorted(sizes)
    for size, tokens in zip(sizes, (2_048, 4_096, 8_192), strict=True):
        assert all(Context(tokens, 512).fits(_prompt(less)) for less in range(0, size, 500))


def test_both_messages_and_every_byte_count() -> None:
    """Text of other alphabets makes more tokens than characters of ours."""
    context = Context(8_192, 64)
    assert context.fits(_prompt(6_000))
    assert not context.fits(_prompt(10_000, "\u6f22"))
    long = Prompt(system="x" * 30_000, user="", schema={})
    assert not context.fits(long)


@pytest.mark.parametrize(
    ("set_", "told", "news", "then"),
    [
        pytest.param(0, 4_096, True, 4_096, id="nobody knew"),
        pytest.param(8_192, 4_096, True, 4_096, id="less than the setting"),
        pytest.param(8_192, 8_192, False, 8_192, id="the same"),
        pytest.param(8_192, 32_768, False, 8_192, id="more than the setting"),
        pytest.param(8_192, None, False, 8_192, id="nothing"),
        pytest.param(0, None, False, 0, id="nothing at all"),
        pytest.param(0, 0, False, 0, id="zero"),
    ],
)
def test_a_server_is_believed_where_it_has_less(
    set_: int, told: int | None, *, news: bool, then: int
) -> None:
    """It knows best what it refuses; what it could do is no reason to exceed the setting."""
    context = Context(set_, 64)
    before = context.tokens
    context.learn(told)
    assert (context.tokens != before) == news
    assert context.tokens == then


def test_a_server_is_believed_once() -> None:
    """A size that shrinks with every answer would have the same request sent for ever."""
    context = Context(0, 64)
    for told in (9_000, 8_000, 7_000, 9_000):
        context.learn(told)
    assert context.tokens == 9_000


def _data(*models: object) -> dict[str, Any]:
    return {"object": "list", "data": list(models)}


LLAMA_CPP = {
    "models": [{"name": "q.gguf", "model": "q.gguf", "details": {}}],
    **_data({"id": "q.gguf", "meta": {"n_vocab": 151_936, "n_ctx_train": 262_144, "n_params": 9}}),
}
LM_STUDIO = {"id": "q", "type": "llm", "state": "loaded", "max_context_length": 131_072}
OPEN_ROUTER = {"id": "a/b", "context_length": 200_000, "top_provider": {"context_length": 64_000}}
ANTHROPIC = {"type": "model", "id": "claude", "display_name": "C", "created_at": "2026-01-01"}


@pytest.mark.parametrize(
    ("answer", "models"),
    [
        pytest.param(_data({"id": "q", "max_model_len": 32_768}), [("q", 32_768)], id="vLLM"),
        pytest.param(LLAMA_CPP, [("q.gguf", None)], id="llama.cpp, trained for more"),
        pytest.param(
            _data({"id": "q", "meta": {"n_ctx": 8_192, "n_ctx_train": 262_144}}),
            [("q", 8_192)],
            id="llama.cpp, loaded with less",
        ),
        pytest.param(_data(LM_STUDIO), [("q", 131_072)], id="LM Studio"),
        pytest.param(
            _data(LM_STUDIO | {"loaded_context_length": 4_096}),
            [("q", 4_096)],
            id="LM Studio, loaded with less",
        ),
        pytest.param(
            _data(OPEN_ROUTER, {"id": "c"}), [("a/b", 200_000), ("c", None)], id="OpenRouter"
        ),
        pytest.param(_data({"id": "q:8b", "owned_by": "library"}), [("q:8b", None)], id="Ollama"),
        pytest.param({"object": "list", "data": None}, [], id="Ollama without a model"),
        pytest.param(
            {"models": [{"name": "q:8b", "size": 5}]}, [("q:8b", None)], id="its own list"
        ),
        pytest.param(
            _data({"id": "s", "max_context_length": 32_768}), [("s", 32_768)], id="Mistral"
        ),
        pytest.param(_data({"id": "g", "context_window": 131_072}), [("g", 131_072)], id="Groq"),
        pytest.param({"data": [ANTHROPIC], "has_more": False}, [("claude", None)], id="Anthropic"),
        pytest.param(
            {"data": [ANTHROPIC | {"max_input_tokens": 200_000}]},
            [("claude", 200_000)],
            id="Anthropic, which tells",
        ),
        pytest.param(_data(), [], id="an empty list"),
        pytest.param({}, [], id="nothing"),
        pytest.param({"data": {"id": "q"}}, [], id="no list"),
        pytest.param(_data(None, "q", 5, {}, {"id": 7}, {"id": ""}), [], id="no models"),
        pytest.param(
            _data(*({"id": "q", "context_length": odd} for odd in (True, -1, 0, "9", None, [9]))),
            [("q", None)] * 6,
            id="odd sizes",
        ),
        pytest.param(_data({"id": "q", "meta": [1]}), [("q", None)], id="odd meta"),
    ],
)
def test_the_models_of_a_server_are_read(
    answer: dict[str, Any], models: list[tuple[str, int | None]]
) -> None:
    """In their order, with the size that is loaded rather than what would be possible."""
    assert listed(answer) == [Listed(name, context) for name, context in models]
