"""The command line: parse, call, render, exit code. One file per command group."""

from pathlib import Path
from typing import Annotated

import typer

from llm_maint import __version__
from llm_maint.bootstrap.process import install_log, surroundings
from llm_maint.cli import (
    config,
    consolidate,
    db,
    demo,
    deploy,
    doctor,
    edits,
    init,
    jobs,
    memory,
    memory_plans,
    memory_work,
    plans,
    profile,
    report,
    run_due,
    runs,
    status,
)
from llm_maint.cli.session import Session
from llm_maint.console.output import Output

app = typer.Typer(
    name="llm-maint",
    help="Safe, auditable, undoable maintenance of an LLM assistant's long-term memory.\n\n"
    "Begin with llm-maint demo, then llm-maint init.\n\nExample: llm-maint demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"llm-maint {__version__}")
        raise typer.Exit


@app.callback()
def begin(
    ctx: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Read this configuration file instead of the usual one.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what is done, with tracebacks of bugs.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print results and errors only.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Read the options that stand before the command."""
    around = surroundings()
    install_log(verbose=verbose, quiet=quiet, journal=around.journal)
    out = Output(
        terminal=around.terminal,
        error_terminal=around.error_terminal,
        colour=around.colour,
        quiet=quiet,
    )
    ctx.obj = Session(config=config_file, verbose=verbose, quiet=quiet, out=out)


for command in (init.init, run_due.run_due, status.status):
    app.command()(command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(runs.app, name="runs")
profile.app.add_typer(consolidate.app)
profile.app.add_typer(plans.app)
profile.app.add_typer(edits.app)
app.add_typer(profile.app, name="profile")
memory.app.add_typer(memory_work.app)
memory.app.add_typer(memory_plans.app)
app.add_typer(memory.app, name="memory")
app.add_typer(db.app, name="db")
app.add_typer(config.app, name="config")
app.add_typer(deploy.app, name="deploy")
app.command()(doctor.doctor)
app.command()(report.report)
app.command()(demo.demo)
