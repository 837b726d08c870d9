"""The plans of `llm-maint memory`: review, apply, what became of each memory; and pins."""

from collections.abc import Collection
from inspect import cleandoc
from typing import Annotated

import typer

from llm_maint.cli import completing
from llm_maint.cli.memory import BotId, bot_of, bot_once_known
from llm_maint.cli.plan_names import Number, PlanStatus
from llm_maint.cli.plans import apply, diff
from llm_maint.cli.session import Json, session_of
from llm_maint.domain.nearest import unknown

app = typer.Typer()


@app.command()
def plans(
    ctx: typer.Context,
    *,
    number: Number = 20,
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot", metavar="B", help="Only of this bot.", autocompletion=completing.bots
        ),
    ] = None,
    status: PlanStatus = None,
    as_json: Json = False,
) -> None:
    """List the last plans about memories, newest last.

    Example: llm-maint memory plans --bot nova --status held
    """
    from llm_maint.console.documents import plan_line_document
    from llm_maint.console.tables import plans_table
    from llm_maint.store.plans import STATUSES, list_plans

    session = session_of(ctx)
    if status is not None and status not in STATUSES:
        raise unknown("status", status, STATUSES)
    with session.opened() as opened, opened.database.read() as connection:
        entity = None if bot is None else bot_once_known(connection, bot)
        found = list_plans(connection, limit=number, entity=entity, status=status, memories=True)
    if as_json:
        session.out.json([plan_line_document(plan) for plan in found])
    else:
        session.out.table(plans_table(found))


@app.command()
def history(
    ctx: typer.Context,
    *,
    bot: BotId,
    row: Annotated[str | None, typer.Option(metavar="ID", help="Only of this memory.")] = None,
    number: Number = 100,
    as_json: Json = False,
) -> None:
    """Show what became of each memory, and why, newest last.

    Example: llm-maint memory history --bot nova -n 20
    """
    from llm_maint.console.diff import effect_lines
    from llm_maint.console.documents import effect_document
    from llm_maint.store.effects import effects_of

    session = session_of(ctx)
    with session.opened() as opened, opened.database.read() as connection:
        entity = bot_once_known(connection, bot)
        found = effects_of(connection, entity, limit=number, row_id=row)
    if as_json:
        session.out.json([effect_document(each) for each in found])
    elif found:
        session.out.lines(effect_lines(found, brief=session.out.terminal))
    else:
        session.out.say(f"{entity}: nothing was changed yet")


@app.command()
def pin(
    ctx: typer.Context,
    *,
    bot: BotId,
    row: Annotated[
        str | None, typer.Option(metavar="ID", help="The memory; without it, list the pins.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Let it go again.")] = False,
    as_json: Json = False,
) -> None:
    """Pin a memory: it is never merged away, superseded, removed or pruned.

    Example: llm-maint memory pin --bot nova --row 3f2a
    """
    from llm_maint.store import pins
    from llm_maint.store.memories import memory_named

    session = session_of(ctx)
    entity_changed = False
    with session.opened() as opened:
        entity = bot_of(opened, bot)
        now = opened.clock()
        with opened.database.write() as connection:
            if row is not None and remove:
                # What is pinned may be gone by now.
                meant = _pinned(pins.pins_of(connection, entity), row)
                row = meant or memory_named(connection, entity, row).id
                entity_changed = pins.unpin(connection, entity, row)
            elif row is not None:
                memory = memory_named(connection, entity, row)
                entity_changed = pins.pin(connection, entity, memory.id, now=now)
            pinned = sorted(pins.pins_of(connection, entity))
    if as_json:
        session.out.json({"bot_id": entity.id, "pinned": pinned, "changed": entity_changed})
        return
    for each in pinned:
        session.out.say(each)
    if not pinned:
        session.out.say(f"{entity}: no memory is pinned")


def _pinned(pinned: Collection[str], name: str) -> str | None:
    """Return the pin of an id or a unique start of one, None where there is none."""
    alike = [each for each in pinned if name and each.startswith(name)]
    found = [name] if name in pinned else alike
    return found[0] if len(found) == 1 else None


for of_a_plan in (diff, apply):
    text = cleandoc(of_a_plan.__doc__ or "")
    app.command(help=text.replace("llm-maint profile", "llm-maint memory"))(of_a_plan)
