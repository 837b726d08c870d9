"""Which rows of a profile a person means: by category, by key, or by the id of one."""

from collections.abc import Iterable, Sequence

from llm_maint.domain.nearest import unknown
from llm_maint.domain.profile import CATEGORIES, Attribute
from llm_maint.domain.wording import key_of
from llm_maint.errors import InvalidInputError


def known_category(name: str, rows: Iterable[Attribute]) -> str:
    """Return a category as it is written: one that assistants know, or one of these rows.

    Raises:
        UnknownNameError: it is neither; the message names the nearest.

    """
    known = {*CATEGORIES, *(row.category for row in rows)}
    wanted = name.strip().lower()
    found = sorted(each for each in known if each.strip().lower() == wanted)
    if not found:
        raise unknown("category", name, known)
    return found[0]


def rows_meant(
    rows: Sequence[Attribute],
    *,
    category: str | None = None,
    key: str | None = None,
    row_id: str | None = None,
) -> list[Attribute]:
    """Return the rows that meet all of what is given.

    A key means the rows that are written just so; where there are none, those alike but for case
    and what stands between words.

    Raises:
        UnknownNameError: there is no such category, key or row; the message names the nearest.
        InvalidInputError: the row is not what else is given.

    """
    found = list(rows)
    if row_id is not None:
        found = [row for row in rows if str(row.id) == row_id]
        if not found:
            raise unknown("row", row_id, (str(row.id) for row in rows))
    if category is not None:
        wanted = known_category(category, rows).strip().lower()
        found = [row for row in found if row.category.strip().lower() == wanted]
    if key is not None:
        there = found
        found = _of_key(there, key)
        if not found and row_id is None:
            raise unknown("key", key, (row.key for row in there or rows))
    if row_id is not None and not found:
        raise InvalidInputError(f"row {row_id} has another category or key")
    return found


def row_to_set(
    rows: Sequence[Attribute], *, category: str | None, key: str, row_id: str | None
) -> tuple[Attribute | None, str | None]:
    """Return the one row that is to get another value, None for a new one, and its category.

    Raises:
        UnknownNameError: no such category or row; or no such key, and no category for a new row.
        InvalidInputError: several rows are meant, so one must be named by its id.

    """
    if category is None or row_id is not None:
        found = rows_meant(rows, category=category, key=key, row_id=row_id)
    else:
        category = known_category(category, rows)
        found = _of_key(rows_meant(rows, category=category), key)
    if len(found) > 1:
        named = ", ".join(f"{row.id} ({row.category})" for row in found[:10])
        raise InvalidInputError(f"{len(found)} rows are meant: name one with --row: {named}")
    return (found[0], found[0].category) if found else (None, category)


def _of_key(rows: Sequence[Attribute], key: str) -> list[Attribute]:
    exactly = [row for row in rows if row.key == key]
    return exactly or [row for row in rows if key_of(row.key) == key_of(key)]
