"""`llm-maint init`: the configuration file, the database and the default jobs."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.bootstrap import places, root
from llm_maint.bootstrap.terminal import is_terminal
from llm_maint.cli.answers import EVERY, MODEL, SERVER, URL, Answers
from llm_maint.cli.session import Json, Session, session_of
from llm_maint.errors import ConfigurationError, InterruptedRunError, UsageError

if TYPE_CHECKING:
    from llm_maint.cli.setting_up import Done
    from llm_maint.settings.loading import LoadedSettings

log = logging.getLogger(__name__)


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
    every: Annotated[
        str, typer.Option(metavar="60m", help="How often profiles are consolidated: 60m, 2h, 1d.")
    ] = "",
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Write the configuration, create or upgrade the database, create the default jobs.

    On a terminal it asks, at most four questions, for what neither an option nor the environment
    nor the file gives, and checks at the end what was set up. Elsewhere, and with --defaults,
    --json or --quiet, it asks nothing. Safe to repeat: what is there already stays.

    Example: llm-maint init --database-url postgresql://me@localhost/assistant
    """
    from llm_maint.cli.interview import minutes_of

    session = session_of(ctx)
    flags = {
        URL: places.absolute_url(database_url),
        SERVER: llm_base_url,
        MODEL: llm_model,
        EVERY: minutes_of(every) if every else "",
    }
    given = {name: value for name, value in flags.items() if value}
    watched = not as_json and not session.quiet and all(map(is_terminal, range(3)))
    _initialise(session, given, watched=watched, asks=watched and not defaults, as_json=as_json)


def _initialise(
    session: Session, given: dict[str, str], *, watched: bool, asks: bool, as_json: bool
) -> None:
    """Do it all; `watched` says that a person looks on, `asks` that they may be asked."""
    from llm_maint.cli.next_steps import crontab_line, first_steps
    from llm_maint.cli.setting_up import set_up, write_settings

    file = root.config_to_write(session.config)
    answers = Answers(session.out, file if file.exists() else None, given)
    reschedules = EVERY in given
    answers.settings()  # what is wrong in the file is told before anything is asked
    if asks or given or not file.exists():
        _check_can_be_written(file)
    if asks:
        _hold_interview(answers)
    if not file.exists() and answers.lack(URL):
        # Its place follows from this environment, which neither cron nor a service has.
        answers.given[URL] = root.database_url(answers.settings())
    done = set_up(answers.settings(), reschedules=reschedules)
    # Last: settings that lead to no database are not written.
    written = write_settings(file, answers.given)
    loaded = root.load_settings_of(file, answers.given)
    steps = first_steps(loaded.settings, done.example, needs_key=answers.needs_key)
    if as_json:
        document = _document(file, done, loaded, written=written)
        session.out.json({**document, "crontab": crontab_line(loaded), "next": steps})
        return
    _tell(session, file, done, written=written)
    try:
        if watched:
            _check(session, loaded)
    finally:  # whoever does not wait for the model's answer needs them too
        _tell_next(session, loaded, steps)


def _check_can_be_written(file: Path) -> None:
    """Refuse what would be in vain, before anything is asked or done."""
    if obstacle := places.obstacle(str(file)):
        raise ConfigurationError(f"cannot write {file}: {obstacle}")


def _hold_interview(answers: Answers) -> None:
    from llm_maint.cli.interview import interview
    from llm_maint.console.questions import NoMoreAnswersError

    try:
        interview(answers)
    except NoMoreAnswersError as error:
        answers.out.say("")
        raise UsageError(
            "no answer, so nothing was written; without questions: llm-maint init --defaults"
        ) from error
    except InterruptedRunError:
        answers.out.say("")
        log.error("interrupted: nothing was written")  # noqa: TRY400 its trace says nothing
        raise


def _document(
    file: Path, done: "Done", loaded: "LoadedSettings", *, written: bool
) -> dict[str, Any]:
    return {
        "config": str(file),
        "config_written": written,
        "database": done.place,
        "schema_version": done.schema_version,
        "schema_before": done.schema_before,
        "jobs_added": done.jobs_added,
        "jobs_changed": done.jobs_changed,
        "uses_model": loaded.settings.llm.uses_model,
    }


def _tell(session: Session, file: Path, done: "Done", *, written: bool) -> None:
    config = "written" if written else "left as it is"
    version = done.schema_version
    schema = "is there" if done.schema_before == version else "created or upgraded"
    changed = [f"{name} (changed)" for name in done.jobs_changed]
    session.out.say(f"settings  {file} ({config})")
    session.out.say(f"database  {done.place} (schema version {version}, {schema})")
    session.out.say(f"jobs      {', '.join(done.jobs_added + changed) or 'all there'}")


def _check(session: Session, loaded: "LoadedSettings") -> None:
    """Tell what `doctor` finds; that is no failure of what was set up."""
    from llm_maint.cli import doctor
    from llm_maint.domain.checkup import State

    session.out.say("")
    checks = doctor.checks_of(session, loaded)
    told = [
        check
        for check in checks
        if check.name in _TOLD or (check.state is not State.OK and check.name not in _TO_COME)
    ]
    doctor.tell(session, told)
    fine = sum(check.state is State.OK for check in checks if check not in told)
    session.out.say(f"ok       {fine} more checks; all of them: llm-maint doctor")


_TOLD = frozenset({"model", "reply"})
"""Checks that are told even where all is well: the others only repeat what stands above."""

_TO_COME = frozenset({"timer", "ticks"})
"""Checks that cannot go well yet."""


def _tell_next(session: Session, loaded: "LoadedSettings", steps: list[str]) -> None:
    from llm_maint.cli.deployable import set_here_alone
    from llm_maint.cli.next_steps import crontab_line, systemd_steps

    options = session.options
    say = session.out.say
    say("")
    if not loaded.settings.llm.uses_model:
        say("Without a model server, only exact duplicates are folded.")
    say("Next:")
    for step in steps:
        say(f"  llm-maint{options} {step}")
    say("Every minute, from cron (crontab -e):")
    say(f"  {crontab_line(loaded) or f'llm-maint{options} deploy cron'}")
    say("or from systemd:")
    for step in systemd_steps(root.config_to_write(session.config), options):
        say(f"  {step}")
    for warning in set_here_alone(loaded):
        say(warning)
