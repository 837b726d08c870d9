"""All that differs between PostgreSQL and SQLite: connections, types, transactions, clocks."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from llm_maint.domain.profile import parse_time, parse_value
from llm_maint.domain.settlement import storable
from llm_maint.errors import ConfigurationError, DataError

OWN_SCHEMA = "maint"
"""A placeholder in our own tables; the engine translates it to `database.schema`."""


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""The first and the last moment that Python can hold."""


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, sortable text on SQLite.

    The text is the form of SQLite's own `datetime()`, so that rows written by hand compare right.
    """

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Refuse naive times: nobody could say which moment they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time: every time has a zone here")
        return value if dialect.name == "postgresql" else sqlite_time(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        """Read a time, also one written by hand; what is no time is none."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_time(value, where="a time column")
        except DataError:
            return None


class JsonDocument(TypeDecorator[Any]):
    """A JSON object of our own; the assistant's JSON is read as text instead, see `rows`.

    `jsonb` on PostgreSQL, text on SQLite, where a row written by hand may hold anything: what is
    not JSON comes back as the text it is.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column."""
        jsonb = postgresql.JSONB(none_as_null=True)
        return dialect.type_descriptor(jsonb if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write JSON that every database can hold."""
        if value is None:
            return None
        clean = storable(value)
        return clean if dialect.name == "postgresql" else json.dumps(clean, ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """Read JSON."""
        return value if dialect.name == "postgresql" or value is None else parse_value(str(value))


class moment(sa.sql.functions.FunctionElement[datetime]):  # noqa: N801 a function of SQL
    """A time column as it compares: on SQLite a time written by hand may have another form."""

    inherit_cache = True
    type = UtcTime()


@compiles(moment)
def _moment(element: moment, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return compiler.process(element.clauses, **kwargs)


@compiles(moment, "postgresql")
def _moment_postgresql(element: moment, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    time = compiler.process(element.clauses, **kwargs)
    first = "timestamptz '0001-01-01 00:00:00+00'"  # what -infinity is read as
    return f"CASE WHEN {time} < {first} THEN {first} ELSE {time} END"


@compiles(moment, "sqlite")
def _moment_sqlite(element: moment, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return f"strftime('%Y-%m-%d %H:%M:%f', {compiler.process(element.clauses, **kwargs)})"


class IdInsert(sa.Insert):
    """An insert that may name the id of a row that comes back, whoever makes ids in this table."""

    inherit_cache = True


@compiles(IdInsert, "postgresql")
def _id_insert(element: IdInsert, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    text: str = compiler.visit_insert(element, **kwargs)  # type: ignore[no-untyped-call]
    # Where ids are GENERATED ALWAYS AS IDENTITY they are refused without it; else it does nothing.
    return text.replace(") VALUES (", ") OVERRIDING SYSTEM VALUE VALUES (", 1)


class RawText(bytes):
    """A text of SQLite that is no UTF-8: it holds whatever was written."""


def _text_or_raw(content: bytes) -> str | RawText:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return RawText(content)


class RawType(sa.types.UserDefinedType[Any]):
    """A PostgreSQL type by its own name, for casting text to the type of a column."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401
        """Return the name."""
        return self.name


def sqlite_time(moment: datetime) -> str:
    """Return a time as SQLite's own functions write it, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


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
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"

    def connect() -> sqlite3.Connection:
        new = create and not path.exists()
        if new:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        # isolation_level None: we say ourselves when a transaction begins, and as what.
        connection = sqlite3.connect(
            uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
        )
        connection.text_factory = _text_or_raw
        connection.execute("PRAGMA foreign_keys = ON")
        if new:  # readers and a writer side by side; only in a file of our own making
            connection.execute("PRAGMA journal_mode = WAL")
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
    )
    sa.event.listen(engine, "connect", _read_any_time)
    return engine


def _read_any_time(connection: Any, _record: object) -> None:  # noqa: ANN401 psycopg's
    """Let a time that Python cannot hold, as `infinity`, be the last or the first it can."""
    from psycopg import DataError as NoTime
    from psycopg.types.datetime import TimestamptzLoader

    class AnyTimeLoader(TimestamptzLoader):
        def load(self, data: Any) -> datetime:  # noqa: ANN401 psycopg's
            try:
                return super().load(data)
            except NoTime:
                early = bytes(data).startswith(b"-") or bytes(data).endswith(b"BC")
                return FIRST if early else LAST

    connection.adapters.register_loader("timestamptz", AnyTimeLoader)


def is_postgresql(connection: Connection) -> bool:
    """Return whether this is PostgreSQL."""
    return connection.dialect.name == "postgresql"


def for_writing(connection: Connection) -> Connection:
    """Return a connection whose next transaction writes.

    Every write is a guarded statement, so READ COMMITTED is what is wanted, whatever the server's
    default: under a stricter level two ticks at once would be told to try again.
    """
    if is_postgresql(connection):
        return connection.execution_options(isolation_level="READ COMMITTED")
    return connection.execution_options(writes=True)


def bound_locks(connection: Connection, *, seconds: int) -> None:
    """Give up a lock after this long, in this transaction: on SQLite the connection does."""
    if is_postgresql(connection):
        connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{seconds}s", True)))


def server_time(connection: Connection) -> datetime | None:
    """Return the database server's clock; None where the database has none of its own."""
    if not is_postgresql(connection):
        return None
    moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)
