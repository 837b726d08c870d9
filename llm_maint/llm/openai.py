"""The OpenAI chat-completions protocol, as a great many servers speak it, each a little its own."""

from collections.abc import Mapping
from typing import Any

from llm_maint.domain.chat import Completion, Finish, Prompt, Usage
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.form import Form
from llm_maint.llm.provider import count, named, nothing, text_of, varied

endpoint = "/chat/completions"

embeddings = "/embeddings"

_LENGTH = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
_FILTERED = frozenset({"content_filter", "safety", "recitation", "refusal", "prohibited_content"})

_BROKE_OFF = frozenset({"error", "abort", "insufficient_system_resource"})
"""As a server or a router says that a reply is not whole, and not for its length."""

_REASONING = ("reasoning_content", "reasoning")
"""Where a server puts the whole reply that takes it for thinking."""


def headers(key: str) -> Mapping[str, str]:
    """Return the headers of every request."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def document(
    prompt: Prompt, form: Form, *, model: str, limit: int, temperature: float
) -> dict[str, Any]:
    """Return the JSON of a request."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
    }
    if form.temperature:
        body["temperature"] = varied(temperature, prompt)
    if form.limit != "none":
        body[form.limit] = limit
    if prompt.variation and form.seed:
        body["seed"] = prompt.variation
    if form.structure == "json_schema":
        schema = {"name": "reply", "strict": True, "schema": prompt.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form.structure == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def usage(answer: Mapping[str, Any]) -> Usage:
    """Return what an answer counted."""
    counted = answer.get("usage")
    details = counted if isinstance(counted, dict) else {}
    completion = count(counted, "completion_tokens", "output_tokens")
    reasoning = count(details.get("completion_tokens_details"), "reasoning_tokens")
    if reasoning > completion:  # some count it beside the completion, not as a part of it
        completion += reasoning
    cached = count(details.get("prompt_tokens_details"), "cached_tokens")
    return Usage(
        1,
        count(counted, "prompt_tokens", "input_tokens"),
        completion,
        cached or count(counted, "prompt_cache_hit_tokens"),
        reasoning,
    )


def read(answer: Mapping[str, Any], *, asked: str) -> Completion | Fault:
    """Return the reply of an answer of status 200."""
    spent = usage(answer)
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict | None):
        return nothing("answered without a message", spent)
    message = message or {}
    finish = str(choice.get("finish_reason")).lower()
    if choice.get("error") or finish in _BROKE_OFF:
        return nothing("answered an error in place of a message", spent, Kind.FAILED)
    if refusal := _refusal(message) or (finish in _FILTERED and finish):
        return nothing(f"answered: {refusal}", spent, Kind.REFUSAL)
    text = text_of(message.get("content"))
    cut = finish in _LENGTH
    if not text.strip() and not cut:
        text = next((said for name in _REASONING if (said := text_of(message.get(name)))), "")
    if not text.strip() and not cut:
        return nothing("answered with an empty message", spent)
    return Completion(
        text=text,
        model=named(answer.get("model"), asked),
        finish=Finish.LENGTH if cut else Finish.STOP,
        usage=spent,
    )


def _refusal(message: Mapping[str, Any]) -> str:
    """Return what a model refused with: a field of the message, or a part of its content."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    for said in (message, *parts):
        if isinstance(said, dict) and said.get("refusal"):
            return str(said["refusal"])
    return ""
