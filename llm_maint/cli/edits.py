"""`llm-maint profile set`, `unset` and `pin`: what a person changes by hand."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.cli.profile import EntityId, EntityType
from llm_maint.cli.session import DryRun, Json, session_of
from llm_maint.domain.entity import Entity
from llm_maint.domain.nearest import nearest
from llm_maint.domain.transfer import MAX_CHARS
from llm_maint.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llm_maint.domain.profile import Attribute

app = typer.Typer()

Category = Annotated[str | None, typer.Option(metavar="C", help="The row's category.")]
Confidence = Annotated[float | None, typer.Option(metavar="0..1", help="How sure it is; else 1.")]
Source = Annotated[str | None, typer.Option(metavar="S", help="Where it is from; else explicit.")]
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
    confidence: Confidence = None,
    source: Source = None,
    entity_type: EntityType = "user",
    as_json: Json = False,
) -> None:
    """Set one attribute: give its row another value, or insert it where there is none.

    What a person sets is explicit, and so protected from every consolidation.

    Example: llm-maint profile set --entity nick --category preference --key tea --value green
    """
    from llm_maint.applying import occasion_for
    from llm_maint.console.diff import change_lines
    from llm_maint.console.documents import set_document
    from llm_maint.domain.choice import row_to_set
    from llm_maint.domain.transfer import row_of
    from llm_maint.store import profiles
    from llm_maint.store.edits import set_row

    session = session_of(ctx)
    said = {"key": key, "value": _value(value, json_value), "source": source}
    with session.opened() as opened, opened.database.write() as connection:
        whose = profiles.known_entity(connection, Entity.named(entity, entity_type))
        present = profiles.attributes_to_change(connection, whose)
        before, category = row_to_set(present, category=category, key=key, row_id=row)
        new = row_of({**said, "category": category, "confidence": confidence}, whose)
        after, plan_id = set_row(connection, before, new, occasion_for(opened.context()))
    if as_json:
        session.out.json(set_document(whose, before, after, plan_id))
        return
    session.out.lines(change_lines(before, after, brief=session.out.terminal))
    session.out.say(f"{whose}: " + (f"set; {_to_undo(plan_id)}" if plan_id else "so already"))


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
    from llm_maint.console.diff import change_lines
    from llm_maint.console.documents import unset_document
    from llm_maint.domain.choice import rows_meant
    from llm_maint.store import profiles
    from llm_maint.store.edits import delete_rows

    if key is None and category is None and row is None:
        raise UsageError("what is to go? name a --key, a --category or a --row")
    session = session_of(ctx)
    plan_id = None
    with session.opened() as opened, opened.database.write(rolls_back=dry_run) as connection:
        whose = profiles.known_entity(connection, Entity.named(entity, entity_type))
        present = profiles.attributes_to_change(connection, whose)
        gone = rows_meant(present, category=category, key=key, row_id=row)
        if gone:
            plan_id = delete_rows(connection, whose, gone, occasion_for(opened.context()))
    if dry_run:
        plan_id = None
    if as_json:
        session.out.json(unset_document(whose, gone, plan_id, dry_run=dry_run))
        return
    for each in gone:
        session.out.lines(change_lines(each, None, brief=session.out.terminal))
    done = f"removed; {_to_undo(plan_id)}" if plan_id else "would be removed (dry run)"
    session.out.say(f"{whose}: {_rows(gone)} {done}" if gone else f"{whose}: there is no such row")


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
    from llm_maint.applying import policy_for
    from llm_maint.console.documents import pins_document
    from llm_maint.domain.wording import snake_case
    from llm_maint.store import pins, profiles

    session = session_of(ctx)
    name = _pinnable(key, off=off)
    with session.opened() as opened:
        transaction = opened.database.read if name is None else opened.database.write
        with transaction() as connection:
            whose = profiles.known_entity(connection, Entity.named(entity, entity_type))
            changed = name is not None and (
                pins.unpin(connection, whose, name)
                if off
                else pins.pin(connection, whose, name, now=opened.clock())
            )
            pinned = sorted(policy_for(connection, opened.settings, whose).pinned_keys)
            rows = profiles.attributes_of(connection, whose)
    if as_json:
        session.out.json(pins_document(whose, pinned, changed=changed))
    elif name is None:
        session.out.say(f"{whose}: pinned: {', '.join(pinned) or 'no key'}")
    elif off and name in pinned:
        raise UsageError(f"{name} is pinned for all by profile_maintenance.pinned_keys")
    else:
        state = f"{'' if changed else 'already '}{'not pinned' if off else 'pinned'}"
        alike = [each for each in rows if name in (each.key, snake_case(each.key))]
        hint = "" if alike or off else _nearest(name, rows)
        session.out.say(f"{whose}: {name} is {state} ({_rows(alike)} now{hint})")


def _pinnable(key: str | None, *, off: bool) -> str | None:
    """Return a key as pins are written, None for the list of them."""
    from llm_maint.domain.wording import snake_case

    if key is None:
        if off:
            raise UsageError("which key is to be let go? name it with --key")
        return None
    name, most = snake_case(key) or key.strip(), MAX_CHARS["key"]
    if not 0 < len(name) <= most:
        raise InvalidInputError(f"a key has 1 to {most} characters")
    return name


def _nearest(key: str, rows: "Iterable[Attribute]") -> str:
    close = nearest(key, {row.key for row in rows})
    return f"; did you mean {close!r}?" if close else ""


def _value(text: str | None, json_text: str | None) -> Any:  # noqa: ANN401 a JSON value is any type
    if (text is None) == (json_text is None):
        raise UsageError("one value is needed: --value TEXT or --json-value JSON")
    if json_text is None:
        return text
    from llm_maint.domain.json_values import finite, no_constant

    try:
        return json.loads(
            json_text,
            parse_constant=no_constant,
            parse_float=finite,
            object_pairs_hook=_each_once,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"--json-value is not JSON: {error}") from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _to_undo(plan_id: str) -> str:
    return f"to undo: llm-maint profile undo {plan_id[:8]}"


def _rows(rows: "list[Attribute]") -> str:
    return f"{len(rows)} row{'s' * (len(rows) != 1)}"
