"""Which rows of a profile a person means: by category, by key, or by the id of one."""

from collections.abc import Iterable, Sequence

from llm_maint.domain.nearest import unknown
from llm_maint.domain.profile import CATEGORIES, Attribute
from llm_maint.domain.wording import snake_case
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
    """Return the rows that meet all of what is given; keys are alike as snake_case.

    Raises:
        UnknownNameError: there is no such category, key or row; the message names the nearest.

    """
    if row_id is not None:
        ids = [str(row.id) for row in rows]
        rows = [row for row in rows if str(row.id) == row_id]
        if not rows:
            raise unknown("row", row_id, ids)
    if category is not None:
        wanted = known_category(category, rows)
        rows = [row for row in rows if row.category.strip().lower() == wanted.strip().lower()]
    if key is None:
        return list(rows)
    found = [row for row in rows if snake_case(row.key) == snake_case(key)]
    if not found:
        raise unknown("key", key, (row.key for row in rows))
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
        there = [row for row in rows if snake_case(row.key) == snake_case(key)]
        found = rows_meant(there, category=category)
    if len(found) > 1:
        named = ", ".join(f"{row.id} ({row.category})" for row in found[:10])
        raise InvalidInputError(f"{len(found)} rows are meant: name one with --row: {named}")
    return (found[0], found[0].category) if found else (None, category)
