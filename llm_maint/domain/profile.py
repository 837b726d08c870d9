"""A row of a person's profile as a value: what it says, and how it goes on for others."""

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llm_maint.domain.moments import iso, parse_time
from llm_maint.domain.row import Image, RowId, latest
from llm_maint.domain.wording import Saying, fact_of, folded, key_of, snake_case

if TYPE_CHECKING:
    from llm_maint.domain.policy import Policy


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One row of a profile.

    `value` is any JSON value. `image` holds every column exactly as it was read, unknown columns
    included; it is what compare-and-set and the journal work with.
    """

    id: RowId
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

    @property
    def fact(self) -> str:
        """A text equal for rows that surely state one fact; see `wording.fact_of`."""
        return fact_of(self.key, self.value)

    @property
    def identity(self) -> Hashable:
        """Equal for copies: same category, same key as snake_case, same value after folding."""
        return self.category.strip().lower(), key_of(self.key), folded(self.value)

    @property
    def standing(self) -> tuple[bool, datetime, float]:
        """Its order in a group: explicit, then the latest update, then the higher confidence."""
        return self.source == "explicit", latest(self), surety(self)

    @property
    def seen(self) -> list[str]:
        """What a judge sees of it, to the byte."""
        return [str(self.image.get(name)) for name in _SEEN]

    @property
    def as_read(self) -> Image:
        """All its columns: whatever of it changed meanwhile, a plan is outdated."""
        return self.image

    def is_protected(self, policy: "Policy") -> bool:
        """Return whether its source, its confidence or a pinned key protects it."""
        return (
            self.source in policy.protected_sources
            or (self.confidence is not None and self.confidence >= 1)
            or self.key in policy.pinned_keys
            or (bool(policy.pinned_keys) and snake_case(self.key) in policy.pinned_keys)
        )

    def key_as(self, proposed: str) -> str:
        """Return a proposed key as snake_case."""
        return snake_case(proposed)

    def united(self, sources: Iterable["Attribute"]) -> "Attribute":
        """Return it with the earliest creation, latest update and highest confidence of all.

        Each comes from the row it was read of, to the byte; never the time of the run.
        """
        rows = [self, *sources]
        created = min((r for r in rows if r.created_at), key=_created, default=self)
        updated = max((r for r in rows if r.updated_at), key=latest, default=self)
        surest = max((r for r in rows if r.confidence is not None), key=surety, default=self)
        columns = {
            name: row.image[name]
            for name, row in (
                ("created_at", created),
                ("updated_at", updated),
                ("confidence", surest),
            )
            if name in row.image
        }
        return replace(
            self,
            created_at=created.created_at,
            updated_at=updated.updated_at,
            confidence=surest.confidence,
            image={**self.image, **columns},
        )

    def with_text(self, text: str) -> "Attribute":
        """Return it with another text as its value."""
        image = {**self.image, "value": json.dumps(text, ensure_ascii=False)}
        return replace(self, value=text, image=image)

    def with_key(self, key: str) -> "Attribute":
        """Return it with another key."""
        return replace(self, key=key, image={**self.image, "key": key})

    def with_category(self, category: str, among: Iterable["Attribute"]) -> "Attribute":
        """Return it with a category that is known or one of the rows'; with `misc` for another."""
        name = category.strip().lower()
        known = {*CATEGORIES, *(row.category for row in among)}
        name = name if name in known else "misc"
        return replace(self, category=name, image={**self.image, "category": name})

    def as_maintained(self) -> "Attribute":
        """Return it as one whose text a model wrote: nobody's own words, and so less sure."""
        image = dict(self.image)
        if "source" in image:
            image["source"] = NEW_SOURCE
        confidence = self.confidence
        if confidence is not None and confidence > MOST_CONFIDENCE:
            confidence = MOST_CONFIDENCE
            if "confidence" in image:  # as the database gave it: as text, or as a number
                image["confidence"] = type(image["confidence"] or 0.0)(confidence)
        return replace(self, source=NEW_SOURCE, confidence=confidence, image=image)

    def shown(self, name: str) -> dict[str, Any]:
        """Return what a model is shown of it, under a name that is local to the request."""
        document = self.document()
        document["id"] = name
        del document["source_message_id"]
        return document

    def document(self) -> dict[str, Any]:
        """Return it as `profile show` prints it."""
        return {
            "id": self.id,
            "category": self.category,
            "key": self.key,
            "value": self.value,
            "confidence": self.confidence,
            "source": self.source,
            "source_message_id": self.source_message_id,
            "created_at": self.created_at and iso(self.created_at),
            "updated_at": self.updated_at and iso(self.updated_at),
        }

    def described(self, text: str) -> str:
        """Return it as a line for people."""
        confidence = "" if self.confidence is None else f", {self.confidence:g}"
        return f"{self.category}: {self.key} = {text} ({self.source or 'no source'}{confidence})"

    @property
    def kept(self) -> Image:
        """All columns."""
        return self.image

    @property
    def unwritten(self) -> Image:
        """The columns that a consolidation never writes."""
        return {name: value for name, value in self.image.items() if name not in WRITTEN}

    def with_image(self, image: Image) -> "Attribute":
        """Return it with other columns."""
        return replace(self, image=image)

    @classmethod
    def read(cls, document: Mapping[str, Any], image: Image) -> "Attribute":
        """Return the attribute of a document that `document` made."""
        return cls(
            id=document["id"],
            category=document["category"],
            key=document["key"],
            value=document["value"],
            confidence=document["confidence"],
            source=document["source"],
            source_message_id=document["source_message_id"],
            created_at=parse_time(document["created_at"], where="created_at"),
            updated_at=parse_time(document["updated_at"], where="updated_at"),
            image=dict(image),
        )


NEW_SOURCE = "maintenance"
"""The source of a row whose text a model wrote."""

MOST_CONFIDENCE = 0.9
"""What a row can have at most whose text a model wrote: it is no longer anybody's own words."""

_SEEN = ("category", "key", "value", "confidence", "source", "updated_at")

WRITTEN = frozenset(
    {"category", "key", "value", "confidence", "source", "created_at", "updated_at"}
)
"""The columns that a consolidation may write."""


def surety(row: Attribute) -> float:
    """Return a row's confidence, below all others where it has none."""
    return -1.0 if row.confidence is None else row.confidence


def _created(row: Attribute) -> datetime:
    return row.created_at or datetime.max.replace(tzinfo=UTC)
