"""The models that a server lists at `/models`, and what it says of their context."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_CONTEXTS = (
    "loaded_context_length",
    "n_ctx",
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "max_input_tokens",
)
"""The names that servers have for it; what is loaded goes before what would be possible."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model; `context` is in tokens, None where the server does not say."""

    name: str
    context: int | None

    def is_named(self, wanted: str) -> bool:
        """Return whether a name means this model; one without a tag stands for its latest."""
        return self.name in (wanted, f"{wanted}:latest")


def listed(answer: Mapping[str, Any]) -> list[Listed]:
    """Return the models of an answer, in its order."""
    models = next((answer[name] for name in ("data", "models") if answer.get(name)), None)
    return list(_read(models)) if isinstance(models, list) else []


def _read(models: list[Any]) -> Iterator[Listed]:
    for model in models:
        if not isinstance(model, dict):
            continue
        name = next((model[n] for n in ("id", "name", "model") if model.get(n)), None)
        if isinstance(name, str):
            yield Listed(name, _context(model))


def _context(model: Mapping[str, Any]) -> int | None:
    meta = model.get("meta")
    for source in (model, meta if isinstance(meta, dict) else {}):
        for name in _CONTEXTS:
            tokens = source.get(name)
            if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0:
                return tokens
    return None
