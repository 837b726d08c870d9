"""The request of a profile consolidation: one JSON document of rows, under the rules."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from llm_maint.domain.chat import Prompt
from llm_maint.domain.profile import Attribute, AttributeId, Entity
from llm_maint.domain.prompt import RULES, SCHEMA


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt, which row each of its short ids stands for, and the nonce that a reply echoes."""

    prompt: Prompt
    ids: Mapping[str, AttributeId]
    nonce: str


def request_for(entity: Entity, rows: Iterable[Attribute]) -> Request:
    """Return the request about `rows`. Its ids (r1, r2, ...) are local to it."""
    named = {f"r{number}": row for number, row in enumerate(rows, start=1)}
    asked = {
        "entity": {"type": entity.type, "id": entity.id},
        "rows": [_shown(name, row) for name, row in named.items()],
    }
    nonce = _nonce(_text(asked))
    user = _text({"nonce": nonce, **asked})
    prompt = Prompt(system=RULES, user=user, schema=SCHEMA)
    return Request(prompt, {name: row.id for name, row in named.items()}, nonce)


def _text(document: Mapping[str, Any]) -> str:
    # A lone surrogate, which JSON can hold and no request can, becomes a question mark.
    # Written without spaces: they are a tenth of a request's tokens.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()


def _nonce(text: str) -> str:
    """Return what no model can guess that has not seen it, and yet is the same for equal rows."""
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest)[:6].decode().lower()


def _shown(name: str, row: Attribute) -> dict[str, Any]:
    return {
        "id": name,
        "category": row.category,
        "key": row.key,
        "value": row.value,
        "source": row.source,
        "confidence": row.confidence,
        "created_at": _stamp(row.created_at),
        "updated_at": _stamp(row.updated_at),
    }


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def iso(moment: datetime) -> str:
    """Return an aware time as ISO 8601 in UTC with `Z`, the one form that llm-maint prints."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
