"""Whose rows a consolidation is about: a user's or a bot's profile, or a bot's memories."""

from dataclasses import dataclass
from typing import Self

from llm_maint.errors import UnknownNameError

ENTITY_TYPES = ("user", "bot")
"""Who can have a profile."""

MEMORY = "memory"
"""The type of a bot's memories: they are apart from its profile."""


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Whose rows: the profile of a user or a bot, its id lower-cased and stripped; or memories."""

    type: str
    id: str

    @classmethod
    def named(cls, entity_id: str, entity_type: str = "user") -> Self:
        """Return the entity whose profile is meant, for names as people write them."""
        kind = entity_type.strip().lower()
        if kind not in ENTITY_TYPES:
            raise UnknownNameError(
                f"no entity type {entity_type!r}; known: {', '.join(ENTITY_TYPES)}"
            )
        return cls(kind, entity_id.strip().lower())

    @classmethod
    def remembering(cls, bot_id: str) -> Self:
        """Return the memories of a bot, whose id is as its table has it."""
        return cls(MEMORY, bot_id)

    @property
    def has_memories(self) -> bool:
        """Whether the rows are memories, not attributes."""
        return self.type == MEMORY

    @property
    def rows_are(self) -> str:
        """What its rows are called."""
        return "memories" if self.has_memories else "attributes"

    def __str__(self) -> str:
        return self.id if self.type in ("user", MEMORY) else f"{self.type} {self.id}"
