"""The native messages protocol of Anthropic, and of servers that speak it."""

from collections.abc import Mapping
from typing import Any

from llm_maint.domain.chat import Completion, Finish, Prompt, Usage
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.form import Form
from llm_maint.llm.provider import as_text, count, named, nothing, text_of, varied

endpoint = "/messages"

embeddings = ""

VERSION = "2023-06-01"
"""Of the protocol; newer features are asked for by fields, not by another version."""

_LENGTH = frozenset({"max_tokens", "model_context_window_exceeded"})

_TOOL = "reply"


def headers(key: str) -> Mapping[str, str]:
    """Return the headers of every request."""
    return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}


def document(
    prompt: Prompt, form: Form, *, model: str, limit: int, temperature: float
) -> dict[str, Any]:
    """Return the JSON of a request; the protocol has no seed, and always needs a limit.

    Where a schema of the output is refused, the middle step is a tool that the model must use.
    """
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": limit,
        "system": prompt.system,
        "messages": [{"role": "user", "content": prompt.user}],
    }
    if form.temperature:
        body["temperature"] = min(varied(temperature, prompt), 1.0)
    if form.structure == "json_schema":
        body["output_config"] = {"format": {"type": "json_schema", "schema": prompt.schema}}
    elif form.structure == "json_object":
        body["tools"] = [{"name": _TOOL, "input_schema": prompt.schema}]
        body["tool_choice"] = {"type": "tool", "name": _TOOL}
    return body


def usage(answer: Mapping[str, Any]) -> Usage:
    """Return what an answer counted; the protocol counts cached tokens apart from the others."""
    counted = answer.get("usage")
    cached = count(counted, "cache_read_input_tokens")
    written = count(counted, "cache_creation_input_tokens")
    prompt = count(counted, "input_tokens") + cached + written
    return Usage(1, prompt, count(counted, "output_tokens"), cached)


def read(answer: Mapping[str, Any], *, asked: str) -> Completion | Fault:
    """Return the reply of an answer of status 200."""
    spent = usage(answer)
    content = answer.get("content")
    stopped = str(answer.get("stop_reason")).lower()
    if stopped == "refusal":
        return nothing("its answer ended with refusal", spent, Kind.REFUSAL)
    text = _tool_input(content) or text_of(content)
    cut = stopped in _LENGTH
    if not isinstance(content, list | str):
        return nothing("answered without a message", spent)
    if not text.strip() and not cut:
        return nothing("answered with an empty message", spent)
    return Completion(
        text=text,
        model=named(answer.get("model"), asked),
        finish=Finish.LENGTH if cut else Finish.STOP,
        usage=spent,
    )


def _tool_input(content: object) -> str:
    """Return what the tool was used with; of two uses nobody can say which is the reply."""
    blocks = content if isinstance(content, list) else []
    used = [each for each in blocks if isinstance(each, dict) and each.get("type") == "tool_use"]
    return as_text(used[0]["input"]) if len(used) == 1 and used[0].get("input") else ""
