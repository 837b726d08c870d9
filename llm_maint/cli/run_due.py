"""`llm-maint run-due`: what cron and the systemd timer start."""

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.bootstrap.places import host_name
from llm_maint.cli import completing
from llm_maint.cli.session import DryRun, Json, Session, leave, session_of

if TYPE_CHECKING:
    from llm_maint.bootstrap.opening import Opened
    from llm_maint.domain.runs import Finished


def run_due(
    ctx: typer.Context,
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, metavar="N", help="Run at most N jobs.")
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(metavar="JOB", help="Only this job, if due.", autocompletion=completing.jobs),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(min=0, max=1_000_000, metavar="S", help="Begin no job after S seconds."),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Run the jobs that are due, one after the other, then exit.

    Silent under cron when all is well; what failed goes to standard error.

    Example: llm-maint run-due --max-seconds 50
    """
    session = session_of(ctx)
    from llm_maint import ticking
    from llm_maint.domain.settlement import worst

    with session.opened() as opened:
        started = opened.clock()
        if not (session.out.terminal or dry_run):  # else a person, or nothing, ticks
            ticking.note_tick(opened)
        with session.out.watching("running what is due", is_cron=True) as watch:
            runs = ticking.run_due(
                opened,
                watch,
                limit=limit,
                job=job,
                within=None if max_seconds is None else timedelta(seconds=max_seconds),
                dry_run=dry_run,
            )
            done = list(runs)
        if not dry_run:
            opened.write_textfile()
        _print(session, opened, done, started, as_json=as_json, dry_run=dry_run)
    leave(worst(finished.exit_code for finished in done))


def _print(
    session: Session,
    opened: "Opened",
    done: "list[Finished]",
    started: datetime,
    *,
    as_json: bool,
    dry_run: bool,
) -> None:
    if not as_json and not (session.out.terminal or session.verbose or dry_run):
        return
    from llm_maint.console.tables import runs_table, short_time
    from llm_maint.domain.moments import stamp
    from llm_maint.domain.run_document import run_document
    from llm_maint.store import queue

    runs = [finished.run for finished in done]
    with opened.database.brief(writes=False) as source:
        next_due = queue.next_due_at(source)
    if as_json:
        document: dict[str, Any] = {
            "started_at": stamp(started),
            "finished_at": stamp(opened.clock()),
            "host": host_name(),
            "enabled": opened.settings.scheduler.enabled,
            "dry_run": dry_run,
            "counts": Counter(str(run.status) for run in runs),
            "runs": [run_document(run) for run in runs],
            "next_due_at": stamp(next_due),
        }
        session.out.json(document)
    elif runs:
        session.out.table(runs_table(runs))
    elif not opened.settings.scheduler.enabled:
        session.out.say("scheduler.enabled is false: nothing is run")
    else:
        session.out.say(f"nothing is due; next: {short_time(next_due) or 'no job waits'}")
