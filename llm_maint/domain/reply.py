"""A model's reply as proposals: read strictly, never repaired into something it did not say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm_maint.domain.extract import first_of, one_object
from llm_maint.domain.row import RowId
from llm_maint.errors import UnreadableReplyError

GROUP_OPS = ("merge", "supersede", "conflict")
REMOVAL_REASONS = ("noise", "transient", "empty")

MAX_REASON_CHARS = 500
"""What is kept of a model's reason: a sentence, whatever it wrote."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the model proposes for some rows; `op` is merge, supersede, conflict or remove.

    `category`, `key` and `value` are what the row that stays should have, None for what it has.
    """

    op: str
    reason: str
    row_ids: tuple[RowId, ...]
    category: str | None = None
    key: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a reply that cannot be used, and why."""

    guard: str
    reason: str
    row_ids: tuple[RowId, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply in terms of database ids; `nonce` is what it echoed, None where it did not."""

    proposals: tuple[Proposal, ...]
    refused: tuple[Refused, ...]
    reviewed: frozenset[RowId]
    nonce: object = None


def read_reply(text: str, ids: Mapping[str, RowId]) -> Reply:
    """Return what a reply proposes.

    Args:
        text: the reply, in which `one_object` finds its JSON.
        ids: the ids of the request and the rows they stand for.

    Raises:
        UnreadableReplyError: the reply is not JSON or not of the agreed shape. A single operation
            that is malformed or names an unknown id is refused alone; the others stand.

    """
    document = _document(text)
    proposals: list[Proposal] = []
    refused: list[Refused] = []
    for item, is_group in [
        *((group, True) for group in _list_of(document, "groups")),
        *((removal, False) for removal in _list_of(document, "remove")),
    ]:
        read = _group(item, ids) if is_group else _removal(item, ids)
        (proposals if isinstance(read, Proposal) else refused).append(read)  # type: ignore[arg-type]
    reviewed = frozenset(
        ids[name]
        for name in _list_of(document, "reviewed")
        if isinstance(name, str) and name in ids
    )
    return Reply(tuple(proposals), tuple(refused), reviewed, document.get("nonce"))


def _document(text: str) -> Mapping[str, Any]:
    document = one_object(text)
    if not any(name in document for name in ("groups", "remove", "reviewed")):
        raise UnreadableReplyError("the reply has none of groups, remove and reviewed")
    return document


def _list_of(document: Mapping[str, Any], name: str) -> list[Any]:
    found = document.get(name, [])
    if not isinstance(found, list):
        raise UnreadableReplyError(f"{name!r} of the reply is not a list")
    return found


def _group(item: object, ids: Mapping[str, RowId]) -> Proposal | Refused:
    if not isinstance(item, dict) or not isinstance(item.get("ids"), list):
        return Refused("malformed", "a group without a list of ids", ())
    rows, unknown = _rows(item["ids"], ids)
    reason = _reason(item)
    if item.get("op") not in GROUP_OPS:
        return Refused("malformed", f"unknown op {_quoted(item.get('op'))}", rows)
    if unknown:
        return Refused("unknown_id", f"unknown id {unknown}", rows)
    if len(rows) < 2:  # noqa: PLR2004 a group of one groups nothing
        return Refused("group_of_one", reason or "a group of one row", rows)
    wanted = {name: _text_or_none(item.get(name)) for name in ("category", "key", "value")}
    return Proposal(str(item["op"]), reason, rows, **wanted)


def _removal(item: object, ids: Mapping[str, RowId]) -> Proposal | Refused:
    if not isinstance(item, dict):
        return Refused("malformed", "a removal that is no object", ())
    rows, unknown = _rows([item.get("id")], ids)
    why = item.get("why")
    if unknown:
        return Refused("unknown_id", f"unknown id {unknown}", rows)
    if why not in REMOVAL_REASONS:
        return Refused("malformed", f"unknown why {_quoted(why)}", rows)
    return Proposal("remove", _reason(item) or str(why), rows)


def _rows(
    names: Sequence[object], ids: Mapping[str, RowId]
) -> tuple[tuple[RowId, ...], str | None]:
    known = [ids[name] for name in names if isinstance(name, str) and name in ids]
    unknown = next((n for n in names if not isinstance(n, str) or n not in ids), None)
    shown = None if len(known) == len(names) else _quoted(unknown)
    return tuple(dict.fromkeys(known)), shown


def _reason(item: Mapping[str, Any]) -> str:
    reason = item.get("reason")
    return reason[:MAX_REASON_CHARS] if isinstance(reason, str) else ""


def _text_or_none(value: object) -> str | None:
    # A value of any other type is no text to write: the winner's own stays.
    return value if isinstance(value, str) and value.strip() else None


def _quoted(value: object) -> str:
    return first_of(value) if isinstance(value, str) else f"of type {type(value).__name__}"
