"""Model servers on this host: what answers at the ports that they usually have, and its models."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from llm_maint.llm.address import NO_ADDRESS
from llm_maint.llm.listing import Listed, listed
from llm_maint.llm.provider import LONGEST_NAME
from llm_maint.llm.side_by_side import in_order
from llm_maint.web.transport import Answer, Transport

USUAL: tuple[tuple[int, str], ...] = (
    (8080, "llama.cpp"),
    (11434, "Ollama"),
    (1234, "LM Studio"),
    (8000, "vLLM"),
    (30000, "SGLang"),
    (5000, "text-generation-webui"),
    (5001, "KoboldCpp"),
    (1337, "Jan"),
    (4000, "LiteLLM"),
)
"""Ports, and the servers that listen there where nobody tells them otherwise."""

SECONDS = 0.5
"""For all ports together: a server on this host lists its models in a few milliseconds."""

MOST_BYTES = 1024 * 1024
"""A list that is longer belongs to no server on this host."""

_LAST = ("embed", "rerank")
"""Models whose names say this answer no question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A server that listed its models; `usual` is what mostly listens at its port."""

    url: str
    usual: str
    models: Sequence[str]


def find(usual: Iterable[tuple[int, str]] | None = None) -> list[Found]:
    """Return the servers on 127.0.0.1, in the order of the ports, after at most `SECONDS`.

    Nothing but the list of models is asked for, past any proxy, and redirects are not followed:
    whatever it is that listens there is not known yet.

    Args:
        usual: the ports to try; by default `USUAL`.

    """
    (found,) = in_order([_all(tuple(usual or USUAL))], ahead=1, resources=nullcontext)
    return [each for each in found if each is not None]


def offered(models: Iterable[Listed]) -> list[str]:
    """Return the names of models to choose from, those that make vectors last.

    A name that no person could type or read is left out: a server may list anything.
    """
    names = dict.fromkeys(
        model.name
        for model in models
        if model.name.isprintable() and len(model.name) <= LONGEST_NAME
    )
    return sorted(names, key=lambda name: any(sign in name.lower() for sign in _LAST))


async def _all(usual: Sequence[tuple[int, str]]) -> list[Found | None]:
    transport = Transport(
        headers={},
        timeout=SECONDS,
        connections=len(usual),
        no_address=NO_ADDRESS,
        tls=False,
        direct=True,
        most=MOST_BYTES,
    )
    try:
        return await asyncio.gather(*(_asked(transport, port, name) for port, name in usual))
    finally:
        await transport.close()


async def _asked(transport: Transport, port: int, name: str) -> Found | None:
    url = f"http://127.0.0.1:{port}/v1"
    answer = await transport.exchange("GET", f"{url}/models")
    document = _document(answer.body) if isinstance(answer, Answer) and answer.status == 200 else {}  # noqa: PLR2004
    models = listed(document)
    if not models and document.get("object") != "list":
        return None
    return Found(url=url, usual=name, models=offered(models))


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
