"""The vectors in a server's answer: strictly read, in the order of the texts, and packed."""

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any

from llm_maint.domain.chat import Usage
from llm_maint.llm.faults import Fault
from llm_maint.llm.provider import count, nothing

DIFFERENT = "answered embeddings of different lengths"


def vectors_in(answer: Mapping[str, Any], *, texts: int) -> list[bytes] | Fault:
    """Return the vectors of an answer of status 200: little-endian float32, all of one length."""
    data = answer.get("data")
    if not isinstance(data, list):
        return nothing("answered without a list of embeddings", spent(answer))
    if len(data) != texts:
        return nothing(f"answered {len(data):,} embeddings for {texts:,} texts", spent(answer))
    entries = _in_order(data)
    if entries is None:
        return nothing("answered embeddings without saying of which texts", spent(answer))
    vectors = [packed for entry in entries if (packed := _packed(entry.get("embedding")))]
    if len(vectors) != texts:
        return nothing("answered an embedding that is no list of finite numbers", spent(answer))
    if len({len(vector) for vector in vectors}) > 1:
        return nothing(DIFFERENT, spent(answer))
    return vectors


def spent(answer: Mapping[str, Any] | Fault) -> Usage:
    """Return what an answer counted: all of it is the prompt's."""
    if isinstance(answer, Fault):
        return answer.usage
    return Usage(1, count(answer.get("usage"), "prompt_tokens", "input_tokens", "total_tokens"))


def _in_order(data: list[Any]) -> list[dict[str, Any]] | None:
    """Return entries by their index, or as they stand where none has one; None: it is unclear."""
    if not all(isinstance(entry, dict) for entry in data):
        return None
    if all(entry.get("index") is None for entry in data):
        return data
    found = {entry["index"]: entry for entry in data if type(entry.get("index")) is int}
    places = range(len(data))
    return [found[place] for place in places] if set(found) == set(places) else None


def _packed(embedding: Any) -> bytes | None:  # noqa: ANN401 any JSON
    """Return a vector; None where it is none."""
    numbers = _unpacked(embedding) if isinstance(embedding, str) else embedding
    if not isinstance(numbers, list) or not all(type(each) in (int, float) for each in numbers):
        return None
    try:
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
    except (OverflowError, struct.error):  # more than the format holds
        return None
    return packed if all(map(math.isfinite, numbers)) else None


def _unpacked(text: str) -> list[float] | None:
    """Return the numbers of a base64 text, which some servers send whatever was asked for."""
    try:
        packed = base64.b64decode(text, validate=True)
        return list(struct.unpack(f"<{len(packed) // 4}f", packed))
    except (ValueError, struct.error):
        return None
