"""`llm-maint profile set`, `unset` and `pin`: what a person changes by hand."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.cli.profile import EntityId, EntityType
from llm_maint.cli.session import DryRun, Json, Session, session_of
from llm_maint.domain.profile import Entity
from llm_maint.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from llm_maint.domain.profile import Attribute
    from llm_maint.domain.transfer import NewAttribute

app = typer.Typer()

Category = Annotated[str | None, typer.Option(metavar="C", help="The row's category.")]
RowId = Annotated[str | None, typer.Option("--row", metavar="ID", help="The row of this id.")]


@app.command("set")
def set_attribute(
    ctx: typer.Context,
    *,
    entity: EntityId,
    key: Annotated[str, typer.Option(metavar="K", help="The row's key.")],
    value: Annotated[str | None, typer.Option(metavar="TEXT", help="Its value, a text.")] = None,
    json_value: Annotated[
        str | None, typer.Option(metavar="JSON", help="Its value, as JSON of any type.")
    ] = None,
    category: Category = None,
    row: RowId = None,
    confidence: Annotated[float, typer.Option(metavar="0..1", help="How sure it is.")] = 1.0,
    source: Annotated[str, typer.Option(metavar="S", help="Where it comes from.")] = "explicit",
    entity_type: EntityType = "user",
    as_json: Json = False,
) -> None:
    """Set one attribute: give its row another value, or insert it where there is none.

    What a person sets is explicit, and so protected from every consolidation.

    Example: llm-maint profile set --entity nick --category preference --key tea --value green
    """
    from llm_maint.applying import occasion_for
    from llm_maint.domain.choice import row_to_set
    from llm_maint.domain.transfer import row_of
    from llm_maint.store import profiles
    from llm_maint.store.edits import set_row

    session = session_of(ctx)
    said: dict[str, Any] = {"value": _value(value, json_value)}
    said |= {"key": key, "confidence": confidence, "source": source}
    plan_id = None
    with session.opened() as opened, opened.database.write() as connection:
        whose = profiles.known_entity(connection, Entity.named(entity, entity_type))
        present = profiles.attributes_of(connection, whose, lock=True)
        before, category = row_to_set(present, category=category, key=key, row_id=row)
        new = row_of({**said, "category": category}, whose)
        after = before
        if before is None or not _says(before, new):
            after, plan_id = set_row(connection, before, new, occasion_for(opened.context()))
    assert after is not None
    _print_set(session, whose, before, after, plan_id=plan_id, as_json=as_json)


@app.command()
def unset(
    ctx: typer.Context,
    *,
    entity: EntityId,
    key: Annotated[str | None, typer.Option(metavar="K", help="All rows of this key.")] = None,
    category: Category = None,
    row: RowId = None,
    entity_type: EntityType = "user",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove a key or, with --category alone, a whole category; protected rows too.

    Example: llm-maint profile unset --entity nick --category misc --dry-run
    """
    from llm_maint.applying import occasion_for
    from llm_maint.domain.choice import rows_meant
    from llm_maint.domain.plan_document import row_document
    from llm_maint.store import profiles
    from llm_maint.store.edits import delete_rows

    if key is None and category is None and row is None:
        raise UsageError("what is to go? name a --key, a --category or a --row")
    session = session_of(ctx)
    plan_id = None
    with session.opened() as opened, opened.database.write(rolls_back=dry_run) as connection:
        whose = profiles.known_entity(connection, Entity.named(entity, entity_type))
        present = profiles.attributes_of(connection, whose, lock=True)
        gone = rows_meant(present, category=category, key=key, row_id=row)
        if gone:
            plan_id = delete_rows(connection, whose, gone, occasion_for(opened.context()))
    if as_json:
        rows = [row_document(each) for each in gone]
        done = {"dry_run": dry_run, "plan_id": None if dry_run else plan_id}
        session.out.json({**_named(whose), **done, "removed": len(gone), "rows": rows})
        return
    count = f"{len(gone)} row{'s' * (len(gone) != 1)}"
    if dry_run or plan_id is None:
        session.out.say(f"{whose}: {count} would be removed" if gone else f"{whose}: no row is so")
    else:
        session.out.say(f"{whose}: {count} removed; {_to_undo(plan_id)}")


@app.command()
def pin(
    ctx: typer.Context,
    *,
    entity: EntityId,
    key: Annotated[
        str | None, typer.Option(metavar="K", help="The key; without it, list the pinned keys.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Let the key go again.")] = False,
    entity_type: EntityType = "user",
    as_json: Json = False,
) -> None:
    """Pin a key: no consolidation removes, rewrites or supersedes its rows.

    Example: llm-maint profile pin --entity nick --key allergy
    """
    from llm_maint.domain.wording import snake_case
    from llm_maint.store import pins, profiles

    session = session_of(ctx)
    if key is None and off:
        raise UsageError("which key is to be let go? name it with --key")
    name = snake_case(key or "")
    if key is not None and not name:
        raise InvalidInputError(f"{key!r} is no key")
    changed = False
    with session.opened() as opened, opened.database.write() as connection:
        whose = profiles.known_entity(connection, Entity.named(entity, entity_type))
        if name and off:
            changed = pins.unpin(connection, whose, name)
        elif name:
            changed = pins.pin(connection, whose, name, now=opened.clock())
        pinned = sorted(pins.pins_of(connection, whose))
        rows = profiles.attributes_of(connection, whose)
    if as_json:
        session.out.json({**_named(whose), "pinned_keys": pinned, "changed": changed})
        return
    if not name:
        session.out.say(f"{whose}: pinned: {', '.join(pinned) or 'no key'}")
        return
    state = "not pinned" if off else "pinned"
    count = sum(snake_case(each.key) == name for each in rows)
    again = "" if changed else " already"
    session.out.say(f"{whose}: {name} is{again} {state} ({count} row{'s' * (count != 1)} now)")


def _value(text: str | None, json_text: str | None) -> Any:  # noqa: ANN401 a JSON value is any type
    if (text is None) == (json_text is None):
        raise UsageError("one value is needed: --value TEXT or --json-value JSON")
    if json_text is None:
        return text
    from llm_maint.domain.profile import finite, no_constant

    try:
        return json.loads(json_text, parse_constant=no_constant, parse_float=finite)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"--json-value is not JSON: {error}") from error


def _says(row: "Attribute", new: "NewAttribute") -> bool:
    """Return whether a row says just this, to the type, already."""
    kept = (json.dumps(row.value), row.confidence, row.source)
    return kept == (json.dumps(new.value), new.confidence, new.source)


def _print_set(
    session: Session,
    whose: Entity,
    before: "Attribute | None",
    after: "Attribute",
    *,
    plan_id: str | None,
    as_json: bool,
) -> None:
    from llm_maint.domain.plan_document import row_document

    if as_json:
        shown = {"before": before and row_document(before), "after": row_document(after)}
        session.out.json({**_named(whose), "plan_id": plan_id, "row_id": after.id, **shown})
        return
    name = f"{whose}: [{after.id}] {after.category}: {after.key} = {after.text}"
    if plan_id is None:
        session.out.say(f"{name}; so it was already")
    else:
        was = "" if before is None else f" (was {before.text})"
        session.out.say(f"{name}{was}; {_to_undo(plan_id)}")


def _to_undo(plan_id: str) -> str:
    return f"to undo: llm-maint profile undo {plan_id[:8]}"


def _named(whose: Entity) -> dict[str, str]:
    return {"entity_id": whose.id, "entity_type": whose.type}
