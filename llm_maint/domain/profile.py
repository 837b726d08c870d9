"""A person's profile as values: entities, attributes, and which attributes are protected."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from llm_maint.domain.wording import Saying, snake_case
from llm_maint.errors import DataError, UnknownNameError

CATEGORIES = (
    "preference",
    "fact",
    "interest",
    "communication",
    "health",
    "misc",
    "personality",
    "context",
)
"""The categories an assistant knows; rows with others are left as they are."""

ENTITY_TYPES = ("user", "bot")

Scalar = str | int | float | bool | None
"""A column as the database gave it, exact enough to put it back to the byte."""

Image = Mapping[str, Scalar]
"""Every column of one row."""

AttributeId = int | str


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Whose profile it is: a user or a bot; the id is lower-cased and stripped."""

    type: str
    id: str

    @classmethod
    def named(cls, entity_id: str, entity_type: str = "user") -> Self:
        """Return the entity for names as people write them."""
        kind = entity_type.strip().lower()
        if kind not in ENTITY_TYPES:
            raise UnknownNameError(
                f"no entity type {entity_type!r}; known: {', '.join(ENTITY_TYPES)}"
            )
        return cls(kind, entity_id.strip().lower())

    def __str__(self) -> str:
        return self.id if self.type == "user" else f"{self.type} {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One row of a profile.

    `value` is any JSON value. `image` holds every column exactly as it was read, unknown columns
    included; it is what compare-and-set and the journal work with.
    """

    id: AttributeId
    category: str
    key: str
    value: Any
    confidence: float | None
    source: str | None
    source_message_id: str | None
    created_at: datetime | None
    updated_at: datetime | None
    image: Image = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The value as text: a string itself, anything else as JSON."""
        if isinstance(self.value, str):
            return self.value
        return json.dumps(self.value, ensure_ascii=False, sort_keys=True)

    @property
    def saying(self) -> Saying:
        """The fact that key and value state."""
        return Saying(self.key, self.text)


WRITTEN = frozenset(
    {"category", "key", "value", "confidence", "source", "created_at", "updated_at"}
)
"""The columns that a consolidation may write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a consolidation must respect; from the settings `profile_maintenance.*`.

    `pinned_keys` are snake_case, and protect a key however it is written.
    """

    protected_sources: frozenset[str] = frozenset({"explicit"})
    pinned_keys: frozenset[str] = frozenset()
    max_loss_ratio: float = 0.12
    min_age: timedelta = timedelta(0)

    def protects(self, row: Attribute) -> bool:
        """Return whether a row may never be removed, rewritten or superseded."""
        return (
            row.source in self.protected_sources
            or (row.confidence is not None and row.confidence >= 1)
            or row.key in self.pinned_keys
            or (bool(self.pinned_keys) and snake_case(row.key) in self.pinned_keys)
        )

    def is_young(self, row: Attribute, *, now: datetime) -> bool:
        """Return whether a row was written too lately to be touched."""
        return latest(row) > now - self.min_age if self.min_age else False


def united(winner: Attribute, sources: Iterable[Attribute]) -> Attribute:
    """Return the winner with the earliest creation, latest update and highest confidence of all.

    Each comes from the row it was read of, to the byte; never the time of the run.
    """
    rows = [winner, *sources]
    created = min((r for r in rows if r.created_at), key=_created, default=winner)
    updated = max((r for r in rows if r.updated_at), key=latest, default=winner)
    surest = max((r for r in rows if r.confidence is not None), key=surety, default=winner)
    columns = {
        name: row.image[name]
        for name, row in (("created_at", created), ("updated_at", updated), ("confidence", surest))
        if name in row.image
    }
    return replace(
        winner,
        created_at=created.created_at,
        updated_at=updated.updated_at,
        confidence=surest.confidence,
        image={**winner.image, **columns},
    )


def latest(row: Attribute) -> datetime:
    """Return when a row was last updated, the beginning of time where it does not say."""
    return row.updated_at or datetime.min.replace(tzinfo=UTC)


def surety(row: Attribute) -> float:
    """Return a row's confidence, below all others where it has none."""
    return -1.0 if row.confidence is None else row.confidence


def _created(row: Attribute) -> datetime:
    return row.created_at or datetime.max.replace(tzinfo=UTC)


def fingerprint(rows: Iterable[Attribute], *, judge: str) -> str:
    """Return a hash of a profile's rows and of who judged them (model and prompt version).

    The same hash means that nothing has changed since, so there is nothing to ask.
    """
    content = sorted(
        [str(r.id), *(str(r.image.get(name)) for name in _FINGERPRINT_COLUMNS)] for r in rows
    )
    return hashlib.sha256(json.dumps([judge, content]).encode()).hexdigest()


_FINGERPRINT_COLUMNS = ("category", "key", "value", "confidence", "source", "updated_at")


def parse_value(text: str) -> Any:  # noqa: ANN401 a JSON value is any type
    """Return a JSON text as a value; a text that is not JSON stands for itself.

    So does one nested beyond `MAX_DEPTH`, which nobody could print or compare.
    """
    try:
        value = json.loads(text, parse_constant=no_constant, parse_float=finite)
    except (ValueError, RecursionError):
        return text
    return text if depth(value) > MAX_DEPTH else value


MAX_DEPTH = 100
"""Lists and objects within each other; far from what Python's recursion bears."""


def depth(value: Any) -> int:  # noqa: ANN401 a JSON value is any type
    """Return how deep the lists and objects of a JSON value are nested; 0 for a scalar."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, list | dict)]:
        deepest += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return deepest


def finite(text: str) -> float:
    """Return a JSON number, refusing one beyond the range of a float: a `parse_float`."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's JSON reads and JSON has not: a `parse_constant`."""
    raise ValueError(f"{name} is not JSON")


def parse_time(text: object, *, where: str) -> datetime | None:
    """Return a time of the database (ISO 8601, without a zone = UTC) as an aware one.

    Raises:
        DataError: the text is no time, for example `infinity`.

    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{where}: {text!r} is not a time") from error
