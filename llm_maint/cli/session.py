"""One invocation: its global options, and the parts that its command asks for."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from llm_maint.bootstrap import root
from llm_maint.bootstrap.listing import Listed, listed
from llm_maint.bootstrap.opening import Opened, opened
from llm_maint.console.output import Output
from llm_maint.errors import ExitCode

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from llm_maint.settings.loading import LoadedSettings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What stood before the command's name."""

    config: Path | None
    verbose: bool
    quiet: bool
    out: Output

    @property
    def options(self) -> str:
        """What a command that we name must have before its name, to find the same settings."""
        return f" --config {shlex.quote(str(self.config))}" if self.config else ""

    def loaded(self) -> "LoadedSettings":
        """Return the settings from file and environment."""
        return root.load_settings(self.config)

    def listed(self) -> "AbstractContextManager[Listed]":
        """Open the configured database to list what is in it; see `listing.listed`."""
        return listed(self.config)

    def opened(self) -> "AbstractContextManager[Opened]":
        """Open the configured database; see `opening.opened`."""
        return opened(self.loaded().settings)


def session_of(ctx: typer.Context) -> Session:
    """Return the invocation's session."""
    return cast("Session", ctx.obj)


def leave(code: ExitCode) -> None:
    """End the command with an exit code."""
    if code is not ExitCode.OK:
        raise typer.Exit(code)
