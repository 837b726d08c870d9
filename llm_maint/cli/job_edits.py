"""`llm-maint jobs add / edit / remove`: what is scheduled, and when."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.bootstrap.opening import Opened
from llm_maint.cli import completing
from llm_maint.cli.session import Json, Session, session_of
from llm_maint.cli.timing import (
    Cron,
    Every,
    Grace,
    Jitter,
    MisfireOption,
    Priority,
    Timeout,
    Zone,
    timing_of,
)
from llm_maint.errors import UsageError

if TYPE_CHECKING:
    from llm_maint.store.listing import ScheduledJob

app = typer.Typer()

TYPES = (
    *("profile_maintenance", "memory_consolidation", "memory_recurrence", "memory_decay"),
    "history_pruning",
)
"""What the registry holds, which is not imported for a --help."""

Name = Annotated[
    str,
    typer.Argument(
        metavar="JOB", help="Its name, id or start of its id.", autocompletion=completing.jobs
    ),
]

TypeOfJob = Annotated[
    str,
    typer.Argument(
        metavar="TYPE",
        help=f"What it runs: {', '.join(TYPES)}, or a type that an installed package brings.",
        autocompletion=completing.job_types,
    ),
]

Bot = Annotated[
    str | None,
    typer.Option(metavar="BOT", help="The bot it belongs to.", autocompletion=completing.bots),
]

Config = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Of its configuration; KEY:=JSON for other than text, KEY= for none.",
    ),
]


@app.command()
def add(
    ctx: typer.Context,
    job_type: TypeOfJob,
    *,
    every: Every = None,
    cron: Cron = None,
    timezone: Zone = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="By default as its type.")
    ] = None,
    bot: Bot = None,
    config: Config = None,
    priority: Priority = None,
    misfire: MisfireOption = None,
    grace: Grace = None,
    jitter: Jitter = None,
    timeout: Timeout = None,
    as_json: Json = False,
) -> None:
    """Add a job, hourly by default. It is due at once, one with --cron at its first time.

    Example: llm-maint jobs add profile_maintenance --cron "0 4 * * *" --timezone Europe/Berlin
    --name nick --config entity_id=nick
    """
    from llm_maint.jobs import find_job_type
    from llm_maint.store.job_edits import add_job

    session = session_of(ctx)
    timing = timing_of(None, ctx.params)
    kind = find_job_type(job_type)
    settings = {**kind.default_config, **_config(config or ())}
    kind.check(settings)
    with session.opened() as opened:
        with opened.database.write() as connection:
            added = add_job(
                connection,
                job_type=job_type,
                name=name or job_type.replace("_", "-"),
                timing=timing,
                bot_id=bot,
                config=settings,
                now=opened.clock(),
            )
        tell_job(session, opened, added, f"added; {_when(added)}", as_json=as_json)


@app.command()
def edit(
    ctx: typer.Context,
    job: Name,
    *,
    every: Every = None,
    cron: Cron = None,
    timezone: Zone = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Call it so.")] = None,
    bot: Bot = None,
    config: Config = None,
    priority: Priority = None,
    misfire: MisfireOption = None,
    grace: Grace = None,
    jitter: Jitter = None,
    timeout: Timeout = None,
    as_json: Json = False,
) -> None:
    """Change a job; what is not named stays. A run that is under way goes on as it began.

    Example: llm-maint jobs edit profile-maintenance --every 2h --priority 5
    """
    from llm_maint.store.job_edits import edit_job
    from llm_maint.store.jobs import find_job

    if all(value is None or name in ("job", "as_json") for name, value in ctx.params.items()):
        raise UsageError("nothing to change: name an option; see: llm-maint jobs edit --help")
    session = session_of(ctx)
    changes = _config(config or ())
    with session.opened() as opened:
        with opened.database.write() as connection:
            found = find_job(connection, job)
            if found.problem is not None and every is None and cron is None:
                # Else the interval that takes the place of what is wrong would stay in its place.
                raise UsageError(f"{found.problem}; mend it with --every or --cron")
            timing = timing_of(found.timing, ctx.params)
            columns = {"name": name, "bot_id": bot, "config_json": _changed(found, changes)}
            given = {column: value for column, value in columns.items() if value is not None}
            changed = edit_job(connection, found, timing=timing, now=opened.clock(), **given)
        tell_job(session, opened, changed, f"changed; {_when(changed)}", as_json=as_json)


@app.command()
def remove(ctx: typer.Context, job: Name, *, as_json: Json = False) -> None:
    """Remove a job; its past runs stay.

    Example: llm-maint jobs remove nightly
    """
    from llm_maint.store.job_edits import remove_job
    from llm_maint.store.jobs import find_job

    session = session_of(ctx)
    with session.opened() as opened:
        with opened.database.write() as connection:
            found = find_job(connection, job)
            remove_job(connection, found, now=opened.clock())
        tell_job(session, opened, found, "removed", as_json=as_json)


def tell_job(
    session: Session, opened: Opened, job: "ScheduledJob", what: str, *, as_json: bool
) -> None:
    """Say what was done about a job."""
    if as_json:
        from llm_maint.console.documents import job_document

        session.out.json(job_document(job, now=opened.clock()))
    else:
        session.out.say(f"{job.name} ({job.id[:8]}): {what}")


def _when(job: "ScheduledJob") -> str:
    from llm_maint.console.tables import short_time

    if job.next_run_at is None:
        return "it is due now"
    return f"it is due at {short_time(job.next_run_at)}"


def _changed(job: "ScheduledJob", changes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the configuration with the changes; None where there are none."""
    if not changes:
        return None
    from llm_maint.jobs import find_job_type

    whole = {**(job.config or {}), **changes}
    config = {key: value for key, value in whole.items() if value != ""}
    find_job_type(job.job_type).check(config)
    return config


def _config(pairs: Sequence[str]) -> dict[str, Any]:
    import json

    config: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--config {pair!r}: write KEY=VALUE")
        try:
            config[key.removesuffix(":")] = json.loads(value) if key.endswith(":") else value
        except ValueError as error:
            raise UsageError(f"--config {pair!r}: {value!r} is not JSON") from error
    return config
