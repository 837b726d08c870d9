"""`llm-maint report`: health, runs and changes as one HTML file that needs nothing else."""

import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint import __version__
from llm_maint.bootstrap import places
from llm_maint.bootstrap.opening import Opened
from llm_maint.cli import completing
from llm_maint.cli.private_file import check_writable, write_private
from llm_maint.cli.session import Json, Session, session_of
from llm_maint.domain.nearest import unknown
from llm_maint.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from llm_maint.domain.entity import Entity
    from llm_maint.report.entry import Entry
    from llm_maint.report.page import Page
    from llm_maint.settings.sections import Settings
    from llm_maint.store.changes import Name
    from llm_maint.store.database import Connection

DEFAULT_FILE = Path("llm-maint-report.html")

STDOUT = Path("-")

MOST_DAYS = 3_660

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Where to write it; - is standard output. Without it a terminal gets a file "
        f"{DEFAULT_FILE}, a pipe the report itself.",
    ),
]

Entities = Annotated[
    list[str] | None,
    typer.Option(
        metavar="E",
        help="Changes and sizes of this one alone; may be repeated.",
        autocompletion=completing.entities,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    days: int
    entities: tuple[str, ...]
    values: bool
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A report, and what is in it."""

    html: str
    runs: int
    plans: int
    shown: int


def report(
    ctx: typer.Context,
    *,
    out: Out = None,
    days: Annotated[
        int, typer.Option(min=1, max=MOST_DAYS, metavar="N", help="How far back it looks.")
    ] = 30,
    entity: Entities = None,
    no_values: Annotated[
        bool,
        typer.Option("--no-values", help="Leave out what rows say; the ids of entities stay."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a report as one HTML file: health, runs, durations, tokens, sizes, and each change.

    The file holds what is known of people, so nobody else may read it. It needs no network.

    Example: llm-maint report -o report.html --days 90
    """
    session = session_of(ctx)
    place = _place(session, out, as_json=as_json)
    if place != STDOUT:
        check_writable(place)
    wanted = _Wanted(
        days=days,
        entities=tuple(entity or ()),
        values=not no_values,
        options=session.options,
    )
    with session.opened() as opened, session.out.progressing("making the report"):
        made = _made(opened, wanted)
    if place == STDOUT:
        session.out.raw(_for(sys.stdout.encoding, made.html.rstrip("\n")))
        return
    write_private(place, made.html)
    _tell(session, place, made, wanted, as_json=as_json)


def _place(session: Session, out: Path | None, *, as_json: bool) -> Path:
    if out == STDOUT and as_json:
        raise UsageError("standard output cannot be both the report and JSON: name a file with -o")
    if out is not None:
        return out
    return DEFAULT_FILE if session.out.terminal or as_json else STDOUT


def _for(encoding: str | None, html: str) -> str:
    """Return the page for a stream: it says itself that it is UTF-8, so where it is not, ASCII."""
    if (encoding or "utf-8").lower().replace("-", "") == "utf8":
        return html
    return html.encode("ascii", "xmlcharrefreplace").decode()


def _tell(session: Session, place: Path, made: _Made, wanted: _Wanted, *, as_json: bool) -> None:
    octets = len(made.html.encode())
    if as_json:
        session.out.json(
            {
                "path": str(place.absolute()),
                "bytes": octets,
                "days": wanted.days,
                "runs": made.runs,
                "plans": made.plans,
                "plans_shown": made.shown,
                "values": wanted.values,
            }
        )
        return
    window = f"{wanted.days} day{'s' * (wanted.days != 1)}"
    what = f"{window}, {made.runs:,} runs, {made.shown:,} of {made.plans:,} changes"
    session.out.say(f"{place}: {octets / 1000:,.0f} kB, {what}; for your eyes only (mode 0600)")


def _made(opened: Opened, wanted: _Wanted) -> _Made:
    from llm_maint.report.page import rendered
    from llm_maint.store.changes import changes_since

    now = opened.clock()
    since = now - timedelta(days=wanted.days)
    with opened.database.read() as connection:
        entities = _entities(connection, wanted.entities)
    page, runs = _page(opened, wanted, entities, now=now)  # not within: a pooler may have but one
    with opened.database.read() as connection:
        names = changes_since(connection, since, entities=entities)
        entries = _entries(connection, names, values=wanted.values)
        done = rendered(page, entries, total=len(names), commands=_listing(names))
    return _Made(html=done.html, runs=runs, plans=len(names), shown=done.changes)


def _entities(connection: "Connection", wanted: Collection[str]) -> "set[Entity] | None":
    """Return the entities that are meant by their ids, None for all."""
    from llm_maint.store.changes import known_entities

    if not wanted:
        return None
    known = known_entities(connection)
    found: set[Entity] = set()
    for name in wanted:
        meant = {each for each in known if name in (each.id, f"{each.type}:{each.id}")}
        meant = meant or {each for each in known if each.id.lower() == name.strip().lower()}
        if not meant:
            raise unknown("entity", name, sorted({each.id for each in known}))
        found |= meant
    return found


def _page(
    opened: Opened, wanted: _Wanted, entities: "Collection[Entity] | None", *, now: "datetime"
) -> "tuple[Page, int]":
    from llm_maint.domain.checkup import with_options
    from llm_maint.domain.health import health
    from llm_maint.report.tally import tally
    from llm_maint.report.telling import Place, page_of
    from llm_maint.store.past import facts_since, rows_changed
    from llm_maint.store.vitals import vitals

    since = now - timedelta(days=wanted.days)
    concerns: Callable[[Entity], bool] = lambda each: entities is None or each in entities  # noqa: E731
    with opened.database.brief(writes=False) as source:
        found = vitals(source, now=now)
        counted = tally(facts_since(source, since), since=since, now=now, concerns=concerns)
        rows = rows_changed(source, since)
    place = Place(
        database=opened.database.place,
        host=places.host_name(),
        version=__version__,
        made_at=now,
        since=since,
    )
    page = page_of(
        place,
        vitals=found,
        checks=with_options(health(found, opened.settings.expected), wanted.options),
        tally=counted,
        rows=rows,
        notes=list(_notes(opened.settings, wanted)),
        values=wanted.values,
    )
    return page, counted.runs


def _notes(settings: "Settings", wanted: _Wanted) -> Iterator[str]:
    kept, journal = settings.history.keep_days, settings.history.journal_keep_days
    if wanted.days > kept:
        yield f"Runs are kept for {kept} days (history.keep_days): older ones may be missing."
    if wanted.days > journal:
        yield f"Changes are kept for {journal} days (history.journal_keep_days), no longer."
    if wanted.entities:
        whose = ", ".join(wanted.entities)
        yield f"Changes and sizes are those of {whose} alone; runs and figures are of all."
    if not wanted.values:
        yield "What rows say is left out, and so are the reasons and errors that may repeat it."


def _entries(connection: "Connection", names: "list[Name]", *, values: bool) -> "Iterator[Entry]":
    """Yield the changes, newest first, each read when it is asked for."""
    from llm_maint.report.change import MOST_ROWS
    from llm_maint.report.entry import entry_of
    from llm_maint.store.changes import change_of

    for name in names:
        change = change_of(connection, name, most=MOST_ROWS)
        if change is not None:
            yield entry_of(change.plan, change.effects, change.counted, values=values)


def _listing(names: "list[Name]") -> list[str]:
    """Return the commands that list all changes."""
    memories = sum(name.is_of_memories for name in names)
    groups = {"profile": len(names) - memories, "memory": memories}
    return [f"llm-maint {group} plans -n {n}" for group, n in groups.items() if n]
