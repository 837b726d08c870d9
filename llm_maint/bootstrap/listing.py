"""The database opened to list what is in it: by its driver alone, for what people type most."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from llm_maint.bootstrap.access import Access, recognised_access
from llm_maint.bootstrap.root import host_time, load_settings
from llm_maint.domain.health import Expected
from llm_maint.settings.sources import without_password

if TYPE_CHECKING:
    from llm_maint.store.driver import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An open connection, the present time, where that is, and what the settings say should be."""

    source: "Source"
    now: datetime
    place: str
    expected: Expected


@contextmanager
def listed(config: Path | None) -> Iterator[Listed]:
    """Open the configured database.

    Raises:
        MaintError: it cannot be reached, or its schema is not ours.

    """
    from llm_maint.store.database import Database
    from llm_maint.store.explained import explaining
    from llm_maint.store.listing import greeted

    access = recognised_access(None if config is None else str(config)) or _access_of(config)
    place = without_password(access.url)
    database = Database.at(access.url, place=place, schema=access.schema, timeout=access.timeout)
    with explaining(place), closing(database.source()) as source:
        now = greeted(source, place) or host_time()
        yield Listed(source=source, now=now, place=place, expected=_expected(access))


def _access_of(config: Path | None) -> Access:
    settings = load_settings(config).settings
    return Access(
        url=settings.database.url.get_secret_value(),
        schema=settings.database.schema_,
        timeout=settings.database.connect_timeout_seconds,
        enabled=settings.scheduler.enabled,
        check_interval=settings.scheduler.check_interval_seconds,
        journal_keep_days=settings.history.journal_keep_days,
    )


def _expected(access: Access) -> Expected:
    return Expected(
        interval=timedelta(seconds=access.check_interval),
        enabled=access.enabled,
        journal_kept=timedelta(days=access.journal_keep_days),
    )
