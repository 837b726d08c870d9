"""What it takes to reach the database: the few settings that say where it is, and its driver.

For the ticks and commands that need no more than that, and neither its toolkit nor the library that
checks all settings.
"""

import os

from llm_maint.bootstrap.places import config_in_use, default_database
from llm_maint.settings.recognised import recognised
from llm_maint.settings.sources import gathered
from llm_maint.store.driver import Source, opened


class Access:
    """The settings that a database is reached by, and what else a tick must know at once.

    That is whether jobs may run at all, and whether a file tells a monitor of them. `status` also
    judges by the seconds between ticks, and by how many days the journal is kept.
    """

    __slots__ = (
        *("check_interval", "enabled", "journal_keep_days", "schema", "textfile", "timeout"),
        "url",
    )

    def __init__(
        self,
        *,
        url: str,
        schema: str,
        timeout: int,
        enabled: bool,
        check_interval: int,
        journal_keep_days: int,
        textfile: str = "",
    ) -> None:
        self.url = url or f"sqlite:///{default_database()}"
        self.schema = schema
        self.timeout = timeout
        self.enabled = enabled
        self.check_interval = check_interval
        self.journal_keep_days = journal_keep_days
        self.textfile = textfile

    def opened(self) -> Source | None:
        """Open the database; None where its URL is not one for the driver alone.

        Raises:
            Error: of the driver.

        """
        return opened(self.url, schema=self.schema, timeout=self.timeout)


def recognised_access(config: str | None) -> Access | None:
    """Return how the database is reached; None where the settings must be checked in full.

    Raises:
        ConfigurationError: they cannot be read, or an unknown variable has our prefix.

    """
    file = config_in_use(config)
    known = recognised(gathered(flags={}, environment=os.environ, file=file))
    if known is None:
        return None
    return Access(
        url=str(known["database.url"]),
        schema=str(known["database.schema"]),
        timeout=int(known["database.connect_timeout_seconds"]),
        enabled=bool(known["scheduler.enabled"]),
        check_interval=int(known["scheduler.check_interval_seconds"]),
        journal_keep_days=int(known["history.journal_keep_days"]),
        textfile=str(known["monitoring.textfile"]),
    )
