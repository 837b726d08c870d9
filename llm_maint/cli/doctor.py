"""`llm-maint doctor`: whether everything is in place, and what mends what is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from llm_maint.bootstrap import root
from llm_maint.cli.session import Json, leave, session_of
from llm_maint.console.output import Line
from llm_maint.domain.checkup import Check, State, exit_code_of, failed
from llm_maint.errors import MaintError

if TYPE_CHECKING:
    from llm_maint.settings.sections import Settings

MOST_SKEW_SECONDS = 5.0
"""Between this host's clock and the database server's; more makes times in logs misleading."""

_STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILURE: "red"}


def doctor(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Check settings, database and model server, and say how to mend what is wrong.

    Asks the model server for its models and for one tiny reply. Example: llm-maint doctor
    """
    session = session_of(ctx)
    loaded = session.loaded()
    with session.out.progressing("checking"):
        checks = [
            *_file_checks(loaded.file),
            *_database_checks(loaded.settings),
            *_model_checks(loaded.settings),
        ]
    if as_json:
        session.out.json(
            {
                "healthy": all(check.state is not State.FAILURE for check in checks),
                "checks": [
                    {
                        "name": check.name,
                        "state": check.state,
                        "found": check.found,
                        "mend": check.mend or None,
                    }
                    for check in checks
                ],
            }
        )
    else:
        session.out.lines(line for check in checks for line in _lines(check))
    leave(exit_code_of(checks))


def _lines(check: Check) -> Iterator[Line]:
    yield Line(f"{check.state:8} {check.name:13} {check.found}", _STYLES[check.state])
    if check.mend:
        yield Line(f"{'':22} {check.mend}")


def _file_checks(file: Path | None) -> Iterator[Check]:
    name = "settings"
    if file is None:
        found = "no file: defaults and environment"
        yield Check(name=name, state=State.WARNING, found=found, mend="llm-maint init")
    elif file.stat().st_mode & 0o077:
        found = f"{file} can be read by others, and may hold secrets"
        yield Check(name=name, state=State.WARNING, found=found, mend=f"chmod 600 {file}")
    else:
        yield Check(name=name, state=State.OK, found=str(file))


def _database_checks(settings: "Settings") -> Iterator[Check]:
    name = "database"
    try:
        database = root.open_database(settings)
        try:
            skew = (root.clock_of(database)() - root.host_time()).total_seconds()
        finally:
            database.close()
    except MaintError as error:
        yield failed(name, error)
        return
    yield Check(name=name, state=State.OK, found=f"{database.place}: its schema is this version's")
    if abs(skew) > MOST_SKEW_SECONDS:
        found = f"this host's differs from the database server's by {skew:+.0f} s"
        yield Check(name="clock", state=State.WARNING, found=found)
    else:
        yield Check(name="clock", state=State.OK, found="agrees with the database's")


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
