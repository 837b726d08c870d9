"""Builders of values that many tests need: rows, entities, moments."""

from datetime import UTC, datetime, timedelta
from typing import Any

from llm_maint.domain.profile import Attribute, AttributeId, Entity

NICK = Entity("user", "nick")

MORNING = datetime(2026, 1, 3, 10, tzinfo=UTC)
"""When every row was written, unless a test says otherwise."""


def day(number: int) -> datetime:
    """Return the moment that many days after `MORNING`."""
    return MORNING + timedelta(days=number)


def attribute(
    id: AttributeId = 1,  # noqa: A002 the column's name
    key: str = "favorite_color",
    value: Any = "blue",  # noqa: ANN401 a JSON value is any type
    **overrides: Any,  # noqa: ANN401 any column
) -> Attribute:
    """Return a row; its `image` holds all columns as a database without types would.

    Times are written as the store writes them; `image` among the overrides adds columns.
    """
    columns: dict[str, Any] = {
        "category": "preference",
        "confidence": 0.8,
        "source": "inferred",
        "source_message_id": None,
        "created_at": MORNING,
        "updated_at": MORNING,
        **overrides,
    }
    extra = columns.pop("image", {})
    image = {"id": id, "key": key, "value": repr(value), **columns, **extra}
    for name in ("created_at", "updated_at"):
        image[name] = columns[name] and str(columns[name])
    return Attribute(id=id, key=key, value=value, image=image, **columns)
