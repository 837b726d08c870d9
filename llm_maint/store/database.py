"""The database: short read and write transactions, and errors that say what to do.

Our own tables are reached by the driver alone, an assistant's by the toolkit. That is imported
where it is first needed, for it takes longer than many a job.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self, TypeAlias

from llm_maint.store import driver, listing, words
from llm_maint.store.driver import Source
from llm_maint.store.explained import explaining
from llm_maint.store.write_ahead import relax

if TYPE_CHECKING:
    from sqlalchemy import engine

    Connection: TypeAlias = engine.Connection
    Engine: TypeAlias = engine.Engine


@dataclass(slots=True)
class Database:
    """A database that holds an assistant's memory and our jobs.

    `place` is its URL without the password, for messages; `timeout` is how many seconds a lock is
    waited for.
    """

    url: str = field(repr=False)
    place: str
    schema: str
    timeout: int
    create: bool = False
    _engine: "Engine | None" = None
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

        Raises:
            ConfigurationError: the URL is not one of these two.

        """
        database = cls(url, place, schema, timeout, create)
        if not driver.is_plain(url):
            database.engine  # noqa: B018 it refuses what is no URL
        return database

    @property
    def engine(self) -> "Engine":
        """The toolkit's engine."""
        if self._engine is None:
            from llm_maint.store import dialect

            self._engine = dialect.engine_for(
                self.url, schema=self.schema, timeout=self.timeout, create=self.create
            )
        return self._engine

    @contextmanager
    def read(self) -> "Iterator[Connection]":
        """Open a transaction that only reads; it sees one state of the database."""
        engine = self.engine
        from llm_maint.store import dialect

        with explaining(self.place), dialect.reading(engine, seconds=self.timeout) as connection:
            yield connection

    @contextmanager
    def write(self, *, rolls_back: bool = False) -> "Iterator[Connection]":
        """Open a transaction that writes; it commits at the end or, after an error, not at all.

        With `rolls_back` it never commits: what was tried in it is only seen from within.
        """
        engine = self.engine
        from llm_maint.store import dialect

        writing = dialect.writing(engine, seconds=self.timeout, rolls_back=rolls_back)
        with explaining(self.place), writing as connection:
            yield connection

    @contextmanager
    def brief(self, *, writes: bool = True) -> Iterator[Source]:
        """Open a transaction on our own tables alone, by a connection that is kept for them.

        It costs a fraction of `write`, in which an assistant's tables are changed.
        """
        with explaining(self.place):
            source = self._kept() or self._own_source()
            try:
                with words.transaction(source, seconds=self.timeout, writes=writes):
                    yield source
            except BaseException:
                source.close()  # and with it what was begun
                raise
            self._idle.append(source)

    def _kept(self) -> Source | None:
        try:
            return self._idle.pop()
        except IndexError:  # the lease's thread may have taken it just now
            return None

    def _own_source(self) -> Source:
        source = self._opened()
        relax(source)
        return source

    def _opened(self) -> Source:
        source = driver.opened(self.url, schema=self.schema, timeout=self.timeout)
        if source is None:
            from llm_maint.store import dialect

            return dialect.source_apart(self.engine)
        return source

    def source(self) -> Source:
        """Return a connection of the driver's own, outside transactions; to be closed by itself."""
        with explaining(self.place):
            return self._opened()

    def greeted(self, clock: Callable[[], datetime]) -> timedelta:
        """Return how far the server's clock is ahead of the host's `clock`; none is on SQLite.

        Raises:
            SchemaError: the schema is missing, older or newer than this version works with; the
                message says what to do.

        """
        with self.brief(writes=False) as source:  # connected, which takes longer than to ask
            before = clock()
            server_time = listing.greeted(source, self.place)
            on_the_way = (clock() - before) / 2
        return timedelta(0) if server_time is None else server_time - (before + on_the_way)

    def upgrade(self, *, now: datetime) -> tuple[int, int]:
        """Apply the migrations that are missing; return the schema version before and after."""
        from llm_maint.store import migrations

        with self.write() as connection:
            return migrations.upgrade(connection, now=now)

    def version(self) -> int | None:
        """Return the schema version, None where there is no table of ours."""
        from llm_maint.store import migrations

        with self.read() as connection:
            return migrations.version(connection)

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().close()
        if self._engine is not None:
            self._engine.dispose()
