"""What `init` does once it is known what with: the database, the default jobs, the file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from llm_maint.bootstrap import root

if TYPE_CHECKING:
    from datetime import datetime

    from llm_maint.domain.entity import Entity
    from llm_maint.settings.sections import Settings
    from llm_maint.store.database import Connection, Database
    from llm_maint.store.listing import ScheduledJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was set up: the schema before and after, the jobs by name, and a profile to begin with.

    `example` is the entity with the most attributes, None where there is none.
    """

    place: str
    schema_before: int
    schema_version: int
    jobs_added: list[str]
    jobs_changed: list[str]
    example: "Entity | None"


def set_up(settings: "Settings", *, reschedules: bool) -> Done:
    """Create or upgrade the database and add the default jobs.

    `reschedules` sets the interval of the job that consolidates profiles, where it is there.
    """
    database = root.open_database(settings, create=True)
    try:
        before, after = database.upgrade(now=root.host_time())
        now = root.clock_of(database)()
        changed = _reschedule(database, settings, now=now) if reschedules else []
        return Done(
            place=database.place,
            schema_before=before,
            schema_version=after,
            jobs_added=_add_jobs(database, settings, now=now),
            jobs_changed=changed,
            example=_example(database),
        )
    finally:
        database.close()


def write_settings(file: Path, given: Mapping[str, str]) -> bool:
    """Write the settings that were given, into a new commented file or one that keeps its own.

    Returns whether there was anything to write.
    """
    if file.exists() and not given:
        return False
    from llm_maint.settings.file import with_settings, write_private

    write_private(file, with_settings(file, given))
    return True


def _add_jobs(database: "Database", settings: "Settings", *, now: "datetime") -> list[str]:
    """Add the default jobs of whose type there is none; return their names."""
    from llm_maint.store.migrations import one_at_a_time

    remembering = timedelta(minutes=settings.memory.interval_minutes)
    defaults = {
        "profile_maintenance": ("*", _interval(settings)),
        "memory_consolidation": ("*", remembering),
        "memory_recurrence": ("*", remembering),
        "memory_decay": ("*", remembering),
        "history_pruning": (None, timedelta(days=1)),
    }
    with database.write() as connection:
        one_at_a_time(connection)
        present = {job.job_type for job in _jobs(connection).values()}
        missing = [each for each in defaults if each not in present]
        for job_type in missing:
            bot_id, interval = defaults[job_type]
            _add_job(connection, job_type, interval, bot_id=bot_id, now=now)
    return [_name_of(job_type) for job_type in missing]


def _add_job(
    connection: "Connection",
    job_type: str,
    interval: timedelta,
    *,
    bot_id: str | None,
    now: "datetime",
) -> None:
    from llm_maint.domain.firing import Timing
    from llm_maint.domain.schedule import Every
    from llm_maint.jobs import find_job_type
    from llm_maint.store.job_edits import add_job

    add_job(
        connection,
        job_type=job_type,
        name=_name_of(job_type),
        timing=Timing(schedule=Every(interval)),
        bot_id=bot_id,
        config=find_job_type(job_type).default_config,
        now=now,
    )


def _reschedule(database: "Database", settings: "Settings", *, now: "datetime") -> list[str]:
    """Let the job that consolidates profiles run as often as the settings say; return its name."""
    from llm_maint.domain.schedule import Every
    from llm_maint.store.job_edits import edit_job

    with database.write() as connection:
        jobs = _jobs(connection).values()
        mine = [job for job in jobs if job.job_type == "profile_maintenance"]
        named = [job for job in mine if job.name == _name_of(job.job_type)]
        job = next(iter(named or mine), None)
        if job is None or job.timing.schedule == Every(_interval(settings)):
            return []
        timing = replace(job.timing, schedule=Every(_interval(settings)))
        edit_job(connection, job, timing=timing, now=now)
    return [job.name]


def _example(database: "Database") -> "Entity | None":
    """Return an entity to begin with; looking for one must not spoil what is done."""
    from llm_maint.errors import MaintError
    from llm_maint.store.profiles import entities

    try:
        with database.read() as connection:
            found = [each for each in entities(connection) if each.attributes]
    except MaintError:  # tables that a consolidation could not read: `doctor` says so
        return None
    return max(found, key=lambda each: each.attributes).entity if found else None


def _jobs(connection: "Connection") -> "dict[str, ScheduledJob]":
    from llm_maint.store.jobs import all_jobs

    return {job.name: job for job in all_jobs(connection)}


def _name_of(job_type: str) -> str:
    return job_type.replace("_", "-")


def _interval(settings: "Settings") -> timedelta:
    return timedelta(minutes=settings.profile_maintenance.interval_minutes)
