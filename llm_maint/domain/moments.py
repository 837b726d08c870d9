"""Moments as text: read in whatever form a database has them, written in one."""

from datetime import UTC, datetime

from llm_maint.errors import DataError


def iso(moment: datetime) -> str:
    """Return an aware time as ISO 8601 in UTC with `Z`, the one form that llm-maint prints."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def stamp(moment: datetime | None) -> str | None:
    """Return a time that may be missing in the same form."""
    return None if moment is None else iso(moment)


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
