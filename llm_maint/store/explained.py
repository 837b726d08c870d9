"""What the errors of the database drivers mean, and what to do about them."""

from collections.abc import Iterator
from contextlib import contextmanager

from llm_maint.errors import (
    ConfigurationError,
    DatabaseBusyError,
    DatabaseUnavailableError,
    DataError,
    MaintError,
    SchemaError,
)


@contextmanager
def explaining(place: str) -> Iterator[None]:
    """Raise what a driver's error means in its place.

    Args:
        place: the database's URL without its password.

    Raises:
        MaintError: the meaning; an error that has none is raised as it is.

    """
    try:
        yield
    except Exception as error:
        meaning = explained(getattr(error, "orig", None) or error, place)
        if meaning is None:
            raise
        raise meaning from error


def explained(error: BaseException, place: str) -> MaintError | None:
    """Return what a driver's error means, or None where it is a bug of ours.

    Drivers name their errors in the same way (PEP 249), so none needs to be imported for it.

    Args:
        error: as the driver raised it.
        place: the database's URL without its password.

    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    origins = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    text = _first_line(error)
    if not origins & {"sqlite3", "psycopg"}:
        return None
    if kinds & {"DataError", "IntegrityError"}:
        return DataError(f"the database refused a value: {text}")
    if "sqlite3" in origins:
        return _explained_sqlite(text, place)
    state = getattr(error, "sqlstate", None)
    if state is None and "ProgrammingError" in kinds:
        return ConfigurationError(f"database.url: {text}")
    if state is None and not kinds & {"OperationalError", "InterfaceError"}:
        return None
    return _explained_postgresql(state, text, place)


def misses_table(error: Exception) -> bool:
    """Return whether a driver's error is that there is no such table."""
    return getattr(error, "sqlstate", None) == "42P01" or "no such table" in str(error)


_SQLITE_MEANINGS: tuple[tuple[str, type[MaintError], str], ...] = (
    (
        "unable to open",
        DatabaseUnavailableError,
        "no database that this user can open at {place}; create one with: llm-maint init",
    ),
    (
        "locked",
        DatabaseBusyError,
        "the database {place} is locked by another process; try again later",
    ),
    (
        "readonly",
        DatabaseUnavailableError,
        "the database {place} cannot be written: check its permissions",
    ),
    (
        "read-only",
        DatabaseUnavailableError,
        "the database {place} cannot be written: check its permissions",
    ),
    (
        "full",
        DatabaseUnavailableError,
        "the disk of {place} is full: make room; nothing was changed",
    ),
    ("disk i/o", DatabaseUnavailableError, "the disk of {place} reports an error"),
    ("not a database", ConfigurationError, "{place} is not an SQLite database: check database.url"),
    ("malformed", DatabaseUnavailableError, "the database {place} is damaged: restore a backup"),
    ("no such column", SchemaError, "{text} in {place}: was it made by another version?"),
    ("no such table", SchemaError, "{text}; create what is missing with: llm-maint db upgrade"),
)


def _explained_sqlite(text: str, place: str) -> MaintError | None:
    for sign, kind, message in _SQLITE_MEANINGS:
        if sign in text.lower():
            return kind(message.format(place=place, text=text))
    return None


_POSTGRESQL_MEANINGS: tuple[tuple[str, type[MaintError], str], ...] = (
    (
        "55P03",
        DatabaseBusyError,
        "the database {place} is locked by another process; try again later",
    ),
    ("40", DatabaseBusyError, "another process changed the same rows; try again later"),
    (
        "53100",
        DatabaseUnavailableError,
        "the disk of {place} is full: make room; nothing was changed",
    ),
    ("53", DatabaseUnavailableError, "the database {place} is out of resources: {text}"),
    ("25006", DatabaseUnavailableError, "the database {place} is read-only (a standby?)"),
    ("0A000", DatabaseUnavailableError, "the database {place} is a standby: {text}"),
    ("42501", ConfigurationError, "{text}: grant it to the user of database.url"),
    ("42703", SchemaError, "{text} in {place}: was it made by another version?"),
    ("42P01", SchemaError, "{text}; create what is missing with: llm-maint db upgrade"),
    ("3F000", ConfigurationError, "{text}: check database.schema"),
    ("28", DatabaseUnavailableError, "the database {place} refuses the user or password: {text}"),
    ("08", DatabaseUnavailableError, "cannot reach the database {place}: {text}"),
    ("57P", DatabaseUnavailableError, "the database {place} is shutting down or starting: {text}"),
    ("3D000", DatabaseUnavailableError, "{text} at {place}: check database.url"),
)


_NOT_WRITABLE = ("0A000", "55000")
"""One column of a view, or all of it, stands for nothing that could be written."""


def _explained_postgresql(state: str | None, text: str, place: str) -> MaintError | None:
    if state is None:  # libpq itself: no server, no name, a time-out, a connection that broke
        return DatabaseUnavailableError(f"cannot reach the database {place}: {text}")
    if state in _NOT_WRITABLE and " view " in text:
        return SchemaError(f"{text}: give the view a trigger INSTEAD OF it")
    for sign, kind, message in _POSTGRESQL_MEANINGS:
        if state.startswith(sign) and (sign != "0A000" or "recovery" in text):
            return kind(message.format(place=place, text=text))
    return None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
