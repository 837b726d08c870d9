"""All that differs between PostgreSQL and SQLite: connections, transactions, clocks, locks."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from llm_maint.errors import ConfigurationError
from llm_maint.store.driver import Source, open_sqlite, read_any_time
from llm_maint.store.write_ahead import write_a_log

OWN_SCHEMA = "maint"
"""A placeholder in our own tables; the engine translates it to `database.schema`."""


def engine_for(url: str, *, schema: str, timeout: int, create: bool) -> Engine:
    """Return an engine. Nothing is connected yet.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.
        schema: PostgreSQL schema of our own tables; empty = the search path.
        timeout: seconds to wait for a connection or a lock.
        create: whether a missing SQLite file may be created; only `init` does.

    Raises:
        ConfigurationError: the URL is not one of these two.

    """
    try:
        parsed = sa.make_url(url.replace("postgres://", "postgresql://", 1))
    except (sa.exc.ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "database.url is not a URL (sqlite:///FILE, postgresql://...)"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed, timeout=timeout, create=create)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql_engine(parsed, schema=schema, timeout=timeout)
    raise ConfigurationError(
        f"database.url: {parsed.drivername!r} is not supported; use sqlite:///FILE or postgresql://..."
    )


def _sqlite_engine(url: sa.URL, *, timeout: int, create: bool) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            "database.url: name a file, as in sqlite:////var/lib/llm-maint/memory.db"
        )
    path = Path(url.database).expanduser()
    engine = sa.create_engine(
        "sqlite://",
        creator=_sqlite_opener(path, timeout=timeout, create=create),
        poolclass=QueuePool,
        execution_options={"schema_translate_map": {OWN_SCHEMA: None}},
    )
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _sqlite_opener(path: Path, *, timeout: int, create: bool) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        new = create and not path.exists()
        if new:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        connection = open_sqlite(str(path), timeout=timeout, mode="rwc" if create else "rw")
        connection.execute("PRAGMA foreign_keys = ON")
        if new:  # readers and a writer side by side; only in a file of our own making
            write_a_log(connection, seconds=timeout)
        return connection

    return connect


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_engine(url: sa.URL, *, schema: str, timeout: int) -> Engine:
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        # No prepared statements: they are session state, which a pooler in front may not keep.
        connect_args={"connect_timeout": timeout, "prepare_threshold": None},
        execution_options={"schema_translate_map": {OWN_SCHEMA: schema or None}},
        hide_parameters=True,
        # Nothing of ours is an hstore; looking for that type costs each process two round trips.
        use_native_hstore=False,
    )
    sa.event.listen(engine, "connect", _read_any_time)
    sa.event.listen(engine, "checkin", _allow_what_the_server_does)
    return engine


def _read_any_time(connection: Any, _record: object) -> None:  # noqa: ANN401 psycopg's
    read_any_time(connection)


def _allow_what_the_server_does(connection: Any, _record: object) -> None:  # noqa: ANN401 psycopg's
    """After a transaction that only read, let the server's default say whether one may write."""
    if connection is not None:
        connection.read_only = None


def is_postgresql(connection: Connection) -> bool:
    """Return whether this is PostgreSQL."""
    return connection.dialect.name == "postgresql"


def lock_named(connection: Connection, name: str) -> None:
    """Let only one process at once do what is so named, until the transaction ends.

    On SQLite whoever writes is alone.
    """
    if is_postgresql(connection):
        lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"llm-maint {name}", 0))
        connection.execute(sa.select(lock))


def source_of(connection: Connection) -> Source:
    """Return the driver's own connection, within the same transaction."""
    return _source(connection.engine, connection.connection.driver_connection)


@contextmanager
def reading(engine: Engine, *, seconds: int) -> Iterator[Connection]:
    """Open a transaction that only reads; it sees one state of the database."""
    with engine.connect() as connection:
        if is_postgresql(connection):
            connection = connection.execution_options(  # noqa: PLW2901
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            _bound_locks(connection, seconds=seconds)
            yield connection


@contextmanager
def writing(engine: Engine, *, seconds: int, rolls_back: bool) -> Iterator[Connection]:
    """Open a transaction that writes; with `rolls_back` it never commits.

    Every write is a guarded statement, so READ COMMITTED is what is wanted, whatever the server's
    default: under a stricter level two ticks at once would be told to try again.
    """
    with engine.connect() as connection:
        if is_postgresql(connection):
            connection = connection.execution_options(isolation_level="READ COMMITTED")  # noqa: PLW2901
        else:
            connection = connection.execution_options(writes=True)  # noqa: PLW2901
        with connection.begin() as transaction:
            _bound_locks(connection, seconds=seconds)
            yield connection
            if rolls_back:
                _check_constraints(connection)
                transaction.rollback()


def source_apart(engine: Engine) -> Source:
    """Return a connection of the driver's own that is nobody else's, outside transactions."""
    borrowed = engine.raw_connection()
    source = _source(engine, borrowed.driver_connection)
    borrowed.detach()
    if source.is_postgresql:
        source.connection.autocommit = True
    return source


def _source(engine: Engine, connection: object) -> Source:
    schema = engine.get_execution_options()["schema_translate_map"][OWN_SCHEMA]
    is_postgresql = engine.dialect.name == "postgresql"
    return Source(connection, is_postgresql=is_postgresql, schema=schema or "")


def _bound_locks(connection: Connection, *, seconds: int) -> None:
    """Give up a lock after this long, in this transaction: on SQLite the connection does."""
    if is_postgresql(connection):
        connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{seconds}s", True)))


def _check_constraints(connection: Connection) -> None:
    """Check what the database would only check at the end of the transaction."""
    if is_postgresql(connection):
        connection.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
