"""`llm-maint profile`: whose profiles there are, what is in them, import and export."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.bootstrap.opening import Opened
from llm_maint.cli import completing
from llm_maint.cli.session import Json, session_of
from llm_maint.domain.entity import Entity
from llm_maint.errors import InvalidInputError

if TYPE_CHECKING:
    from llm_maint.domain.profile import Attribute
    from llm_maint.domain.transfer import NewAttribute
    from llm_maint.store.profiles import ProfileHead

app = typer.Typer(
    help="Profiles: look, consolidate, review, undo, edit, import, export.\n\n"
    "Example: llm-maint profile list",
    no_args_is_help=True,
)

EntityId = Annotated[
    str,
    typer.Option(
        "--entity", metavar="E", help="Whose profile.", autocompletion=completing.entities
    ),
]
EntityType = Annotated[
    str,
    typer.Option(
        "--entity-type",
        metavar="user|bot",
        help="Whether it is a user or a bot.",
        autocompletion=completing.entity_types,
    ),
]


@app.command("list")
def list_profiles(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List whose profiles there are.

    Example: llm-maint profile list
    """
    from llm_maint.console.documents import entity_document
    from llm_maint.console.tables import entities_table
    from llm_maint.store.profiles import entities

    session = session_of(ctx)
    with session.opened() as opened, opened.database.read() as connection:
        found = entities(connection)
    if as_json:
        session.out.json([entity_document(each) for each in found])
    else:
        session.out.table(entities_table(found))


@app.command()
def show(
    ctx: typer.Context, *, entity: EntityId, entity_type: EntityType = "user", as_json: Json = False
) -> None:
    """Show the rows of a profile.

    Example: llm-maint profile show --entity nick
    """
    from llm_maint.console.documents import profile_document
    from llm_maint.console.tables import attributes_table

    session = session_of(ctx)
    with session.opened() as opened:
        whose, head, rows = _read(opened, entity, entity_type)
    if as_json:
        session.out.json(profile_document(whose, head, rows))
    else:
        session.out.table(attributes_table(rows))


@app.command()
def prompt(
    ctx: typer.Context, *, entity: EntityId, entity_type: EntityType = "user", as_json: Json = False
) -> None:
    """Print a profile as the block an assistant puts into its system prompt.

    Example: llm-maint profile prompt --entity nick
    """
    from llm_maint.domain.summary import render

    session = session_of(ctx)
    with session.opened() as opened:
        whose, head, rows = _read(opened, entity, entity_type)
    settings = opened.settings.profile_maintenance
    name = (head and head.display_name) or whose.id
    text = render(name, rows, settings.policy, max_tokens=settings.summary_max_tokens)
    if as_json:
        session.out.json({"entity_type": whose.type, "entity_id": whose.id, "prompt": text})
    else:
        session.out.raw(text)


@app.command("import")
def import_profile(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON or JSON Lines; - for stdin.")],
    *,
    entity: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help="Whose the rows are that do not say.",
            autocompletion=completing.entities,
        ),
    ] = None,
    entity_type: EntityType = "user",
    as_json: Json = False,
) -> None:
    """Import rows; a bad one names its line, and then nothing is imported.

    Example: llm-maint profile import rows.json --entity nick
    """
    from llm_maint.domain.transfer import read_rows

    session = session_of(ctx)
    whose = None if entity is None else Entity.named(entity, entity_type)
    rows = read_rows(text_of(file), name=file, entity=whose)
    with session.opened() as opened:
        imported = _import(opened, rows)
    if as_json:
        session.out.json({"imported": len(rows), "entities": imported})
        return
    for each in imported:
        session.out.say(
            f"{each['entity_id']}: {each['imported']} row{'s' * (each['imported'] != 1)} imported; "
            f"to undo: llm-maint profile undo {each['plan_id'][:8]}"
        )
    if not imported:
        session.out.say(f"{file} holds no rows")


@app.command()
def export(
    ctx: typer.Context,
    *,
    entity: EntityId,
    entity_type: EntityType = "user",
    lines: Annotated[bool, typer.Option("--lines", help="JSON Lines, one row a line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, as without it.")] = False,  # noqa: ARG001
) -> None:
    """Print the rows of a profile as `profile import` reads them.

    Example: llm-maint profile export --entity nick > nick.json
    """
    from llm_maint.domain.transfer import export_row

    session = session_of(ctx)
    with session.opened() as opened:
        whose, _, found = _read(opened, entity, entity_type)
    rows = [export_row(row, whose) for row in found]
    if not lines:
        session.out.json(rows)
    for row in rows if lines else ():
        session.out.json(row, one_line=True)


def _read(
    opened: Opened, entity: str, entity_type: str
) -> "tuple[Entity, ProfileHead | None, list[Attribute]]":
    from llm_maint.store import profiles

    with opened.database.read() as connection:
        whose = profiles.known_entity(connection, Entity.named(entity, entity_type))
        return (
            whose,
            profiles.head_of(connection, whose),
            profiles.attributes_of(connection, whose),
        )


def _import(opened: Opened, rows: "list[NewAttribute]") -> list[dict[str, Any]]:
    from llm_maint.applying import occasion_for
    from llm_maint.store.edits import import_rows

    by_entity: defaultdict[Entity, list[NewAttribute]] = defaultdict(list)
    for row in rows:
        by_entity[row.entity].append(row)
    occasion = occasion_for(opened.context())
    with opened.database.write() as connection:
        return [
            {
                "entity_id": entity.id,
                "entity_type": entity.type,
                "imported": len(own),
                "plan_id": import_rows(connection, entity, own, occasion),
            }
            for entity, own in by_entity.items()
        ]


def text_of(file: str) -> str:
    """Return the text of a file, or of what is piped in, for an import.

    Raises:
        InvalidInputError: it cannot be read, or is no text.

    """
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidInputError(f"cannot read {file}: {error.strerror}") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"{file}, line {line}: not UTF-8; nothing was imported") from error
