"""`llm-maint runs`: what has been run, and what came of it."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint.bootstrap import root
from llm_maint.cli import completing
from llm_maint.cli.session import DryRun, Json, Session, session_of
from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Status, Success, moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from llm_maint.domain.runs import Run
    from llm_maint.store.driver import Source
    from llm_maint.store.news import News

    Show = Callable[[Iterable[Run]], None]

app = typer.Typer(
    help="What has been run, and what came of it.\n\nExample: llm-maint runs tail",
    no_args_is_help=True,
)


@app.command()
def tail(
    ctx: typer.Context,
    *,
    number: Annotated[
        int, typer.Option("-n", min=0, max=1_000_000, metavar="N", help="Only the last N.")
    ] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    job: Annotated[
        str | None,
        typer.Option(metavar="JOB", help="Only of this job.", autocompletion=completing.jobs),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help=f"Only of this status: {', '.join(Status)}.",
            autocompletion=completing.run_statuses,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show the last runs, newest last; with -f, each as it begins and as it ends.

    Example: llm-maint runs tail -f --job profile-maintenance
    """
    from llm_maint.store.listing import find_job
    from llm_maint.store.listing import tail as last_runs

    if status is not None and status not in set(Status):
        raise unknown("status", status, Status)
    session = session_of(ctx)
    with session.listed() as it:
        job_id = None if job is None else find_job(it.source, job).id
        last_of = partial(last_runs, it.source, limit=number, job_id=job_id, status=status)
        if not follow:
            _print(session, last_of(), as_json=as_json)
            return
        names, news, last = _begun(it.source, last_of, job_id)
    show = _shower(session, names, as_json=as_json)
    show(last)
    from llm_maint.cli import following

    following.follow(session, news, lambda runs: show(_having(status, runs)))


@app.command()
def show(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Its id or the start of it.", autocompletion=completing.runs
        ),
    ],
    *,
    as_json: Json = False,
) -> None:
    """Show one run in full, with its result.

    Example: llm-maint runs show 3f2a91bc
    """
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
    """Delete old runs, and plans too old to be undone, as the job history-pruning does.

    Example: llm-maint runs prune --dry-run
    """
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


def _begun(
    source: "Source", last_of: "Callable[[], list[Run]]", job_id: str | None
) -> "tuple[list[str], News, list[Run]]":
    """Return the names of the jobs that are followed, what is known of their runs, and the last."""
    from llm_maint.store.listing import all_jobs
    from llm_maint.store.news import News

    names = [job.name for job in all_jobs(source) if job_id in (None, job.id)]
    # Before the last runs are read: what comes between the two is news.
    news = News.beginning(source, clock=root.host_time, job_id=job_id)
    last = last_of()
    news.are_known(last)
    return names, news, sorted(last, key=moment_of)


def _having(status: str | None, runs: "Iterable[Run]") -> "Iterator[Run]":
    return (run for run in runs if status in (None, run.status))


def _shower(session: Session, names: "Sequence[str]", *, as_json: bool) -> "Show":
    """Return what shows runs as they come: lines on a terminal, rows or objects elsewhere."""
    out = session.out
    if as_json:
        return lambda runs: _print(session, runs, as_json=True)
    if not out.terminal:
        from llm_maint.console.tables import runs_table

        out.table(runs_table([]))
        return lambda runs: out.rows(runs_table(runs))
    from llm_maint.console.run_log import RunLog, cells_of

    layout = RunLog(names=max(map(cells_of, names), default=0))
    out.lines([layout.heading(out.width)])
    return lambda runs: out.lines(layout.lines(runs, out.width))


def _print(session: Session, runs: "Iterable[Run]", *, as_json: bool) -> None:
    if as_json:
        from llm_maint.domain.run_document import run_document

        for run in runs:
            session.out.json(run_document(run), one_line=True)
        return
    from llm_maint.console.tables import runs_table

    session.out.table(runs_table(runs))
