"""What the protocols of model servers differ in: the provider's part of a client."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from llm_maint.domain.chat import Completion, Prompt, Usage
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.form import Form

VARIED_TEMPERATURE = 0.3
"""At least this where a prompt is asked again: at 0 another seed would change nothing."""

MOST_TOKENS = 1_000_000_000
"""A count beyond it is a server's mistake."""


LONGEST_NAME = 200
"""Characters that are kept of a model's name."""


class Provider(Protocol):
    """A protocol; a module can be one."""

    endpoint: str
    embeddings: str
    """The endpoint of vectors; empty where the protocol has none."""

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers of every request; the key is empty where there is none."""
        ...

    def document(
        self, prompt: Prompt, form: Form, *, model: str, limit: int, temperature: float
    ) -> dict[str, Any]:
        """Return the JSON of a request whose reply has at most `limit` tokens."""
        ...

    def usage(self, answer: Mapping[str, Any]) -> Usage:
        """Return what an answer counted, an error too; nothing where it did not."""
        ...

    def read(self, answer: Mapping[str, Any], *, asked: str) -> Completion | Fault:
        """Return the reply of an answer of status 200; `asked` is the model that was asked."""
        ...


def varied(temperature: float, prompt: Prompt) -> float:
    """Return the temperature for a prompt: higher where it is asked again."""
    return max(temperature, VARIED_TEMPERATURE) if prompt.variation else temperature


def nothing(said: str, usage: Usage, kind: Kind = Kind.EMPTY) -> Fault:
    """Return the fault of an answer without a reply; its tokens were spent all the same."""
    return Fault(kind=kind, said=said, usage=usage, status=200)


def count(counted: object, *names: str) -> int:
    """Return the tokens under the first of some names that a server counted."""
    for name in names:
        number = counted.get(name) if isinstance(counted, dict) else None
        if isinstance(number, int) and not isinstance(number, bool) and number > 0:
            return min(number, MOST_TOKENS)
    return 0


def named(model: object, asked: str) -> str:
    """Return the name of the model that answered, as fit for a record as any name."""
    if not isinstance(model, str):
        return asked
    return "".join(filter(str.isprintable, model))[:LONGEST_NAME] or asked


def text_of(content: object) -> str:
    """Return the text of a message: a string, or the text among its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(_part(part) for part in parts)


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type") not in (None, "text", "output_text"):
        return ""
    text = part.get("text")
    if isinstance(text, dict):  # as some servers nest it
        text = text.get("value")
    return text if isinstance(text, str) else ""


def as_text(document: object) -> str:
    """Return a JSON value as the text that a model would have written."""
    return json.dumps(document, ensure_ascii=False)
