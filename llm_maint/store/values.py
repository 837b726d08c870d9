"""Values as a database hands them over, which may be what somebody wrote by hand."""

from datetime import datetime
from typing import Any

from llm_maint.domain.json_values import parse_value
from llm_maint.domain.moments import parse_time
from llm_maint.errors import DataError


def read_time(value: Any) -> datetime | None:  # noqa: ANN401 any column's
    """Return a time, also one written by hand; what is no time is none."""
    if isinstance(value, datetime):
        return value
    try:
        return parse_time(value, where="a time column")
    except DataError:
        return None


def read_document(value: Any) -> Any:  # noqa: ANN401 any JSON value
    """Return the value of a JSON text; what is not JSON is the text it is."""
    return None if value is None else parse_value(str(value))


def legible(name: Any) -> str:  # noqa: ANN401 SQLite lets anything be written
    """Return a name as text, whatever somebody wrote for it."""
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
