"""The questions of `init`: at most four, and only for what nothing else has given."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from llm_maint.bootstrap import places, root
from llm_maint.cli.answers import EVERY, SCHEMA, URL, Answers
from llm_maint.cli.model_questions import ask_model, ask_server
from llm_maint.errors import DatabaseUnavailableError, ForeignTableError, MaintError, UsageError

if TYPE_CHECKING:
    from llm_maint.settings.sections import Settings
    from llm_maint.store.survey import Survey

OWN_SCHEMA = "llm_maint"
"""Of our tables, where an assistant has some of the same names."""

TRIES = 3
"""How often a database is asked for, if none of them can be used."""


def interview(answers: Answers) -> None:
    """Ask for what is missing; nothing is written.

    Raises:
        NoMoreAnswersError: the input has ended.
        MaintError: the database cannot be used, be it given or answered.

    """
    is_set_up = _ask_database(answers)
    names = ask_server(answers)
    ask_model(answers, names)
    if not is_set_up:  # else the jobs are there, and stay as they are
        _ask_interval(answers)


def minutes_of(text: str) -> str:
    """Return the minutes of an interval such as 2h, as the setting has them.

    Raises:
        UsageError: the text is none.

    """
    from llm_maint.domain.schedule import parse_interval

    return str(parse_interval(text) // timedelta(minutes=1))


def _ask_database(answers: Answers) -> bool:
    """Ask for the database and look into it; return whether our tables are there already."""
    if not answers.lack(URL):
        return _look_into(answers, {})
    default = places.shortened(places.default_database())
    for tries_left in reversed(range(TRIES)):
        answer = answers.ask("Database, a file or postgresql://...", default)
        try:
            return _look_into(answers, {URL: _database_url(answer)})
        except MaintError as error:
            if not tries_left:
                raise
            answers.tell(error)
    raise AssertionError


def _look_into(answers: Answers, more: Mapping[str, str]) -> bool:
    """Tell what is in a database, so that a person sees whether it is the right one; keep it."""
    settings = answers.settings(more)
    try:
        found = _surveyed(settings)
    except ForeignTableError as error:
        # On SQLite there are no schemas to keep ours apart in.
        if root.database_url(settings).startswith("sqlite") or not answers.lack(SCHEMA):
            raise
        more = {**more, SCHEMA: OWN_SCHEMA}
        found = _surveyed(answers.settings(more))
        answers.tell(f"{str(error).partition(':')[0]}: ours go into the schema {OWN_SCHEMA}")
    answers.given |= more
    answers.tell(_told(found))
    return found is not None and found.version is not None


def _surveyed(settings: "Settings") -> "Survey | None":
    """Return what is in a database; None where it is a file that is to be made."""
    from llm_maint.store.survey import new_file, survey

    database = root.open_database(settings)
    try:
        file = new_file(database)
        if file is None:
            return survey(database)
    finally:
        database.close()
    if obstacle := places.obstacle(str(file)):
        raise DatabaseUnavailableError(f"no database can be made at {file}: {obstacle}")
    return None


def _told(found: "Survey | None") -> str:
    if found is None:
        return "a new SQLite file"
    kind = "PostgreSQL" if found.is_postgresql else "SQLite"
    rows = ", ".join(f"{name} {count:,}" for name, count in found.rows.items())
    return f"{kind}: {rows} (rows)" if rows else f"{kind}: no profiles or memories as yet"


def _database_url(text: str) -> str:
    """Return the URL of a database that a person typed, or of the file whose path it was."""
    if "://" in text:
        return places.absolute_url(text)
    if "=" in text or "@" in text:
        raise UsageError("that is neither a file nor a URL such as postgresql://USER@HOST/NAME")
    return f"sqlite:///{Path(text).expanduser().absolute()}"


def _ask_interval(answers: Answers) -> None:
    if not answers.lack(EVERY):
        return
    default = f"{answers.settings().profile_maintenance.interval_minutes}m"
    while True:
        answer = answers.ask("Consolidate profiles every (30m, 2h, 1d)", default)
        try:
            minutes = minutes_of(answer)
            answers.settings({EVERY: minutes})
        except MaintError as error:
            answers.tell(error)
        else:
            answers.given[EVERY] = minutes
            return
