"""An open database of this version's schema, with all that works on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_maint.bootstrap import root
from llm_maint.bootstrap.listeners import listening, write_textfile
from llm_maint.domain.listening import NOBODY, Listener
from llm_maint.domain.progress import Progress, Watch, untold, unwatched

if TYPE_CHECKING:
    from llm_maint.contract import Clock, JobContext
    from llm_maint.runner import Runner
    from llm_maint.settings.sections import Settings
    from llm_maint.store.database import Database


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database of the expected schema, with the settings and the clock to use with it."""

    settings: "Settings"
    database: "Database"
    clock: "Clock"
    listener: Listener = NOBODY

    def context(self, *, dry_run: bool = False, progress: Progress = untold) -> "JobContext":
        """Return the context for work that a person started."""
        return root.context_for(
            self.settings, self.database, self.clock, dry_run=dry_run, progress=progress
        )

    def runner(self, watch: Watch = unwatched) -> "Runner":
        """Return the runner of jobs."""
        return root.runner_for(self.settings, self.database, self.clock, watch, self.listener)

    def write_textfile(self) -> None:
        """Write the file of metrics that a monitor reads, if one is configured."""
        write_textfile(self.settings, self.database, self.clock)


@contextmanager
def opened(settings: "Settings") -> Iterator[Opened]:
    """Open the configured database.

    Raises:
        MaintError: it cannot be reached, or its schema is not ours.

    """
    with listening(settings) as listener:  # which is waited for once the database is closed
        database = root.open_database(settings)
        try:
            yield Opened(settings, database, root.clock_of(database), listener)
        finally:
            database.close()
