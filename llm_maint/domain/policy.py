"""What a consolidation must respect: which rows are protected, and how much may be lost."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from llm_maint.domain.row import Row, latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a consolidation must respect; from the settings `profile_maintenance.*`, `memory.*`.

    `pinned_keys` are snake_case, and protect a key however it is written; `pinned_ids` protect
    single memories, `protected_tags` all that bear one.
    """

    protected_sources: frozenset[str] = frozenset({"explicit"})
    pinned_keys: frozenset[str] = frozenset()
    protected_tags: frozenset[str] = frozenset()
    pinned_ids: frozenset[str] = frozenset()
    max_loss_ratio: float = 0.12
    min_age: timedelta = timedelta(0)

    def protects(self, row: Row) -> bool:
        """Return whether a row may never be removed, rewritten or superseded."""
        return row.is_protected(self)

    def is_young(self, row: Row, *, now: datetime) -> bool:
        """Return whether a row was written too lately to be touched."""
        return latest(row) > now - self.min_age if self.min_age else False
