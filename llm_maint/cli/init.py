"""`llm-maint init`: the configuration file, the database and the default jobs."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.bootstrap import root
from llm_maint.cli.session import Json, Session, session_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from llm_maint.settings.sections import Settings
    from llm_maint.store.database import Database


def init(
    ctx: typer.Context,
    *,
    database_url: Annotated[
        str, typer.Option(metavar="URL", help="sqlite:///FILE or postgresql://...")
    ] = "",
    llm_base_url: Annotated[
        str, typer.Option(metavar="URL", help="An OpenAI-compatible model server.")
    ] = "",
    llm_model: Annotated[str, typer.Option(metavar="NAME", help="The model to ask for.")] = "",
    as_json: Json = False,
) -> None:
    """Write the configuration, create or upgrade the database, create the default jobs.

    Safe to repeat: what is there already stays.

    Example: llm-maint init --llm-base-url http://127.0.0.1:8080/v1
    """
    session = session_of(ctx)
    flags = {"database.url": database_url, "llm.base_url": llm_base_url, "llm.model": llm_model}
    given = {name: value for name, value in flags.items() if value}
    file = root.config_to_write(session.config)
    new = not file.exists()
    settings = root.load_settings_of(None if new else file, given).settings
    report = _set_up(settings)
    # Last: settings that lead to no database are not written.
    _write_settings(file, given, new=new)
    report = {"config": str(file), "config_written": new or bool(given), **report}
    if as_json:
        session.out.json(report)
    else:
        _tell(session, report)


def _set_up(settings: "Settings") -> dict[str, Any]:
    """Create or upgrade the database and add the default jobs; return what was done."""
    database = root.open_database(settings, create=True)
    try:
        before, after = database.upgrade(now=root.host_time())
        added = _add_jobs(database, settings, now=root.clock_of(database)())
    finally:
        database.close()
    return {
        "database": database.place,
        "schema_version": after,
        "schema_before": before,
        "jobs_added": added,
        "uses_model": settings.llm.uses_model,
    }


def _add_jobs(database: "Database", settings: "Settings", *, now: "datetime") -> list[str]:
    """Add the default jobs that are not there; return their names."""
    from llm_maint.domain.firing import Timing
    from llm_maint.domain.schedule import Every
    from llm_maint.jobs import find_job_type
    from llm_maint.store.job_edits import add_job
    from llm_maint.store.jobs import all_jobs
    from llm_maint.store.migrations import one_at_a_time

    hourly = timedelta(minutes=settings.profile_maintenance.interval_minutes)
    remembering = timedelta(minutes=settings.memory.interval_minutes)
    defaults = {
        "profile_maintenance": ("*", hourly),
        "memory_consolidation": ("*", remembering),
        "memory_recurrence": ("*", remembering),
        "memory_decay": ("*", remembering),
        "history_pruning": (None, timedelta(days=1)),
    }
    added = []
    with database.write() as connection:
        one_at_a_time(connection)
        present = {job.name for job in all_jobs(connection)}
        for job_type, (bot_id, interval) in defaults.items():
            name = job_type.replace("_", "-")
            if name in present:
                continue
            add_job(
                connection,
                job_type=job_type,
                name=name,
                timing=Timing(schedule=Every(interval)),
                bot_id=bot_id,
                config=find_job_type(job_type).default_config,
                now=now,
            )
            added.append(name)
    return added


def _write_settings(file: Path, given: "Mapping[str, str]", *, new: bool) -> None:
    from llm_maint.settings.file import commented, with_setting, write_private

    if new:
        write_private(file, commented(given))
        return
    for name, value in given.items():
        write_private(file, with_setting(file, name, value))


def _tell(session: Session, report: dict[str, Any]) -> None:
    config = "written" if report["config_written"] else "left as it is"
    version = report["schema_version"]
    schema = "is there" if report["schema_before"] == version else "created or upgraded"
    session.out.say(f"settings  {report['config']} ({config})")
    session.out.say(f"database  {report['database']} (schema version {version}, {schema})")
    session.out.say(f"jobs      {', '.join(report['jobs_added']) or 'all there'}")
    session.out.say("")
    session.out.say("Next:")
    if not report["uses_model"]:
        session.out.say("  llm-maint config set llm.base_url http://127.0.0.1:8080/v1")
        session.out.say("      (without a model, only exact duplicates are folded)")
    session.out.say("  llm-maint profile list")
    session.out.say("  llm-maint run-due            # every minute, from cron or a systemd timer")
