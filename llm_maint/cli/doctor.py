"""`llm-maint doctor`: whether everything is in place, and what mends what is not."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from llm_maint.bootstrap import places, root
from llm_maint.cli.session import Json, Session, leave, session_of
from llm_maint.console.output import Line
from llm_maint.domain.checkup import Check, State, exit_code_of, failed, with_options
from llm_maint.domain.spans import some
from llm_maint.errors import MaintError

if TYPE_CHECKING:
    from llm_maint.bootstrap.opening import Opened
    from llm_maint.settings.loading import LoadedSettings
    from llm_maint.settings.sections import Settings
    from llm_maint.store.database import Connection

MOST_SKEW_SECONDS = 5.0
"""Between this host's clock and the database server's; more makes times in logs misleading."""

_STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILURE: "red"}


def doctor(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Check settings, database, ticks, jobs and model server, and say how to mend what is wrong.

    Asks the model server for its models and for one tiny reply. Warnings are no failure.

    Example: llm-maint doctor
    """
    session = session_of(ctx)
    checks = checks_of(session, session.loaded())
    if as_json:
        session.out.json(
            {
                "healthy": all(check.state is not State.FAILURE for check in checks),
                "checks": [check.document() for check in checks],
            }
        )
    else:
        tell(session, checks)
    leave(exit_code_of(checks))


def checks_of(session: Session, loaded: "LoadedSettings") -> list[Check]:
    """Look at everything, with progress on a terminal; nothing is written."""
    with session.out.progressing("checking"):
        checks = [
            *_installed(loaded),
            *_database_checks(loaded.settings),
            *_model_checks(loaded.settings),
        ]
    return with_options(checks, session.options)


def tell(session: Session, checks: list[Check]) -> None:
    """Print a line for each check, and below it what mends it."""
    session.out.lines(line for check in checks for line in _lines(check))


def _lines(check: Check) -> Iterator[Line]:
    yield Line(f"{check.state:8} {check.name:13} {check.found}", _STYLES[check.state])
    if check.mend:
        yield Line(f"{'':22} {check.mend}")


def _installed(loaded: "LoadedSettings") -> Iterator[Check]:
    from llm_maint.bootstrap import installation

    yield installation.program_check()
    yield installation.settings_check(loaded.file)
    yield from installation.key_check(loaded.settings, root.credential())


def _database_checks(settings: "Settings") -> Iterator[Check]:
    from llm_maint.bootstrap.opening import opened

    try:
        with opened(settings) as it:
            yield from _opened_checks(it)
    except MaintError as error:
        yield failed("database", error)


def _opened_checks(it: "Opened") -> Iterator[Check]:
    """Check what can be looked at once the database is open."""
    from llm_maint.bootstrap.timers import timer_check
    from llm_maint.domain.health import health, is_seen
    from llm_maint.monitoring.checkup import check_monitoring
    from llm_maint.store.schema import LATEST
    from llm_maint.store.vitals import vitals

    found = f"{it.database.place}: schema version {LATEST}, as it should be"
    yield Check(name="database", state=State.OK, found=found)
    yield _clock_check(it)
    yield from _rows_checks(it)
    with it.database.brief(writes=False) as source:
        now = vitals(source, now=it.clock())
    expected = it.settings.expected
    yield timer_check(ticks=is_seen(places.host_name(), now, expected))
    yield from health(now, expected)
    yield from check_monitoring(it.settings.monitoring, jobs=[job.name for job in now.jobs])


def _clock_check(it: "Opened") -> Check:
    skew = (it.clock() - root.host_time()).total_seconds()
    if abs(skew) > MOST_SKEW_SECONDS:
        found = f"this host's differs from the database server's by {skew:+.0f} s"
        return Check(name="clock", state=State.WARNING, found=found, mend="timedatectl status")
    return Check(name="clock", state=State.OK, found="agrees with the database's")


def _rows_checks(it: "Opened") -> Iterator[Check]:
    """Tell what of the assistant's is there: whoever looks sees whether it is the right one."""
    for name, told in (("profiles", _profiles), ("memories", _memories)):
        try:
            with it.database.read() as connection:
                found = told(connection)
        except MaintError as error:
            yield failed(name, error)
        else:
            yield Check(name=name, state=State.OK, found=found)


def _profiles(connection: "Connection") -> str:
    from llm_maint.store.profiles import entities

    return _counted({each.entity.id: each.attributes for each in entities(connection)})


def _memories(connection: "Connection") -> str:
    from llm_maint.store.memories import bots, tables

    counted = _counted({each.entity.id: each.memories for each in bots(connection)})
    return f"{counted} (in {some(tables(connection), 'no table')})"


def _counted(rows: dict[str, int]) -> str:
    if not rows:
        return "none yet"
    largest = sorted(rows, key=lambda name: (-rows[name], name))
    told = [f"{name} {rows[name]:,}" for name in largest]
    return f"{sum(rows.values()):,} rows: {some(told)}"


def _model_checks(settings: "Settings") -> Iterator[Check]:
    name = "model server"
    if not settings.llm.uses_model:
        found = "none is configured: only exact duplicates are folded"
        mend = "llm-maint config set llm.base_url http://127.0.0.1:8080/v1"
        yield Check(name=name, state=State.WARNING, found=found, mend=mend)
        return
    from llm_maint.llm.checkup import check_up

    try:
        client = root.model_client(settings)
        client.max_attempts = 2  # a person waits; one repetition may ask in another form
        for checks in client.in_order(check_up(client) for _ in range(1)):
            yield from checks
    except MaintError as error:
        yield failed(name, error)
