"""`llm-maint jobs`: what runs, how often, and running it now."""

from typing import TYPE_CHECKING

import typer

from llm_maint.cli import job_edits
from llm_maint.cli.job_edits import Name, tell_job
from llm_maint.cli.session import DryRun, Json, Session, leave, session_of

if TYPE_CHECKING:
    from llm_maint.domain.runs import Finished

app = typer.Typer(
    help="What runs, how often, and running it now.\n\nExample: llm-maint jobs list",
    no_args_is_help=True,
)

app.add_typer(job_edits.app)


@app.command("list")
def list_jobs(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List all jobs.

    Example: llm-maint jobs list
    """
    from llm_maint.store.listing import all_jobs

    session = session_of(ctx)
    with session.listed() as it:
        found = all_jobs(it.source)
    if as_json:
        from llm_maint.console.documents import job_document

        session.out.json([job_document(job, now=it.now) for job in found])
    else:
        from llm_maint.console.tables import jobs_table

        session.out.table(jobs_table(found, now=it.now))


@app.command()
def show(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Show one job in full, with its next five runs.

    Example: llm-maint jobs show profile-maintenance
    """
    from llm_maint.console.documents import job_in_full_document
    from llm_maint.console.tables import job_lines
    from llm_maint.store.listing import find_job

    session = session_of(ctx)
    with session.listed() as it:
        found = find_job(it.source, job)
    if as_json:
        session.out.json(job_in_full_document(found, now=it.now))
    else:
        session.out.lines(job_lines(found, now=it.now))


@app.command()
def enable(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Let a job run when it is due.

    Example: llm-maint jobs enable memory-decay
    """
    _switch(session_of(ctx), job, enabled=True, as_json=as_json)


@app.command()
def disable(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Keep a job from running; one that is running now is not stopped.

    Example: llm-maint jobs disable memory-decay
    """
    _switch(session_of(ctx), job, enabled=False, as_json=as_json)


@app.command()
def run(ctx: typer.Context, job: Name, *, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Run a job now, whether it is due or not.

    Example: llm-maint jobs run profile-maintenance --dry-run
    """
    from llm_maint.store.listing import find_job

    session = session_of(ctx)
    with session.opened() as opened:
        with opened.database.brief(writes=False) as source:
            found = find_job(source, job)
        with session.out.watching(f"running {found.name}") as watch:
            runner = opened.runner(watch)
            finished = runner.preview_now(found.id) if dry_run else runner.run_now(found.id)
        _tell_run(session, finished, as_json=as_json, dry_run=dry_run)
    leave(finished.exit_code)


def _switch(session: Session, name: str, *, enabled: bool, as_json: bool) -> None:
    from llm_maint.store.job_edits import set_enabled
    from llm_maint.store.jobs import find_job

    with session.opened() as opened:
        with opened.database.write() as connection:
            set_enabled(connection, find_job(connection, name), enabled=enabled)
            changed = find_job(connection, name)
        tell_job(session, opened, changed, "enabled" if enabled else "disabled", as_json=as_json)


def _tell_run(session: Session, finished: "Finished", *, as_json: bool, dry_run: bool) -> None:
    from llm_maint.console.tables import runs_table
    from llm_maint.domain.run_document import run_document
    from llm_maint.ticking import tell_failure

    tell_failure(finished)
    if as_json:
        session.out.json(run_document(finished.run))
    elif session.out.terminal or session.verbose or dry_run:
        session.out.table(runs_table([finished.run]))
