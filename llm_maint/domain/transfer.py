"""Import and export of profile rows: JSON array or JSON Lines; a bad row names its line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llm_maint.domain.entity import Entity
from llm_maint.domain.json_rows import check_storable, items
from llm_maint.domain.json_values import MAX_DEPTH, depth
from llm_maint.domain.moments import iso, parse_time
from llm_maint.domain.profile import Attribute
from llm_maint.errors import DataError, InvalidInputError, MaintError

FIELDS = (
    "id",
    "entity_id",
    "entity_type",
    "category",
    "key",
    "value",
    "confidence",
    "source",
    "source_message_id",
    "created_at",
    "updated_at",
)

MAX_CHARS: Mapping[str, int] = {
    "entity_id": 100,
    "category": 50,
    "key": 100,
    "source": 50,
    "source_message_id": 100,
}
"""The widths of the assistant's columns, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttribute:
    """A row to insert; `line` is where it stands in the file."""

    line: int
    entity: Entity
    category: str
    key: str
    value: Any
    confidence: float | None
    source: str | None
    source_message_id: str | None
    created_at: datetime | None
    updated_at: datetime | None


def read_rows(text: str, *, name: str, entity: Entity | None) -> list[NewAttribute]:
    """Return the rows of a file.

    Args:
        text: a JSON array of objects, or JSON Lines.
        name: the file's name, for messages.
        entity: whose rows they are, where a row does not say.

    Raises:
        InvalidInputError: the first bad row, by its line.

    """
    rows = []
    for line, item in items(text, name):
        try:
            rows.append(_row(item, line, entity))
        except MaintError as error:
            raise InvalidInputError(
                f"{name}, line {line}: {error}; nothing was imported"
            ) from error
    return rows


def row_of(item: Mapping[str, Any], entity: Entity) -> NewAttribute:
    """Return a single row of an entity, checked like one of a file.

    Raises:
        InvalidInputError: what is wrong with it.

    """
    return _row(item, 1, entity)


def export_row(row: Attribute, entity: Entity) -> dict[str, Any]:
    """Return a row as `read_rows` reads it."""
    return {
        "id": row.id,
        "entity_id": entity.id,
        "entity_type": entity.type,
        "category": row.category,
        "key": row.key,
        "value": row.value,
        "confidence": row.confidence,
        "source": row.source,
        "source_message_id": row.source_message_id,
        "created_at": row.created_at and iso(row.created_at),
        "updated_at": row.updated_at and iso(row.updated_at),
    }


def _row(item: object, line: int, entity: Entity | None) -> NewAttribute:
    if not isinstance(item, dict):
        raise InvalidInputError("a row is a JSON object")
    unknown = item.keys() - set(FIELDS)
    if unknown:
        raise InvalidInputError(f"unknown field {min(unknown)!r}")
    if "value" not in item:
        raise InvalidInputError("value is missing")
    return NewAttribute(
        line=line,
        entity=_entity(item, entity),
        category=_required(item, "category"),
        key=_required(item, "key"),
        value=_value(item["value"]),
        confidence=_confidence(item.get("confidence")),
        source=_optional(item, "source"),
        source_message_id=_optional(item, "source_message_id"),
        created_at=_time(item, "created_at"),
        updated_at=_time(item, "updated_at"),
    )


def _entity(item: Mapping[str, Any], entity: Entity | None) -> Entity:
    kind = item.get("entity_type")
    if item.get("entity_id") is not None:
        return Entity.named(_required(item, "entity_id"), str(kind or "user"))
    if entity is None:
        raise InvalidInputError("entity_id is missing; --entity supplies it")
    if kind is not None and Entity.named(entity.id, str(kind)) != entity:
        raise InvalidInputError(
            f"entity_type is {kind!r}, and the entity supplied is a {entity.type}"
        )
    return entity


def _required(item: Mapping[str, Any], name: str) -> str:
    text = _optional(item, name)
    if text is None or not text.strip():
        raise InvalidInputError(f"{name} is missing")
    return text


def _optional(item: Mapping[str, Any], name: str) -> str | None:
    text = item.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidInputError(f"{name} is not a text")
    if len(text) > MAX_CHARS[name]:
        raise InvalidInputError(f"{name} is longer than {MAX_CHARS[name]} characters")
    check_storable(text, name)
    return text


def _value(value: Any) -> Any:  # noqa: ANN401 a JSON value is any type
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise InvalidInputError("value holds a number out of range") from error
    if depth(value) > MAX_DEPTH:
        raise InvalidInputError(f"value is nested more than {MAX_DEPTH} deep")
    for text in _texts(value):
        check_storable(text, "value")
    return value


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 a JSON value is any type
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError("confidence is not a number")
    if not 0 <= value <= 1:
        raise InvalidInputError(f"confidence is {str(value)[:20]}, not between 0 and 1")
    return float(value)


def _time(item: Mapping[str, Any], name: str) -> datetime | None:
    text = item.get(name)
    if text is not None and not isinstance(text, str):
        raise InvalidInputError(f"{name}: {text!r} is not a time")
    try:
        return parse_time(text, where=name)
    except DataError as error:
        raise InvalidInputError(str(error)) from error
