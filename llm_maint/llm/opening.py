"""An answer as it came, opened: the JSON object in it, or what is wrong with it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from llm_maint.domain.chat import NO_USAGE
from llm_maint.llm import faults
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.provider import Provider, nothing
from llm_maint.llm.secret import Secret
from llm_maint.web.transport import Answer, NoAnswer

QUOTED = 200
"""Characters of what a server said that a message repeats."""

_LOOKED_AT = 4_000


def opened(
    answer: Answer | NoAnswer, provider: Provider, secret: Secret, *, now: datetime
) -> Mapping[str, Any] | Fault:
    """Return the JSON object of an answer, or its fault, quoted without the secret."""
    if isinstance(answer, NoAnswer):
        kind = Kind.DOWN if answer.down else Kind.FAILED
        return Fault(kind=kind, said=secret.hidden(answer.reason))
    found = _parsed(answer.body)
    is_object = isinstance(found, dict)
    if answer.status not in faults.OK or (is_object and found.get("error")):
        what = "an error" if answer.status in faults.OK else str(answer.status)
        return faults.of_answer(
            answer.status,
            answer.headers,
            answer.body,
            found,
            said=_quoted(answer, what, secret),
            spent=provider.usage(found) if is_object else NO_USAGE,
            now=now,
        )
    if not is_object:
        return nothing(_quoted(answer, "no JSON", secret), NO_USAGE)
    document: Mapping[str, Any] = found
    return document


def _parsed(body: bytes) -> Any:  # noqa: ANN401 any JSON
    """Return a body's JSON; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _quoted(answer: Answer, what: str, secret: Secret) -> str:
    """Return the first of what a server said, on one line."""
    text = secret.hidden(answer.body[:_LOOKED_AT].decode(errors="replace"))
    where = answer.headers.get("location", "")
    to = f" to {secret.hidden(where)}" if where else ""
    return f"answered {what}{to}: {' '.join(text.split())[:QUOTED] or 'nothing'}"
