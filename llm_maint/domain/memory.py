"""A memory of an assistant as a value: what it says, and how it goes on for others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from llm_maint.domain.lists import as_list, is_list
from llm_maint.domain.moments import iso, parse_time
from llm_maint.domain.row import Image, Scalar, latest
from llm_maint.domain.wording import Saying, fact_of, folded, words_of

if TYPE_CHECKING:
    from llm_maint.domain.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One row of a table of memories.

    `importance` is from 0 to 1 as the assistant gave it, None where it gave none. `session` names
    the conversation that it is from, where the table tells. `is_marked` tells that a column of the
    table says it is pinned or protected. `image` holds columns exactly as they were read: those
    that this value is made of or, where the row is to be written, all.
    """

    id: str
    content: str
    tags: tuple[str, ...] = ()
    importance: float | None = None
    source_message_ids: tuple[Scalar, ...] = ()
    access_count: int | None = None
    last_accessed: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    session: str | None = None
    is_marked: bool = False
    image: Image = field(default_factory=dict, repr=False)

    @property
    def category(self) -> str:
        """None: a memory is of one kind."""
        return ""

    @property
    def key(self) -> str:
        """None: its text says by itself what it is about."""
        return ""

    @property
    def value(self) -> str:
        """What it says."""
        return self.content

    @property
    def text(self) -> str:
        """What it says."""
        return self.content

    @property
    def saying(self) -> Saying:
        """The fact that it states."""
        return Saying("", self.content)

    @property
    def fact(self) -> str:
        """A text equal for memories that surely state one fact."""
        return fact_of("", self.content)

    @property
    def identity(self) -> str:
        """Equal for copies: the same text after NFKC, case and white-space folding.

        A memory without a text, of which there is a vector alone, is a copy of none.
        """
        return folded(self.content) if self.content.strip() else self.id

    @property
    def standing(self) -> tuple[bool, datetime, float]:
        """Its order in a group: the latest update, then the higher importance."""
        return False, latest(self), -1.0 if self.importance is None else self.importance

    @property
    def seen(self) -> list[str]:
        """What a judge sees of it, but for times that an assistant may touch by reading it."""
        return [self.content, str(self.image.get("created_at"))]

    @property
    def as_read(self) -> list[str]:
        """What makes a plan outdated; tags and counts of accesses change while a model thinks."""
        return self.seen

    def is_protected(self, policy: "Policy") -> bool:
        """Return whether a column, a tag or a pin protects it."""
        column = self.image.get("tags")
        # Where it holds no list, every word may be a tag.
        read = self.tags if is_list(column) else words_of(str(column))
        tags = {tag.strip().casefold() for tag in read}
        return self.is_marked or self.id in policy.pinned_ids or bool(tags & policy.protected_tags)

    def key_as(self, _proposed: str) -> str:
        """Return no key: a memory has none."""
        return ""

    def united(self, sources: Iterable["Memory"]) -> "Memory":
        """Return it as what goes on for others.

        It has the earliest creation, the latest update and access, the highest importance, the sum
        of all accesses, and the tags and message ids of all.
        """
        rows = [self, *sources]
        created = min((r for r in rows if r.created_at), key=_created, default=self)
        updated = max((r for r in rows if r.updated_at), key=latest, default=self)
        accessed = max((r for r in rows if r.last_accessed), key=_accessed, default=self)
        weightiest = max((r for r in rows if r.importance is not None), key=_weight, default=self)
        counts = [row.access_count for row in rows if row.access_count is not None]
        taken = {
            "created_at": created,
            "updated_at": updated,
            "last_accessed": accessed,
            "importance": weightiest,
        }
        values = {
            **{name: (getattr(row, name), row.image.get(name)) for name, row in taken.items()},
            "access_count": self._counted(sum(counts)) if counts else (None, None),
            **self._listed(rows),
        }
        # What is as it was stays so to the byte, however its list or its time was written.
        changed = {n: each for n, each in values.items() if each[0] != getattr(self, n)}
        columns = {n: column for n, (_, column) in changed.items() if n in self.image}
        found: dict[str, Any] = {name: value for name, (value, _) in changed.items()}
        return replace(self, **found, image={**self._filled(rows), **columns})

    def _listed(self, rows: Sequence["Memory"]) -> dict[str, tuple[tuple[Any, ...], Scalar]]:
        """Return what is in any of the lists, once, in the order of its first place; as JSON too.

        A column that holds something else is left alone.
        """
        found: dict[str, tuple[tuple[Any, ...], Scalar]] = {}
        for name in ("tags", "source_message_ids"):
            items: dict[str, Any] = {}
            for item in chain.from_iterable(getattr(row, name) for row in rows):
                items.setdefault(str(item), item)
            if is_list(self.image.get(name)):
                column = as_list(items.values(), *(row.image.get(name) for row in rows))
                found[name] = tuple(items.values()), column
        return found

    def _filled(self, rows: Iterable["Memory"]) -> Image:
        """Return its columns, where it has no vector with that of a copy that has one."""
        image: dict[str, Scalar] = dict(self.image)
        for name in ("embedding", "meaning_embedding"):
            if name in image and image[name] is None:
                same = [row for row in rows if row.identity == self.identity]
                image[name] = next((v for row in same if (v := row.image.get(name))), None)
        return image

    @property
    def takes_tags(self) -> bool:
        """Whether there is a column for its tags, which holds a list or nothing yet."""
        return "tags" in self.image and is_list(self.image["tags"])

    def with_tags(self, tags: Sequence[str]) -> "Memory":
        """Return it with other tags; as it is where its column holds something else than a list."""
        column = self.image.get("tags")
        if tuple(tags) == self.tags or not is_list(column):
            return self
        columns = {"tags": as_list(tags, column)} if "tags" in self.image else {}
        return replace(self, tags=tuple(tags), image={**self.image, **columns})

    def with_text(self, text: str) -> "Memory":
        """Return it with another text; its vector stays that of a text which this one covers."""
        return replace(self, content=text, image={**self.image, "content": text})

    def with_key(self, _key: str) -> "Memory":
        """Return it as it is: a memory has no key."""
        return self

    def with_category(self, _category: str, _among: Iterable["Memory"]) -> "Memory":
        """Return it as it is: a memory has no category."""
        return self

    def as_maintained(self) -> "Memory":
        """Return it as it is: nothing in its table tells who wrote it."""
        return self

    def shown(self, name: str) -> dict[str, Any]:
        """Return what a model is shown of it, as a row of the same shape as an attribute's."""
        return {
            "id": name,
            "category": "memory",
            "key": "",
            "value": self.content,
            "tags": list(self.tags),
            "importance": self.importance,
            "created_at": self.created_at and iso(self.created_at),
            "updated_at": self.updated_at and iso(self.updated_at),
        }

    def document(self) -> dict[str, Any]:
        """Return it as `memory list --json` prints it."""
        moments = {name: getattr(self, name) for name in _MOMENTS}
        return {
            "id": self.id,
            "content": self.content,
            "tags": list(self.tags),
            "importance": self.importance,
            "source_message_ids": list(self.source_message_ids),
            "access_count": self.access_count,
            **{name: moment and iso(moment) for name, moment in moments.items()},
        }

    def described(self, text: str) -> str:
        """Return it as a line for people."""
        facts = [] if self.importance is None else [f"{self.importance:g}"]
        facts += [", ".join(self.tags)] if self.tags else []
        return f"{text} ({'; '.join(facts)})" if facts else text

    @property
    def kept(self) -> Image:
        """The columns that this value is made of: a vector is neither written nor shown."""
        return {name: value for name, value in self.image.items() if name in COLUMNS}

    @property
    def unwritten(self) -> Image:
        """What names it."""
        return {name: self.image[name] for name in ("bot_id", "id") if name in self.image}

    def with_image(self, image: Image) -> "Memory":
        """Return it with other columns."""
        return replace(self, image=image)

    @classmethod
    def read(cls, document: Mapping[str, Any], image: Image) -> "Memory":
        """Return the memory of a document that `document` made."""
        return cls(
            id=document["id"],
            content=document["content"],
            tags=tuple(document["tags"]),
            importance=document["importance"],
            source_message_ids=tuple(document["source_message_ids"]),
            access_count=document["access_count"],
            last_accessed=parse_time(document["last_accessed"], where="last_accessed"),
            created_at=parse_time(document["created_at"], where="created_at"),
            updated_at=parse_time(document["updated_at"], where="updated_at"),
            image=dict(image),
        )

    def _counted(self, count: int) -> tuple[int, Scalar]:
        # As the database gave it: as text, or as a number.
        column = str(count) if isinstance(self.image.get("access_count"), str) else count
        return count, column


COLUMNS = frozenset(
    {
        *("bot_id", "id", "content", "tags", "importance", "source_message_ids", "access_count"),
        *("last_accessed", "created_at", "updated_at"),
    }
)
"""The columns that a memory is made of; what else there is, vectors above all, may be large."""

_MOMENTS = ("last_accessed", "created_at", "updated_at")


def by_creation(row: Memory) -> tuple[datetime, str]:
    """Return the order in which memories were made; those without a time come first."""
    return row.created_at or datetime.min.replace(tzinfo=UTC), row.id


def _created(row: Memory) -> datetime:
    return row.created_at or datetime.max.replace(tzinfo=UTC)


def _accessed(row: Memory) -> datetime:
    return row.last_accessed or datetime.min.replace(tzinfo=UTC)


def _weight(row: Memory) -> float:
    return -1.0 if row.importance is None else row.importance
