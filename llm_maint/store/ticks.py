"""The hosts that tick: each notes every few minutes that it does, so that silence is seen."""

from contextlib import suppress
from datetime import datetime, timedelta

from llm_maint import __version__
from llm_maint.store.driver import Source
from llm_maint.store.words import Row, ask, change, transaction

ONCE = timedelta(hours=1)
"""Whoever ticked once, and that long ago, is no host: a container has another name each time."""


def note(source: Source, *, host: str, now: datetime) -> None:
    """Note that a host ticks, unless that was noted just now; forget who ticked but once.

    Args:
        source: an open connection.
        host: its name.
        now: the present; on PostgreSQL the server's clock decides.

    Raises:
        Error: of the driver.

    """
    change(
        source,
        "DELETE FROM {ticks} WHERE seen_at = first_seen_at AND seen_at < {long_ago} "
        "AND host <> {host}",
        long_ago=now - ONCE,
        host=host,
    )
    change(
        source,
        "INSERT INTO {ticks} AS noted (host, first_seen_at, seen_at, version) VALUES ({host}, "
        "coalesce({clock}, CAST({now} AS {time})), coalesce({clock}, CAST({now} AS {time})), "
        "{version}) ON CONFLICT (host) DO UPDATE "
        "SET seen_at = excluded.seen_at, version = excluded.version "
        "WHERE {no_longer_fresh} OR noted.version <> excluded.version",
        host=host,
        now=now,
        version=__version__,
    )


def note_if_possible(source: Source, *, host: str, now: datetime) -> None:
    """Do so at a tick that is over: where somebody holds a lock, or we may not write, so be it."""
    with suppress(Exception):
        if not source.is_postgresql:
            source.connection.execute("PRAGMA busy_timeout = 0")
        with transaction(source, seconds=1):
            note(source, host=host, now=now)


def hosts(source: Source) -> list[Row]:
    """Return every host that was seen to tick, the last first."""
    return list(ask(source, "SELECT * FROM {ticks} ORDER BY seen_at DESC, host"))
