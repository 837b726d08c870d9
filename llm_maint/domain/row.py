"""What a consolidation knows of a row, be it an attribute of a profile or a memory."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from llm_maint.domain.wording import Saying

if TYPE_CHECKING:
    from llm_maint.domain.policy import Policy

Scalar = str | int | float | bool | None
"""A column as the database gave it, exact enough to put it back to the byte."""

Image = Mapping[str, Scalar]
"""Every column of one row."""

RowId = int | str


class Row(Protocol):
    """A row of the user, as the guards and the model meet it: `Attribute` or `Memory`.

    `image` holds every column exactly as it was read; it is what compare-and-set and the journal
    work with.
    """

    @property
    def id(self) -> RowId:
        """What names it in its table."""

    @property
    def category(self) -> str:
        """The category, empty for a row of a kind that has none."""

    @property
    def key(self) -> str:
        """The key, empty for a row of a kind that has none."""

    @property
    def value(self) -> Any:  # noqa: ANN401 a JSON value is any type
        """What it says: any JSON value."""

    @property
    def updated_at(self) -> datetime | None:
        """When it was written last."""

    @property
    def image(self) -> Image:
        """Every column as it was read."""

    @property
    def text(self) -> str:
        """The value as text."""

    @property
    def saying(self) -> Saying:
        """The fact that it states."""

    @property
    def fact(self) -> str:
        """A text equal for rows that surely state one fact, for counting facts."""

    @property
    def identity(self) -> Hashable:
        """A value equal for rows that are copies of each other, and fold."""

    @property
    def standing(self) -> tuple[bool, datetime, float]:
        """Its order among the rows of a group: explicit, then the latest, then the surest."""

    @property
    def seen(self) -> Iterable[str]:
        """What a judge sees of it: as long as this is the same, so is the judgement."""

    @property
    def as_read(self) -> object:
        """What of it nobody may have changed meanwhile, for a plan to be still right."""

    def is_protected(self, policy: "Policy") -> bool:
        """Return whether it may never be removed, rewritten or superseded."""

    def key_as(self, proposed: str) -> str:
        """Return a proposed key in the form that such rows have; their own where they have none."""

    def united(self, sources: Iterable[Any]) -> Self:
        """Return the row with what it takes over from rows of its kind that it goes on for."""

    def with_text(self, text: str) -> Self:
        """Return the row with another text."""

    def with_key(self, key: str) -> Self:
        """Return the row with another key."""

    def with_category(self, category: str, among: Iterable[Any]) -> Self:
        """Return the row with a category that is known, or one of those `among` which it goes."""

    def as_maintained(self) -> Self:
        """Return the row as one whose text a model wrote."""

    def shown(self, name: str) -> dict[str, Any]:
        """Return what a model is shown of it, under a name that is local to the request."""

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document for people and scripts."""

    def described(self, text: str) -> str:
        """Return it as a line for people, with its text as it is given, which may be shortened."""

    @property
    def kept(self) -> Image:
        """The columns that a saved plan keeps of it: those that a plan may write, and its names."""

    @property
    def unwritten(self) -> Image:
        """The columns among them that no consolidation writes."""

    def with_image(self, image: Image) -> Self:
        """Return it with other columns, as the database has them once it is written."""


def latest(row: Row) -> datetime:
    """Return when a row was last updated, the beginning of time where it does not say."""
    return row.updated_at or datetime.min.replace(tzinfo=UTC)
