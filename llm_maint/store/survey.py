"""What is in a database before anything is done to it: whether it is the one that is meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.store import memories, migrations, profiles
from llm_maint.store.database import Database
from llm_maint.store.dialect import is_postgresql
from llm_maint.store.user_tables import visible_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is there: how many rows each table of an assistant has, by its name.

    `version` is that of our schema, None where there is none yet.
    """

    is_postgresql: bool
    version: int | None
    rows: Mapping[str, int]


def new_file(database: Database) -> Path | None:
    """Return the SQLite file that is not there yet; None where there is one, or a server.

    Raises:
        ConfigurationError: the URL is not one of a database.

    """
    _ = database.engine  # it refuses what is no URL
    url = sa.make_url(database.url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    path = Path(url.database).expanduser()
    return None if path.is_file() else path


def survey(database: Database) -> Survey:
    """Look at a database; nothing is written.

    Raises:
        ForeignTableError: tables of our names are there that are not ours.
        MaintError: it cannot be reached.

    """
    with database.read() as connection:
        version = migrations.version(connection)
        migrations.check_can_upgrade(connection, version)
        return Survey(
            is_postgresql=is_postgresql(connection),
            version=version,
            rows=_rows(connection),
        )


def _rows(connection: Connection) -> dict[str, int]:
    names = set(visible_tables(connection))
    tables = [name for name in (profiles.PROFILES, profiles.ATTRIBUTES) if name in names]
    tables += memories.tables(connection)
    return {name: _count(connection, name) for name in tables}


def _count(connection: Connection, name: str) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
