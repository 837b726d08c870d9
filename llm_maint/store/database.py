"""The database: short read and write transactions, and errors that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from sqlalchemy.engine import Connection, Engine

from llm_maint.store import dialect, migrations, words
from llm_maint.store.driver import Source
from llm_maint.store.explained import explaining

__all__ = ["Connection", "Database", "Source"]


@dataclass(frozen=True, slots=True)
class Database:
    """A database that holds an assistant's memory and our jobs.

    `place` is its URL without the password, for messages; `timeout` is how many seconds a lock is
    waited for.
    """

    engine: Engine
    place: str
    timeout: int = 5
    _idle: list[Source] = field(default_factory=list)

    @classmethod
    def at(cls, url: str, *, place: str, schema: str, timeout: int, create: bool = False) -> Self:
        """Return the database of a URL; nothing is connected yet.

        Args:
            url: `sqlite:///FILE` or `postgresql://...`.
            place: the URL as it may be shown.
            schema: PostgreSQL schema of our own tables; empty = the search path.
            timeout: seconds to wait for a connection or a lock.
            create: whether a missing SQLite file may be created.

        """
        engine = dialect.engine_for(url, schema=schema, timeout=timeout, create=create)
        return cls(engine, place, timeout)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads; it sees one state of the database."""
        with explaining(self.place), self.engine.connect() as connection:
            if dialect.is_postgresql(connection):
                connection = connection.execution_options(  # noqa: PLW2901
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                dialect.bound_locks(connection, seconds=self.timeout)
                yield connection

    @contextmanager
    def write(self, *, rolls_back: bool = False) -> Iterator[Connection]:
        """Open a transaction that writes; it commits at the end or, after an error, not at all.

        With `rolls_back` it never commits: what was tried in it is only seen from within.
        """
        with explaining(self.place), self.engine.connect() as connection:
            connection = dialect.for_writing(connection)  # noqa: PLW2901
            with connection.begin() as transaction:
                dialect.bound_locks(connection, seconds=self.timeout)
                yield connection
                if rolls_back:
                    dialect.check_constraints(connection)
                    transaction.rollback()

    @contextmanager
    def brief(self, *, durable: bool = True) -> Iterator[Source]:
        """Open a write transaction on our own tables alone, by a connection that is kept for them.

        It costs a fraction of `write`, in which an assistant's tables are changed. For `durable`
        see `words.transaction`.
        """
        with explaining(self.place):
            source = self._idle.pop() if self._idle else dialect.source_apart(self.engine)
            try:
                with words.transaction(source, seconds=self.timeout, durable=durable):
                    yield source
            except BaseException:
                source.close()  # and with it what was begun
                raise
            self._idle.append(source)

    def upgrade(self, *, now: datetime) -> tuple[int, int]:
        """Apply the migrations that are missing; return the schema version before and after."""
        with self.write() as connection:
            return migrations.upgrade(connection, now=now)

    def version(self) -> int | None:
        """Return the schema version, None where there is no table of ours."""
        with self.read() as connection:
            return migrations.version(connection)

    def check_schema(self) -> None:
        """Refuse a schema that this version does not work with.

        Raises:
            SchemaError: it is missing, older or newer; the message says what to do.

        """
        with self.read() as connection:
            migrations.check(connection, self.place)

    def server_time(self) -> datetime | None:
        """Return the server's clock; None where the host's is the only one (SQLite)."""
        with self.read() as connection:
            return dialect.server_time(connection)

    def source(self) -> Source:
        """Return a connection of the driver's own, outside transactions; to be closed by itself."""
        with explaining(self.place):
            return dialect.source_apart(self.engine)

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().close()
        self.engine.dispose()
