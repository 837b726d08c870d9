"""Connections of the database drivers themselves, without the toolkit that costs most of a tick.

What is opened here is what the engines of `dialect` open: the same file, the same server.
"""

import os
from datetime import UTC, datetime

TYPE_CHECKING = False  # as `typing` has it, without the time that importing it costs a tick
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

    import psycopg

POSTGRESQL_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""The first and the last moment that Python can hold."""


class Source:
    """An open connection of a driver; `prefix` stands before the name of a table of ours.

    `begins` is what begins a transaction, sent along with the first query in it; `is_begun` tells
    whether it was. `relaxed` is a connection to SQLite whose commits do not wait for the disk;
    where `waits`, it is waited for after them; `synced` counts the changes that were.
    """

    __slots__ = (
        *("begins", "connection", "is_begun", "is_postgresql", "prefix", "relaxed", "synced"),
        "waits",
    )

    def __init__(
        self,
        connection: "Any",  # noqa: ANN401 of either driver
        *,
        is_postgresql: bool,
        schema: str,
    ) -> None:
        self.connection = connection
        self.is_postgresql = is_postgresql
        self.begins = ""
        self.is_begun = False
        self.waits = True
        self.relaxed = False
        self.synced = 0
        self.prefix = f'"{schema}".' if schema and is_postgresql else ""

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def opened(url: str, *, schema: str, timeout: int) -> Source | None:
    """Open the database of a URL; None where the toolkit might read the URL in another way.

    Args:
        url: as `database.url` has it.
        schema: PostgreSQL schema of our own tables; empty = the search path.
        timeout: seconds to wait for a connection or a lock.

    Raises:
        Error: of the driver; see `explained.meaning`.

    """
    if (path := sqlite_path(url)) is not None:
        return Source(open_sqlite(path, timeout=timeout), is_postgresql=False, schema=schema)
    if (parts := postgresql_parts(url)) is not None:
        connection = open_postgresql(parts, timeout=timeout)
        return Source(connection, is_postgresql=True, schema=schema)
    return None


def is_plain(url: str) -> bool:
    """Return whether a URL is one that `opened` opens."""
    return sqlite_path(url) is not None or postgresql_parts(url) is not None


def open_sqlite(path: str, *, timeout: int, mode: str = "rw") -> "sqlite3.Connection":
    """Open a SQLite file; with the mode `rwc` it may be a new one."""
    import sqlite3

    absolute = path if path.startswith("/") else os.path.join(os.getcwd(), path)
    # isolation_level None: we say ourselves when a transaction begins, and as what.
    connection = sqlite3.connect(
        f"file://{_quoted(absolute)}?mode={mode}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = text_or_raw
    return connection


def open_postgresql(
    parts: dict[str, str | int], *, timeout: int
) -> "psycopg.Connection[tuple[Any, ...]]":
    """Connect to a PostgreSQL server; each statement is a transaction of its own."""
    import psycopg

    # No prepared statements: they are session state, which a pooler in front may not keep.
    how = {**parts, "connect_timeout": timeout, "autocommit": True, "prepare_threshold": None}
    connection = psycopg.connect(**how)  # type: ignore[arg-type]
    read_any_time(connection)
    return connection


class RawText(bytes):
    """A text of SQLite that is no UTF-8: it holds whatever was written."""


def text_or_raw(content: bytes) -> "str | RawText":
    """Return a text of SQLite, for `sqlite3.Connection.text_factory`."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return RawText(content)


def read_any_time(connection: "Any") -> None:  # noqa: ANN401 psycopg's
    """Let a time that Python cannot hold, as `infinity`, be the last or the first it can.

    What it can hold is read by its own reader, which is much the faster one.
    """
    from psycopg import DataError as NoTime
    from psycopg.types.datetime import TimestamptzLoader

    class AnyTimeLoader(TimestamptzLoader):
        def load(self, data: "Any") -> datetime:  # noqa: ANN401 psycopg's
            try:
                return datetime.fromisoformat(bytes(data).decode())
            except ValueError:
                pass
            try:
                return super().load(data)
            except NoTime:
                early = bytes(data).startswith(b"-") or bytes(data).endswith(b"BC")
                return FIRST if early else LAST

    connection.adapters.register_loader("timestamptz", AnyTimeLoader)


def sqlite_time(moment: datetime) -> str:
    """Return a time as SQLite's own functions write it, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def sqlite_path(url: str) -> str | None:
    """Return the file of a plain SQLite URL, None for any other URL."""
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or path in ("", ":memory:") or any(sign in path for sign in "?%\n"):
        return None
    return os.path.expanduser(path)


def postgresql_parts(url: str) -> dict[str, str | int] | None:
    """Return the connection parameters of a plain PostgreSQL URL, None for any other URL.

    Plain is what nobody could read in two ways: `USER:PASSWORD@HOST:PORT/NAME?host=/socket`, with
    percent signs in the password and in what follows the question mark alone.
    """
    scheme = next((start for start in POSTGRESQL_SCHEMES if url.startswith(start)), None)
    if scheme is None:
        return None
    address, _, query = url.removeprefix(scheme).partition("?")
    authority, _, name = address.partition("/")
    login, _, server = authority.rpartition("@")
    user, _, password = login.partition(":")
    host, colon, port = server.partition(":")
    secret = _unquoted(password)
    arguments = _arguments(query)
    if secret is None or arguments is None or not all(map(_plain, (user, host, name))):
        return None
    if colon and not (port.isdecimal() and port.isascii()):
        return None
    parts = {"host": host, "dbname": name, "user": user, "password": secret}
    given: dict[str, str | int] = {key: value for key, value in parts.items() if value}
    if port and int(port):
        given["port"] = int(port)
    return {**given, **arguments}


def _arguments(query: str) -> dict[str, str] | None:
    """Return the arguments of a URL; None where one is repeated, empty, odd or one of the ports."""
    found: dict[str, str] = {}
    for argument in query.split("&") if query else ():
        key, _, written = argument.partition("=")
        value = _unquoted(written)
        if key in found or not value or not key.isidentifier() or not _plain(value, more="/"):
            return None
        found[key] = value
    return None if "port" in found else found


def _plain(text: str, *, more: str = "") -> bool:
    return all(sign.isascii() and (sign.isalnum() or sign in f"_-.{more}") for sign in text)


def _unquoted(text: str) -> str | None:
    """Return a text without percent signs; None where it is not written as it should be."""
    start, *pieces = text.split("%")
    octets = bytearray(start.encode())
    for piece in pieces:
        digits = piece[:2]
        if len(digits) != len("00") or not all(digit in _HEXADECIMAL for digit in digits):
            return None
        octets += bytes.fromhex(digits) + piece[2:].encode()
    try:
        return octets.decode() if _plain("".join([start, *pieces]), more="/~!$*+,;=") else None
    except UnicodeDecodeError:
        return None


_HEXADECIMAL = "0123456789abcdefABCDEF"


def _quoted(path: str) -> str:
    """Return a path for a URI."""
    octets = os.fsencode(path)
    return "".join(chr(each) if each in _UNQUOTED else f"%{each:02X}" for each in octets)


_UNQUOTED = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-~"
