"""The request of a profile consolidation: one JSON document of rows, under the rules."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llm_maint.domain.chat import Prompt
from llm_maint.domain.entity import Entity
from llm_maint.domain.prompt import SCHEMA, rules_for
from llm_maint.domain.row import Row, RowId


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt, which row each of its short ids stands for, and the nonce that a reply echoes."""

    prompt: Prompt
    ids: Mapping[str, RowId]
    nonce: str


def request_for(entity: Entity, rows: Iterable[Row]) -> Request:
    """Return the request about `rows`. Its ids (r1, r2, ...) are local to it."""
    named = {f"r{number}": row for number, row in enumerate(rows, start=1)}
    asked = {
        "entity": {"type": "bot" if entity.has_memories else entity.type, "id": entity.id},
        "rows": [row.shown(name) for name, row in named.items()],
    }
    nonce = _nonce(_text(asked))
    user = _text({"nonce": nonce, **asked})
    prompt = Prompt(system=rules_for(entity), user=user, schema=SCHEMA)
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
