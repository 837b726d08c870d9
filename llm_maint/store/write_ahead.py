"""SQLite's write-ahead log: a new file gets one, and a commit waits for the disk where it is to."""

import os
import time
from typing import TYPE_CHECKING

from llm_maint.store.driver import Source

if TYPE_CHECKING:
    import sqlite3


def write_a_log(connection: "sqlite3.Connection", *, seconds: float) -> None:
    """Make SQLite write a log; a file that others use all that time stays as it is.

    SQLite itself waits for no lock here, and others may use a file from the moment it is there.
    """
    import sqlite3  # PostgreSQL's ticks, which come by here, do without

    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
        else:
            return
        if time.monotonic() >= deadline:
            return
        time.sleep(0.01)


def relax(source: Source) -> None:
    """Let the commits of a connection wait for the disk only where they are told to.

    SQLite can be relied on without it where it writes a log, and only there.
    """
    if source.is_postgresql:
        return
    ((mode,),) = source.connection.execute("PRAGMA journal_mode").fetchall()
    if mode == "wal":
        source.connection.execute("PRAGMA synchronous = NORMAL")
        source.relaxed = True


def wait_for_disk(source: Source) -> None:
    """Wait until all that a relaxed connection has committed is on the disk: in SQLite's log.

    It is what SQLite itself does after a commit that waits. A checkpoint would do it, too, where no
    reader is in its way, and copy each page that was touched besides.
    """
    changes = source.connection.total_changes
    if changes == source.synced:
        return
    query = "SELECT file FROM pragma_database_list WHERE name = 'main'"
    ((path,),) = source.connection.execute(query).fetchall()
    log = os.open(f"{path}-wal", os.O_RDONLY)  # SQLite puts its locks on other files than this
    try:
        os.fsync(log)
    finally:
        os.close(log)
    source.synced = changes
