"""The OpenAI chat-completions protocol, as a great many servers speak it, each a little its own."""

from collections.abc import Mapping
from typing import Any

from llm_maint.domain.chat import Completion, Finish, Prompt, Usage
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.form import Form
from llm_maint.llm.provider import count, nothing, text_of, varied

endpoint = "/chat/completions"

_LENGTH = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
_FILTERED = frozenset({"content_filter", "safety", "recitation", "refusal", "prohibited_content"})

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


def read(answer: Mapping[str, Any], *, asked: str) -> Completion | Fault:
    """Return the reply of an answer of status 200."""
    usage = _usage(answer.get("usage"))
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return nothing("answered without a message", usage)
    finish = str(choice.get("finish_reason")).lower()
    if finish in _FILTERED or message.get("refusal"):
        said = message.get("refusal") or f"its answer ended with {finish}"
        return nothing(str(said), usage, Kind.REFUSAL)
    text = text_of(message.get("content"))
    cut = finish in _LENGTH
    if not text.strip() and not cut:
        text = next((said for name in _REASONING if (said := text_of(message.get(name)))), "")
    if not text.strip() and not cut:
        return nothing("answered with an empty message", usage)
    return Completion(
        text=text,
        model=str(answer.get("model") or asked),
        finish=Finish.LENGTH if cut else Finish.STOP,
        usage=usage,
    )


def _usage(counted: object) -> Usage:
    details = counted if isinstance(counted, dict) else {}
    return Usage(
        1,
        count(counted, "prompt_tokens", "input_tokens"),
        count(counted, "completion_tokens", "output_tokens"),
        count(details.get("prompt_tokens_details"), "cached_tokens")
        or count(counted, "prompt_cache_hit_tokens"),
        count(details.get("completion_tokens_details"), "reasoning_tokens"),
    )
