"""One invocation: its global options, and the parts that its command asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from llm_maint.bootstrap import root
from llm_maint.console.output import Output
from llm_maint.domain.progress import Progress, untold
from llm_maint.errors import ExitCode

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from llm_maint.contract import Clock, JobContext
    from llm_maint.runner import Runner
    from llm_maint.settings.loading import LoadedSettings
    from llm_maint.settings.sections import Settings
    from llm_maint.store.database import Database
    from llm_maint.store.driver import Source

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")]


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

    def runner(self, progress: Progress = untold) -> "Runner":
        """Return the runner of jobs."""
        return root.runner_for(self.settings, self.database, self.clock, progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What stood before the command's name."""

    config: Path | None
    verbose: bool
    quiet: bool
    out: Output

    def loaded(self) -> "LoadedSettings":
        """Return the settings from file and environment."""
        return root.load_settings(self.config)

    def listing(self) -> "AbstractContextManager[tuple[Source, datetime]]":
        """Open the configured database to list what is in it, with the present time."""
        return root.listing(self.config)

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Open the configured database.

        Raises:
            MaintError: it cannot be reached, or its schema is not ours.

        """
        settings = self.loaded().settings
        database = root.open_database(settings)
        try:
            database.check_schema()
            yield Opened(settings, database, root.clock_of(database))
        finally:
            database.close()


def session_of(ctx: typer.Context) -> Session:
    """Return the invocation's session."""
    return cast("Session", ctx.obj)


def leave(code: ExitCode) -> None:
    """End the command with an exit code."""
    if code is not ExitCode.OK:
        raise typer.Exit(code)
