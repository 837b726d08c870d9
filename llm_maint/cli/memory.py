"""`llm-maint memory`: whose memories there are, what is in them, import and export."""

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.bootstrap.opening import Opened
from llm_maint.cli import completing
from llm_maint.cli.profile import text_of
from llm_maint.cli.session import Json, session_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llm_maint.domain.entity import Entity
    from llm_maint.domain.memory_transfer import NewMemory
    from llm_maint.store.database import Connection

app = typer.Typer(
    help="Memories: look, consolidate, tag what recurs, let fade, restore, import, export.\n\n"
    "Example: llm-maint memory list",
    no_args_is_help=True,
)

BotId = Annotated[
    str, typer.Option("--bot", metavar="B", help="Whose memories.", autocompletion=completing.bots)
]

EXPORTED_AT_ONCE = 1_000
"""Memories that are read together: with their vectors they have megabytes."""


@app.command("list")
def list_memories(
    ctx: typer.Context,
    *,
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot",
            metavar="B",
            help="Whose; without it, list the bots.",
            autocompletion=completing.bots,
        ),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option("-n", min=1, max=1_000_000, metavar="N", help="Only the newest so many."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List a bot's memories, newest last; or whose memories there are.

    Example: llm-maint memory list --bot nova -n 20
    """
    from llm_maint.console.documents import bot_document
    from llm_maint.console.tables import bots_table, memories_table
    from llm_maint.domain.memory import by_creation
    from llm_maint.store.memories import bots, known_bot, memories_of

    session = session_of(ctx)
    with session.opened() as opened, opened.database.read() as connection:
        if bot is None:
            counted = bots(connection)
            if as_json:
                session.out.json([bot_document(each) for each in counted])
            else:
                session.out.table(bots_table(counted))
            return
        found = sorted(memories_of(connection, known_bot(connection, bot)), key=by_creation)
    found = found[-number:] if number else found
    if as_json:
        session.out.json([memory.document() for memory in found])
    else:
        session.out.table(memories_table(found))


@app.command("import")
def import_memories(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON or JSON Lines; - for stdin.")],
    *,
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot",
            metavar="B",
            help="Whose they are that do not say.",
            autocompletion=completing.bots,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Import memories; a bad one names its line, and then nothing is imported.

    Example: llm-maint memory import memories.json --bot nova
    """
    from llm_maint.domain.memory_transfer import read_memories

    session = session_of(ctx)
    rows = read_memories(text_of(file), name=file, bot_id=bot)
    with session.opened() as opened:
        imported = _import(opened, rows)
    if as_json:
        session.out.json({"imported": len(rows), "bots": imported})
        return
    for each in imported:
        many = "memory" if each["imported"] == 1 else "memories"
        session.out.say(
            f"{each['bot_id']}: {each['imported']:,} {many} imported; "
            f"to undo: llm-maint memory restore {each['plan_id'][:8]}"
        )
    if not imported:
        session.out.say(f"{file} holds no memories")


@app.command()
def export(
    ctx: typer.Context,
    *,
    bot: BotId,
    vectors: Annotated[
        bool, typer.Option("--vectors/--no-vectors", help="With the vectors, or without.")
    ] = True,
    lines: Annotated[bool, typer.Option("--lines", help="JSON Lines, one a line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, as without it.")] = False,  # noqa: ARG001
) -> None:
    """Print a bot's memories as `memory import` reads them.

    Example: llm-maint memory export --bot nova --no-vectors > nova.json
    """
    session = session_of(ctx)
    with session.opened() as opened:
        if lines:
            for row in _exported(opened, bot, vectors=vectors):
                session.out.json(row, one_line=True)
        else:
            session.out.json(list(_exported(opened, bot, vectors=vectors)))


def _exported(opened: Opened, bot: str, *, vectors: bool) -> "Iterator[dict[str, Any]]":
    from llm_maint.store.memories import known_bot, memories_of
    from llm_maint.store.memory_edits import exported
    from llm_maint.store.vectors import VECTORS, own_vectors

    with opened.database.read() as connection:
        entity = known_bot(connection, bot)
        ids = [memory.id for memory in memories_of(connection, entity)]
        for start in range(0, len(ids), EXPORTED_AT_ONCE):
            part = ids[start : start + EXPORTED_AT_ONCE]
            found = {
                name: dict(own_vectors(connection, entity, ids=part, column=name))
                for name in (VECTORS if vectors else ())
            }
            for memory in memories_of(connection, entity, ids=part, whole=True):
                own = {name: each.get(memory.id) for name, each in found.items()}
                yield {"bot_id": entity.id, **exported(memory, own)}


def _import(opened: Opened, rows: "list[NewMemory]") -> list[dict[str, Any]]:
    from llm_maint.applying import occasion_for
    from llm_maint.store.memories import bot_to_fill
    from llm_maint.store.memory_edits import import_memories as imported

    occasion = occasion_for(opened.context())
    done = []
    with opened.database.write() as connection:
        by_bot: defaultdict[Entity, list[NewMemory]] = defaultdict(list)
        meant = {name: bot_to_fill(connection, name) for name in {row.bot_id for row in rows}}
        for row in rows:
            by_bot[meant[row.bot_id]].append(row)
        for entity, own in by_bot.items():
            plan_id = imported(connection, entity, own, occasion)
            done.append({"bot_id": entity.id, "imported": len(own), "plan_id": plan_id})
    return done


def bot_of(opened: Opened, bot: str) -> "Entity":
    """Return the memories of the bot that is meant; see `memories.known_bot`."""
    from llm_maint.store.memories import known_bot

    with opened.database.read() as connection:
        return known_bot(connection, bot)


def bot_once_known(connection: "Connection", bot: str) -> "Entity":
    """Return the memories of a bot, which may all be gone by now: then there are plans about them.

    Raises:
        UnknownNameError: there is neither; the message names the nearest bot.

    """
    from llm_maint.store.memories import bot_to_fill, known_bot
    from llm_maint.store.plans import list_plans

    entity = bot_to_fill(connection, bot)
    return entity if list_plans(connection, limit=1, entity=entity) else known_bot(connection, bot)
