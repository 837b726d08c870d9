"""The schema that this version works with, and what is said about any other."""

from llm_maint.errors import SchemaError

LATEST = 6
"""The number of the last migration."""


def refuse_other(found: int | None, place: str) -> None:
    """Refuse a schema that is missing (None), older or newer than this version works with.

    Raises:
        SchemaError: the message says what to do.

    """
    if found is None:
        raise SchemaError(f"{place} has no tables of llm-maint; create them with: llm-maint init")
    if found < LATEST:
        raise SchemaError(
            f"{place} has schema version {found}, not {LATEST}; "
            "upgrade it with: llm-maint db upgrade"
        )
    if found > LATEST:
        raise SchemaError(
            f"{place} has schema version {found}, newer than {LATEST}: install a newer llm-maint"
        )
