"""A tick: what is due is run, what failed is told, and the exit code says how it went.

Cron's tick comes here without the command line, whose libraries take as long to import as the
driver of the database.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from llm_maint.bootstrap.opening import Opened, opened
from llm_maint.bootstrap.places import host_name
from llm_maint.bootstrap.process import install_log, surroundings
from llm_maint.bootstrap.root import load_settings
from llm_maint.console.heartbeat import beating
from llm_maint.domain.progress import Watch, unwatched
from llm_maint.domain.runs import Finished
from llm_maint.domain.settlement import worst
from llm_maint.errors import ExitCode, MaintError

log = logging.getLogger(__name__)


def tick(config: str | None, *, quiet: bool) -> ExitCode:
    """Run what is due, with nobody to see how it goes.

    Raises:
        MaintError: the settings are wrong, the database cannot be reached, or it is not ours.

    """
    install_log(verbose=False, quiet=quiet, journal=surroundings().journal)
    settings = load_settings(None if config is None else Path(config)).settings
    with opened(settings) as it, beating() as watch:
        note_tick(it)
        code = worst(finished.exit_code for finished in run_due(it, watch))
        it.write_textfile()
        return code


def note_tick(it: Opened) -> None:
    """Note that this host ticks; only a doctor misses it where that is not possible just now."""
    from llm_maint.store import ticks

    try:
        with it.database.brief() as source:
            ticks.note(source, host=host_name(), now=it.clock())
    except MaintError as error:  # busy, or not ours to write; what matters, the jobs will meet
        log.info("the tick is not noted: %s", error)


def run_due(
    it: Opened,
    watch: Watch = unwatched,
    *,
    limit: int | None = None,
    job: str | None = None,
    within: timedelta | None = None,
    dry_run: bool = False,
) -> Iterator[Finished]:
    """Run what is due, none where it is switched off; tell each failure. See `Runner.run_due`.

    Raises:
        UnknownNameError: there is no `job` of that name.

    """
    if not it.settings.scheduler.enabled:
        log.info("scheduler.enabled is false: nothing is run")
        return
    job_id = None if job is None else _job_id(it, job)
    runner = it.runner(watch)
    if dry_run:
        runs = runner.preview(job_id=job_id, limit=limit)
    else:
        runs = runner.run_due(limit=limit, job_id=job_id, within=within)
    for finished in runs:
        tell_failure(finished)
        yield finished


def _job_id(it: Opened, name: str) -> str:
    from llm_maint.store.listing import find_job

    with it.database.brief(writes=False) as source:
        return find_job(source, name).id


def tell_failure(finished: Finished) -> None:
    """Say on standard error what failed, and only that."""
    run = finished.run
    if finished.exit_code not in (ExitCode.OK, ExitCode.HELD):
        log.error("%s failed: %s", run.job_name, run.error_message)
    elif run.status == "skipped" and not finished.expected:
        log.warning("%s was skipped: %s", run.job_name, run.error_message)
