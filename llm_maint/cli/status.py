"""`llm-maint status`: at a glance, whether all is well; for a monitor, whether anything happens."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint.cli.session import Json, Session, leave, session_of
from llm_maint.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from llm_maint.domain.overview import Overview

FAILURES = 3
"""The last ones that are told."""

log = logging.getLogger(__name__)


def status(
    ctx: typer.Context,
    *,
    max_age: Annotated[
        str | None,
        typer.Option(
            metavar="2h",
            help="Exit with 1 if the last tick or the last success is older, or there is none.",
        ),
    ] = None,
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Only this job.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also what is fine, and every job.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the essentials on one screen: health, jobs, tokens, rows, the last failures.

    Exits with 0 whatever it shows, unless --max-age is given: then with 1, and a line on standard
    error, where no tick or no success was seen for that long. A tick is noted every five minutes,
    so one of the last quarter of an hour is never too old; a job that has not run yet has that long
    from its creation. For cron, llm-maint -q status --max-age 2h tells that alone.

    Example: llm-maint status --max-age 2h
    """
    session = session_of(ctx)
    everything = verbose or session.verbose
    limit = None if max_age is None else _age(max_age)
    silent = session.quiet and limit is not None
    overview = _overview(session, job, limit, everything=everything or as_json)
    if as_json:
        from llm_maint.console.status_document import status_document

        session.out.json(status_document(overview))
    elif not silent:
        _show(session, overview, everything=everything)
    if overview.stale is not None:
        log.error("%s (--max-age %s)", overview.stale, max_age)
        leave(ExitCode.JOB_FAILED)


def _age(text: str) -> timedelta:
    from llm_maint.domain.schedule import parse_duration

    age = parse_duration(text)
    if not age:
        raise UsageError("--max-age is a time that may pass: write 90m, 2h or 1d")
    return age


def _overview(
    session: Session, job: str | None, max_age: timedelta | None, *, everything: bool
) -> "Overview":
    from llm_maint.console.status import MOST_JOBS
    from llm_maint.domain.checkup import with_options
    from llm_maint.domain.freshness import stale
    from llm_maint.domain.health import health
    from llm_maint.domain.overview import ROW_DAYS, Overview, by_urgency
    from llm_maint.store import overview as asked
    from llm_maint.store.listing import find_job
    from llm_maint.store.past import rows_changed
    from llm_maint.store.vitals import vitals

    with session.listed() as it:
        job_id = None if job is None else find_job(it.source, job).id
        found = vitals(it.source, now=it.now, job_id=job_id)
        jobs = by_urgency(found.jobs, now=it.now)
        shown = jobs if everything else jobs[:MOST_JOBS]
        return Overview(
            database=it.place,
            vitals=found,
            patience=it.expected.patience,
            checks=with_options(health(found, it.expected), session.options),
            jobs=jobs,
            last_runs=asked.last_statuses(it.source, [each.id for each in shown]),
            tokens=asked.tokens_by_day(it.source, now=it.now, job_id=job_id),
            rows=rows_changed(it.source, it.now - timedelta(days=ROW_DAYS), job_id=job_id),
            failures=asked.last_failures(it.source, limit=FAILURES, job_id=job_id),
            stale=None if max_age is None else stale(found, it.expected, max_age=max_age),
        )


def _show(session: Session, overview: "Overview", *, everything: bool) -> None:
    from llm_maint.bootstrap.terminal import has_pictures, size
    from llm_maint.console.status import Screen, status_lines

    columns, lines = size() if session.out.terminal else (None, None)
    screen = Screen(columns=columns, lines=lines, pictures=has_pictures())
    session.out.composed(status_lines(overview, screen, everything=everything))
