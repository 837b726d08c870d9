"""What a shell completes beside commands and options: names of what there is.

Whatever goes wrong, or takes too long for who has pressed a key, completes nothing and prints
nothing. A name that a shell might read in another way is not offered: it may be anybody's.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from llm_maint.store.database import Connection
    from llm_maint.store.driver import Source

Item = tuple[str, str]
"""A name, and what is told beside it by shells that tell anything there."""

Found = Iterable[Item]

PATIENCE = timedelta(seconds=2)


def _completes(find: "Callable[[typer.Context, str], Found]") -> Callable[..., list[Item]]:
    """Return what typer asks for names; it reads the names of these two arguments."""

    def complete(ctx: typer.Context, incomplete: str) -> list[Item]:
        from llm_maint.bootstrap.signals import SIGNALS
        from llm_maint.errors import JobTimedOutError

        try:
            with _silence(), SIGNALS.interruptible(PATIENCE):
                return [
                    (name, _told(told)) for name, told in find(ctx, incomplete) if _is_plain(name)
                ]
        except (Exception, JobTimedOutError):  # noqa: BLE001 see the room's first words
            return []

    return complete


@_completes
def jobs(ctx: typer.Context, incomplete: str) -> Found:
    """Offer jobs by their names and, once some of one is typed, by their ids."""
    from llm_maint.store.names import named_jobs

    with _listing(ctx) as source:
        found = named_jobs(source, incomplete)
    for row in found:
        yield row["name"], row["job_type"]
        if incomplete:
            yield row["id"], row["name"]


@_completes
def job_types(_ctx: typer.Context, _incomplete: str) -> Found:
    """Offer the types of jobs, those of installed packages too."""
    from llm_maint.jobs import known_types

    return [(name, "") for name in known_types()]


@_completes
def runs(ctx: typer.Context, incomplete: str) -> Found:
    """Offer the newest runs."""
    from llm_maint.store.names import named_runs

    with _listing(ctx) as source:
        found = named_runs(source, incomplete)
    for row in found:
        yield (
            _id(row["id"], incomplete),
            f"{row['name']} {row['status']} {_minute(row['started_at'])}",
        )


def plans(*, status: str = "") -> Callable[..., list[Item]]:
    """Return what offers the newest plans, about what the group of the command is about."""

    @_completes
    def found(ctx: typer.Context, incomplete: str) -> Found:
        from llm_maint.store.names import named_plans

        of_memories = ctx.parent is not None and ctx.parent.info_name == "memory"
        with _listing(ctx) as source:
            rows = named_plans(source, incomplete, of_memories=of_memories, status=status)
        for row in rows:
            whose, when = row["entity_id"], _minute(row["created_at"])
            told = f"{row['kind']} {row['status']} {whose} {when}"
            yield _id(row["id"], incomplete), told

    return found


@_completes
def entities(ctx: typer.Context, _incomplete: str) -> Found:
    """Offer whose profiles there are, of the type that was typed before."""
    from llm_maint.store.profiles import entities as all_of_them

    wanted = ctx.params.get("entity_type") or "user"
    for each in _read(ctx, all_of_them):
        if each.entity.type == wanted:
            yield each.entity.id, f"{each.attributes} attributes"


@_completes
def bots(ctx: typer.Context, _incomplete: str) -> Found:
    """Offer whose memories there are."""
    from llm_maint.store.memories import bots as all_of_them

    return [(each.entity.id, f"{each.memories} memories") for each in _read(ctx, all_of_them)]


@_completes
def settings(_ctx: typer.Context, _incomplete: str) -> Found:
    """Offer the names of settings."""
    from llm_maint.settings.recognised import RULES

    return [(name, "") for name in RULES]


@_completes
def setting_values(ctx: typer.Context, _incomplete: str) -> Found:
    """Offer the values of a setting that has few."""
    from llm_maint.settings.recognised import RULES

    kind, *values = RULES[ctx.params["name"]]
    if kind == "switch":
        values = ["true", "false"]
    return [(str(value), "") for value in values if kind in ("switch", "choice")]


@_completes
def run_statuses(_ctx: typer.Context, _incomplete: str) -> Found:
    """Offer the statuses of runs."""
    from llm_maint.domain.runs import Status

    return [(status, "") for status in Status]


@_completes
def plan_statuses(_ctx: typer.Context, _incomplete: str) -> Found:
    """Offer the statuses of plans."""
    from llm_maint.store.plans import STATUSES

    return [(status, "") for status in STATUSES]


@_completes
def misfires(_ctx: typer.Context, _incomplete: str) -> Found:
    """Offer what may become of what was missed."""
    from llm_maint.domain.firing import Misfire

    return [(misfire, "") for misfire in Misfire]


@_completes
def zones(_ctx: typer.Context, _incomplete: str) -> Found:
    """Offer time zones."""
    from zoneinfo import available_timezones

    return [(zone, "") for zone in sorted(available_timezones())]


@_completes
def entity_types(_ctx: typer.Context, _incomplete: str) -> Found:
    """Offer whose profile it may be."""
    return [("user", ""), ("bot", "")]


@contextmanager
def _silence() -> Iterator[None]:
    """Let nobody log, warn or print: the shell would show it in the middle of what is typed."""
    import io
    import logging
    import warnings
    from contextlib import redirect_stderr

    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _listing(ctx: typer.Context) -> "Iterator[Source]":
    from llm_maint.bootstrap.listing import listed

    with listed(_config(ctx)) as it:
        yield it.source


def _read(ctx: typer.Context, query: "Callable[[Connection], Any]") -> Any:  # noqa: ANN401 as it is
    """Return what a query finds in an assistant's tables; they are read by the toolkit."""
    from llm_maint.bootstrap import root

    database = root.open_database(root.load_settings(_config(ctx)).settings)
    try:
        with database.read() as connection:
            return query(connection)
    finally:
        database.close()


def _config(ctx: typer.Context) -> Path | None:
    file = ctx.find_root().params.get("config_file")
    return None if file is None else Path(file)


def _id(whole: str, incomplete: str) -> str:
    """Return an id as the tables show it, longer where more of it was typed."""
    return whole[: max(8, len(incomplete) + 4)]


def _minute(moment: "datetime | None") -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%MZ}"


def _is_plain(name: str) -> bool:
    """Return whether a name means itself to any shell: what is offered is read by it once more."""
    return name[:1] not in ("", "-") and all(sign.isalnum() or sign in "_-.@+/:," for sign in name)


def _told(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "_-.@+/: " else " " for sign in text).strip()
