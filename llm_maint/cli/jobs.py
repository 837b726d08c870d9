"""`llm-maint jobs`: what runs, how often, and running it now."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.cli.session import DryRun, Json, Opened, Session, leave, session_of
from llm_maint.errors import UsageError

if TYPE_CHECKING:
    from llm_maint.runner import Finished
    from llm_maint.store.listing import ScheduledJob

app = typer.Typer(help="What runs, how often, and running it now.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="JOB", help="Its name, id or start of its id.")]


@app.command("list")
def list_jobs(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List all jobs."""
    from llm_maint.store.listing import all_jobs

    session = session_of(ctx)
    with session.listing() as (source, now):
        found = all_jobs(source)
    if as_json:
        from llm_maint.console.documents import job_document

        session.out.json([job_document(job, now=now) for job in found])
    else:
        from llm_maint.console.tables import jobs_table

        session.out.table(jobs_table(found, now=now))


@app.command()
def show(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Show one job in full."""
    from llm_maint.console.documents import job_document
    from llm_maint.console.tables import job_lines
    from llm_maint.store.jobs import find_job

    session = session_of(ctx)
    with session.opened() as opened:
        with opened.database.read() as connection:
            found = find_job(connection, job)
        if as_json:
            session.out.json(job_document(found, now=opened.clock()))
        else:
            session.out.lines(job_lines(found, now=opened.clock()))


@app.command()
def add(
    ctx: typer.Context,
    job_type: Annotated[str, typer.Argument(metavar="TYPE", help="What it runs.")],
    *,
    every: Annotated[str, typer.Option(metavar="60m", help="How often: 60m, 2h, 1d.")] = "60m",
    name: Annotated[str | None, typer.Option(help="By default as its type.")] = None,
    bot: Annotated[str | None, typer.Option(metavar="BOT", help="The bot it belongs to.")] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Its configuration; KEY:=JSON for other than text."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a job; it is due at once.

    Example: llm-maint jobs add profile_maintenance --every 2h --name nick --config entity_id=nick
    """
    from llm_maint.domain.schedule import parse_interval
    from llm_maint.jobs import find_job_type
    from llm_maint.store.jobs import add_job

    session = session_of(ctx)
    kind = find_job_type(job_type)
    settings = {**kind.default_config, **_config(config or ())}
    kind.check(settings)
    with session.opened() as opened:
        with opened.database.write() as connection:
            added = add_job(
                connection,
                job_type=job_type,
                name=name or job_type.replace("_", "-"),
                interval=parse_interval(every),
                bot_id=bot,
                config=settings,
                now=opened.clock(),
            )
        _tell(session, opened, added, "added; it is due now", as_json=as_json)


@app.command()
def remove(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Remove a job; its past runs stay."""
    from llm_maint.store.jobs import find_job, remove_job

    session = session_of(ctx)
    with session.opened() as opened:
        with opened.database.write() as connection:
            found = find_job(connection, job)
            remove_job(connection, found, now=opened.clock())
        _tell(session, opened, found, "removed", as_json=as_json)


@app.command()
def enable(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Let a job run when it is due."""
    _switch(session_of(ctx), job, enabled=True, as_json=as_json)


@app.command()
def disable(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Keep a job from running; one that is running now is not stopped."""
    _switch(session_of(ctx), job, enabled=False, as_json=as_json)


@app.command()
def run(ctx: typer.Context, job: Name, *, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Run a job now, whether it is due or not."""
    from llm_maint.store.jobs import find_job

    session = session_of(ctx)
    with session.opened() as opened:
        with opened.database.read() as connection:
            found = find_job(connection, job)
        with session.out.progressing(f"running {found.name}") as progress:
            runner = opened.runner(progress)
            finished = runner.preview_now(found.id) if dry_run else runner.run_now(found.id)
    _tell_run(session, finished, as_json=as_json, dry_run=dry_run)
    leave(finished.exit_code)


def _switch(session: Session, name: str, *, enabled: bool, as_json: bool) -> None:
    from llm_maint.store.jobs import find_job, set_enabled

    with session.opened() as opened:
        with opened.database.write() as connection:
            set_enabled(connection, find_job(connection, name), enabled=enabled)
            changed = find_job(connection, name)
        _tell(session, opened, changed, "enabled" if enabled else "disabled", as_json=as_json)


def _tell(
    session: Session, opened: Opened, job: "ScheduledJob", what: str, *, as_json: bool
) -> None:
    if as_json:
        from llm_maint.console.documents import job_document

        session.out.json(job_document(job, now=opened.clock()))
    else:
        session.out.say(f"{job.name} ({job.id[:8]}): {what}")


def _tell_run(session: Session, finished: "Finished", *, as_json: bool, dry_run: bool) -> None:
    from llm_maint.cli.run_due import tell_failure
    from llm_maint.console.documents import run_document
    from llm_maint.console.tables import runs_table

    tell_failure(finished)
    if as_json:
        session.out.json(run_document(finished.run))
    elif session.out.terminal or session.verbose or dry_run:
        session.out.table(runs_table([finished.run]))


def _config(pairs: Sequence[str]) -> dict[str, Any]:
    import json

    config: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--config {pair!r}: write KEY=VALUE")
        try:
            config[key.removesuffix(":")] = json.loads(value) if key.endswith(":") else value
        except ValueError as error:
            raise UsageError(f"--config {pair!r}: {value!r} is not JSON") from error
    return config
