"""`llm-maint runs`: what has been run, and what came of it."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint.cli.session import DryRun, Json, Session, session_of
from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Run, Status, Success

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(help="What has been run, and what came of it.", no_args_is_help=True)

POLL_SECONDS = 1.0
"""How often `tail -f` looks: as soon as a person would notice, and cheap for the database."""

MOST_AT_ONCE = 1_000


@app.command()
def tail(
    ctx: typer.Context,
    *,
    number: Annotated[
        int, typer.Option("-n", min=0, max=1_000_000, metavar="N", help="How many.")
    ] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as runs come.")] = False,
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Only of this job.")] = None,
    status: Annotated[str | None, typer.Option(metavar="S", help="Only of this status.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show the last runs, newest last."""
    from llm_maint.store.listing import find_job
    from llm_maint.store.listing import tail as last_runs

    if status is not None and status not in set(Status):
        raise unknown("status", status, Status)
    session = session_of(ctx)
    with session.listing() as (source, now):
        job_id = None if job is None else find_job(source, job).id
        last = last_runs(source, limit=number, job_id=job_id, status=status)
        _print(session, last, as_json=as_json, follow=follow)
        if follow:
            more = partial(
                last_runs, source, limit=MOST_AT_ONCE, job_id=job_id, status=status, since=now
            )
            _follow(session, more, last, as_json=as_json)


@app.command()
def show(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its id or the start of it.")],
    *,
    as_json: Json = False,
) -> None:
    """Show one run in full, with its result."""
    from llm_maint.console.tables import fact_lines
    from llm_maint.domain.run_document import run_document
    from llm_maint.store.history import find_run

    session = session_of(ctx)
    with session.opened() as opened, opened.database.read() as connection:
        found = run_document(find_run(connection, run))
    if as_json:
        session.out.json(found)
        return
    result = found.pop("result")
    facts = {name: str(value) for name, value in found.items() if value is not None}
    session.out.lines(fact_lines(facts))
    if result is not None:
        session.out.json(result)


@app.command()
def prune(ctx: typer.Context, *, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Delete old runs, and plans too old to be undone, as the job history-pruning does."""
    from llm_maint.jobs import history_pruning

    session = session_of(ctx)
    with session.opened() as opened:
        outcome = history_pruning.run(opened.context(dry_run=dry_run))
    assert isinstance(outcome, Success)
    if as_json:
        session.out.json(outcome.result)
    else:
        told = ", ".join(f"{name.replace('_', ' ')}: {n}" for name, n in outcome.result.items())
        session.out.say(told)


def _follow(
    session: Session, more: "Callable[[], list[Run]]", last: list[Run], *, as_json: bool
) -> None:
    """Print each run as it begins and as it ends, until a signal comes."""
    printed = {(run.id, run.status) for run in last}
    while True:
        time.sleep(POLL_SECONDS)
        news = [run for run in more() if (run.id, run.status) not in printed]
        _print(session, news, as_json=as_json, follow=True, news=True)
        printed.update((run.id, run.status) for run in news)


def _print(
    session: Session, runs: list[Run], *, as_json: bool, follow: bool, news: bool = False
) -> None:
    if as_json:
        from llm_maint.domain.run_document import run_document

        for run in runs:
            session.out.json(run_document(run), one_line=True)
        return
    from llm_maint.console.tables import run_lines, runs_table

    if follow and session.out.terminal:
        session.out.lines(run_lines(runs))
    elif not news:
        session.out.table(runs_table(runs))
    elif runs:
        session.out.rows(runs_table(runs))
