"""An open database of this version's schema, with all that works on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_maint.bootstrap import root
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

    def context(self, *, dry_run: bool = False, progress: Progress = untold) -> "JobContext":
        """Return the context for work that a person started."""
        return root.context_for(
            self.settings, self.database, self.clock, dry_run=dry_run, progress=progress
        )

    def runner(self, watch: Watch = unwatched) -> "Runner":
        """Return the runner of jobs."""
        return root.runner_for(self.settings, self.database, self.clock, watch)


@contextmanager
def opened(settings: "Settings") -> Iterator[Opened]:
    """Open the configured database.

    Raises:
        MaintError: it cannot be reached, or its schema is not ours.

    """
    database = root.open_database(settings)
    try:
        yield Opened(settings, database, root.clock_of(database))
    finally:
        database.close()
