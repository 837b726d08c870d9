"""The real llama.cpp server, asked for vectors: one that embeds, and one that only completes."""

import math
import struct
from collections.abc import Iterator

import llama_server
import pytest
from building import PROMPT, Asking, asking

from llm_maint.errors import EmbeddingsUnavailableError
from llm_maint.llm.embedding import MOST_TEXTS

DIMENSIONS = 32

TEA = "prefers green tea in the morning"


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that embeds."""
    with llama_server.running(llama_server.EMBEDDING, tmp_path_factory.mktemp("embeds")) as address:
        yield address


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that does not."""
    with llama_server.running(llama_server.SURE, tmp_path_factory.mktemp("sure")) as address:
        yield address


def _asking(address: str) -> Asking:
    return asking(f"{address}/v1", timeout=60)


def _likeness(one: bytes, other: bytes) -> float:
    """Return the cosine of two vectors."""
    a, b = ([x for (x,) in struct.iter_unpack("<f", vector)] for vector in (one, other))
    product: float = sum(x * y for x, y in zip(a, b, strict=True))
    return product / (math.hypot(*a) * math.hypot(*b))


def test_what_reads_alike_has_vectors_that_are_alike(embedding: str) -> None:
    """One vector of the model's width for each text, in their order; equal texts, equal vectors."""
    model = _asking(embedding)
    vectors = model.embed(TEA, "0123456789" * 5, TEA.replace("green", "black"), "", TEA)
    assert {len(vector) for vector in vectors} == {4 * DIMENSIONS}
    tea, digits, black, _, again = vectors
    assert _likeness(tea, again) > 0.9999
    assert _likeness(tea, black) > _likeness(tea, digits) + 0.1
    assert model.meter.spent.calls == 1
    assert model.meter.spent.prompt_tokens > 2 * len(TEA)


def test_what_does_not_fit_is_cut_and_the_others_are_whole(embedding: str) -> None:
    """The server refuses a batch for one text in it, as a failure of its own; waiting is no use."""
    model = _asking(embedding)
    long = "the quick brown fox " * 100
    vectors = model.embed(TEA, long, TEA, "\ud83d")
    assert _likeness(vectors[0], vectors[2]) > 0.9999
    (beginning,) = model.embed(long[: len(long) // 4])
    assert _likeness(vectors[1], beginning) > 0.9999


def test_more_texts_than_one_request_holds_are_embedded(embedding: str) -> None:
    """In two requests, with the vectors that each text has alone."""
    model = _asking(embedding)
    texts = [f"memory number {n}" for n in range(MOST_TEXTS + 2)]
    vectors = model.embed(*texts)
    assert model.meter.spent.calls == 2
    assert len(vectors) == len(texts)
    (last,) = model.embed(texts[-1])
    assert _likeness(vectors[-1], last) > 0.999


def test_a_server_that_only_completes_says_so(sure: str) -> None:
    """It is an error that names the setting, and the run goes on."""
    model = _asking(sure)
    with pytest.raises(EmbeddingsUnavailableError, match=r"memory\.embedding_model .*501"):
        model.embed(TEA)
    assert model.complete(PROMPT).text
    assert model.meter.spent.calls == 2
