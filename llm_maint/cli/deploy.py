"""`llm-maint deploy`: the files by which systemd or cron starts the ticks."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.cli.deployable import deployment_of, warned
from llm_maint.cli.session import Json, Session, session_of
from llm_maint.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llm_maint.domain.deployment import Deployment

app = typer.Typer(
    help="The files by which systemd or cron starts the ticks.\n\nExample: llm-maint deploy cron",
    no_args_is_help=True,
)

FILE_MODE = 0o644
"""systemd warns of unit files that it could read and others not."""

SYSTEM_UNITS, USER_UNITS = "/etc/systemd/system", "~/.config/systemd/user"
"""Where systemd looks for the units of the system and of a user."""

Program = Annotated[
    str, typer.Option(metavar="PATH", help="The llm-maint to start; by default this one.")
]


@app.command()
def systemd(
    ctx: typer.Context,
    *,
    user: Annotated[
        bool, typer.Option("--user", help="For your own systemd, not the system's.")
    ] = False,
    loopback: Annotated[
        bool, typer.Option("--loopback", help="Let it reach nothing beyond this host.")
    ] = False,
    program: Program = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write the files there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print systemd's service and timer, made from the settings, or write them into a directory.

    The service runs as a user of its own, and may read the system, write its own directory and open
    connections, no more. It reads the configuration that is in use now.

    Example: llm-maint deploy systemd --output /etc/systemd/system
    """
    from llm_maint.domain.unit_files import unit_files

    session = session_of(ctx)
    loaded = session.loaded()
    deployment = deployment_of(loaded, program=program, user=user, loopback=loopback)
    warnings = warned(deployment, loaded)
    files = unit_files(deployment)
    folder = None if output is None else output.expanduser().absolute()
    if folder is not None:
        _write(files, folder)
    if as_json:
        session.out.json(_systemd_document(deployment, warnings, files, folder))
    elif folder is None:
        session.out.raw("\n".join(files.values()).removesuffix("\n"))
    else:
        _tell(session, files, folder, user=user)


@app.command()
def cron(
    ctx: typer.Context,
    *,
    program: Program = "",
    run_as: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A line for /etc/cron.d, which names the user."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the line of a crontab, made from the settings.

    cron's shortest step is a minute, and its steps divide an hour or a day: of another interval it
    is the next shorter one.

    Example: llm-maint deploy cron
    """
    from llm_maint.domain.crontab import crontab
    from llm_maint.domain.deployment import cron_step

    session = session_of(ctx)
    loaded = session.loaded()
    deployment = deployment_of(loaded, program=program, user=True, own=run_as is None)
    text = crontab(deployment, run_as)
    warnings = warned(deployment, loaded, run_as)
    if as_json:
        _, step = cron_step(deployment.interval_seconds)
        document = _document(deployment, warnings)
        session.out.json({**document, "step_seconds": step, "run_as": run_as, "text": text})
    else:
        session.out.raw(text.removesuffix("\n"))


def _write(files: "Mapping[str, str]", folder: Path) -> None:
    from llm_maint.settings.file import write_whole

    try:
        for name, text in files.items():
            write_whole(folder / name, text, mode=FILE_MODE)
    except ConfigurationError as error:
        raise UsageError(f"--output: {error}") from error


def _tell(session: Session, files: "Mapping[str, str]", folder: Path, *, user: bool) -> None:
    for name in files:
        session.out.say(f"written  {folder / name}")
    session.out.say("")
    session.out.say("Next:")
    for step in _next_steps(files, folder, user=user):
        session.out.say(f"  {step}")


def _next_steps(files: "Iterable[str]", folder: Path, *, user: bool) -> Iterator[str]:
    """Name the commands that start what was written."""
    from llm_maint.domain.deployment import TIMER

    units = USER_UNITS if user else SYSTEM_UNITS
    systemctl = "systemctl --user" if user else "systemctl"
    if folder.parts[-2:] != Path(units).parts[-2:]:
        written = shlex.join(str(folder / name) for name in files)
        yield f"install -D -m 644 -t {units} {written}"
    yield f"{systemctl} daemon-reload"
    yield f"{systemctl} enable --now {TIMER}"
    if user:
        yield "loginctl enable-linger    # so that it ticks while you are not logged in"


def _document(deployment: "Deployment", warnings: list[str]) -> dict[str, Any]:
    return {
        "program": deployment.program,
        "interval_seconds": deployment.interval_seconds,
        "config": deployment.config,
        "warnings": warnings,
    }


def _systemd_document(
    deployment: "Deployment", warnings: list[str], files: "Mapping[str, str]", folder: Path | None
) -> dict[str, Any]:
    written = [
        {"name": name, "path": str(folder / name) if folder else None, "text": text}
        for name, text in files.items()
    ]
    return {
        **_document(deployment, warnings),
        "scope": "user" if deployment.user else "system",
        "loopback": deployment.loopback,
        "files": written,
        "next": list(_next_steps(files, folder, user=deployment.user)) if folder else [],
    }
