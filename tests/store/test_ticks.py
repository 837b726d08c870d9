"""Hosts note that they tick: seldom, and never at the expense of the tick."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from building import MORNING
from databases import is_sqlite, sql

from llm_maint import __version__
from llm_maint.domain.health import SEEN_EVERY
from llm_maint.store import history, ticks
from llm_maint.store.database import Database
from llm_maint.store.driver import Source
from llm_maint.store.due import SEEN_MINUTES, anything_due

HOST = "o'brien"


@pytest.fixture
def source(database: Database) -> Iterator[Source]:
    """Return a connection of the driver's own."""
    found = database.source()
    yield found
    found.close()


def _now(database: Database) -> datetime:
    return MORNING if is_sqlite(database) else MORNING + database.greeted(lambda: MORNING)


def _age(database: Database, minutes: float) -> None:
    """Let the note be so old."""
    older = "datetime(seen_at, :older)" if is_sqlite(database) else "seen_at + :older"
    value = f"{-minutes} minutes" if is_sqlite(database) else -timedelta(minutes=minutes)
    sql(database, f"UPDATE maintenance_ticks SET seen_at = {older}", older=value)


def _is_fresh(source: Source, now: datetime) -> bool:
    found = anything_due(source, host=HOST, now=now)
    assert found is not None
    return found[1]


def test_a_host_is_seen_for_some_minutes(database: Database, source: Source) -> None:
    """The quick way knows whether a note is fresh, so that it seldom writes one."""
    now = _now(database)
    assert not _is_fresh(source, now)
    ticks.note(source, host=HOST, now=now)
    ticks.note(source, host="another", now=now)
    assert _is_fresh(source, now)
    _age(database, SEEN_MINUTES - 1)
    assert _is_fresh(source, now)
    _age(database, 2)
    assert not _is_fresh(source, now)


def test_a_fresh_note_is_left_alone(database: Database, source: Source) -> None:
    """Ticks of every few seconds write once in five minutes; a new version is noted at once."""
    now = _now(database)
    ticks.note(source, host=HOST, now=now)
    _age(database, 1)
    (before,) = ticks.hosts(source)
    ticks.note(source, host=HOST, now=now)
    assert ticks.hosts(source) == [before]
    sql(database, "UPDATE maintenance_ticks SET version = 'old'")
    ticks.note(source, host=HOST, now=now)
    (after,) = ticks.hosts(source)
    assert (after["host"], after["version"]) == (HOST, __version__)
    assert after["seen_at"] > before["seen_at"]


@pytest.mark.parametrize("minutes", [SEEN_MINUTES + 1, -SEEN_MINUTES - 1, -1e6])
def test_an_old_note_is_renewed(database: Database, source: Source, minutes: float) -> None:
    """So is one of the future, which a clock left that was wrong."""
    now = _now(database)
    ticks.note(source, host=HOST, now=now)
    _age(database, minutes)
    assert not _is_fresh(source, now)
    ticks.note(source, host=HOST, now=now)
    assert _is_fresh(source, now)


def test_who_ticked_but_once_is_forgotten(database: Database, source: Source) -> None:
    """A container has another name each time; a host that ticks seldom is itself again."""
    now = _now(database)
    for host in ("pod-1", HOST):
        ticks.note(source, host=host, now=now)
    older = "datetime(seen_at, '-2 hours')" if is_sqlite(database) else "seen_at - interval '2 h'"
    sql(database, f"UPDATE maintenance_ticks SET seen_at = {older}, first_seen_at = {older}")
    ticks.note(source, host=HOST, now=now)
    (seen,) = ticks.hosts(source)
    assert seen["host"] == HOST
    assert seen["seen_at"] > seen["first_seen_at"]


def test_both_ways_know_how_long_a_note_is_fresh() -> None:
    """The quick way cannot import what judges it."""
    assert timedelta(minutes=SEEN_MINUTES) == SEEN_EVERY


def test_a_lock_is_not_waited_for(database: Database, source: Source) -> None:
    """A tick that is over ends, whoever writes at that moment."""
    now = _now(database)
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM maintenance_ticks")
        if not is_sqlite(database):
            connection.exec_driver_sql("LOCK TABLE maintenance_ticks IN EXCLUSIVE MODE")
        ticks.note_if_possible(source, host=HOST, now=now)
    assert sql(database, "SELECT * FROM maintenance_ticks") == []


def test_hosts_that_are_gone_are_forgotten(database: Database, source: Source) -> None:
    """What was not seen since is no host of ours any more."""
    now = _now(database)
    ticks.note(source, host=HOST, now=now)
    for days, left in ((1, 1), (-1, 0)):
        with database.write() as connection:
            history.forget_hosts(connection, before=now - timedelta(days=days))
        assert len(ticks.hosts(source)) == left
