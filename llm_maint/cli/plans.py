"""The plans of `llm-maint profile`: review, apply, undo, and what became of each row."""

import json
import logging
from pathlib import Path
from string import hexdigits
from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint.bootstrap.opening import Opened
from llm_maint.cli import completing
from llm_maint.cli.consolidate import show_consolidation
from llm_maint.cli.plan_names import HeldPlan, Number, PlanId, PlanName, PlanStatus
from llm_maint.cli.profile import EntityId, EntityType
from llm_maint.cli.session import DryRun, Json, Session, leave, session_of
from llm_maint.domain.chat import NO_USAGE
from llm_maint.domain.entity import Entity
from llm_maint.domain.nearest import unknown
from llm_maint.errors import DatabaseUnavailableError, InvalidInputError, MaintError, UsageError

if TYPE_CHECKING:
    from llm_maint.domain.plan import Plan
    from llm_maint.store.plans import StoredPlan
    from llm_maint.store.undo import Undone

log = logging.getLogger(__name__)

app = typer.Typer()


@app.command()
def plans(
    ctx: typer.Context,
    *,
    number: Number = 20,
    entity: Annotated[
        str | None,
        typer.Option(metavar="E", help="Only of this entity.", autocompletion=completing.entities),
    ] = None,
    entity_type: EntityType = "user",
    status: PlanStatus = None,
    as_json: Json = False,
) -> None:
    """List the last plans, newest last: consolidations, imports and undos.

    Example: llm-maint profile plans --status held
    """
    from llm_maint.console.documents import plan_line_document
    from llm_maint.console.tables import plans_table
    from llm_maint.store.plans import STATUSES, list_plans
    from llm_maint.store.profiles import known_entity

    session = session_of(ctx)
    if status is not None and status not in STATUSES:
        raise unknown("status", status, STATUSES)
    with session.opened() as opened, opened.database.read() as connection:
        whose = None
        if entity is not None:
            whose = known_entity(connection, Entity.named(entity, entity_type))
        found = list_plans(connection, limit=number, entity=whose, status=status, memories=False)
    if as_json:
        session.out.json([plan_line_document(plan) for plan in found])
    else:
        session.out.table(plans_table(found))


@app.command()
def diff(ctx: typer.Context, plan: PlanName, *, as_json: Json = False) -> None:
    """Show what a plan did or, if it is held or in a file, would do.

    On a terminal long values are shortened around what differs; piped on, they are whole.

    Example: llm-maint profile diff 3f2a91bc
    """
    from llm_maint.console.diff import plan_lines, stored_plan_lines
    from llm_maint.console.documents import stored_plan_document
    from llm_maint.domain.plan_document import plan_document
    from llm_maint.store.effects import effects_of
    from llm_maint.store.plans import find_plan

    session = session_of(ctx)
    if (saved := _saved(plan)) is not None:
        if as_json:
            session.out.json(plan_document(saved))
        else:
            session.out.lines(plan_lines(saved, brief=session.out.terminal))
        return
    with session.opened() as opened, opened.database.read() as connection:
        found = find_plan(connection, plan)
        effects = effects_of(connection, found.entity, plan_id=found.id)
    if as_json:
        session.out.json(stored_plan_document(found, effects))
    else:
        session.out.lines(stored_plan_lines(found, effects, brief=session.out.terminal))


@app.command()
def apply(
    ctx: typer.Context,
    plan: HeldPlan = None,
    *,
    all_held: Annotated[
        bool, typer.Option("--all-held", help="All plans that are held, one after the other.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Apply a plan that is held for review, or one that --plan-out wrote to a file.

    Example: llm-maint profile apply --all-held
    """
    from llm_maint.applying import apply_held, apply_saved
    from llm_maint.store.plans import HELD, find_plan, list_plans

    if (plan is None) != all_held:
        raise UsageError("which plan? name one, or all that are held with --all-held")
    session = session_of(ctx)
    saved = None if plan is None else _saved(plan)
    with session.opened() as opened:
        if plan is None:
            with opened.database.read() as connection:
                memories = _stands_in(ctx, "memory")
                held = list_plans(connection, limit=None, status=HELD, memories=memories)
            _apply_all(session, opened, held, as_json=as_json)
            return
        if saved is not None:
            done = apply_saved(opened.context(), saved, name=plan)
        else:
            with opened.database.read() as connection:
                found = find_plan(connection, plan)
            done = apply_held(opened.context(), found)
    show_consolidation(session, done, dry_run=False, uses_model=True, as_json=as_json)


def _apply_all(
    session: Session, opened: Opened, held: "list[StoredPlan]", *, as_json: bool
) -> None:
    """Apply plans, each by itself: one that cannot be applied stops no other."""
    from llm_maint.applying import apply_held
    from llm_maint.domain.consolidation import failed_report, report
    from llm_maint.domain.settlement import worst

    documents, codes = [], []
    for each in held:
        try:
            done = apply_held(opened.context(), each)
        except DatabaseUnavailableError:
            raise
        except MaintError as error:
            codes.append(error.exit_code)
            log.warning("%s: %s", each.entity, error)
            documents.append(failed_report(each.entity, error, spent=NO_USAGE, dry_run=False))
            continue
        documents.append(report(done, dry_run=False))
        if not as_json:
            before, after = len(done.plan.rows), len(done.plan.survivors())
            undo = "memory restore" if each.entity.has_memories else "profile undo"
            again = f"llm-maint {undo} {(done.plan_id or '')[:8]}"
            session.out.say(f"{each.entity}: {before} -> {after} rows; to undo: {again}")
    if as_json:
        session.out.json(documents)
    elif not held:
        session.out.say("no plan is held")
    leave(worst(codes))


@app.command()
def undo(
    ctx: typer.Context,
    plan: PlanId,
    *,
    dry_run: DryRun = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where rows were edited since.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put back every row that a plan changed, as it was. An undo can itself be undone.

    Example: llm-maint profile undo 3f2a91bc --dry-run
    """
    from llm_maint.applying import occasion_for
    from llm_maint.console.documents import undone_document
    from llm_maint.store import undo

    session = session_of(ctx)
    with session.opened() as opened:
        occasion = occasion_for(opened.context())
        undone = undo.undo_plan(opened.database, plan, occasion, force=force, dry_run=dry_run)
    tell_altered(undone)
    if as_json:
        session.out.json(undone_document(undone, dry_run=dry_run))
        return
    rows = f"{len(undone.row_ids)} row{'s' * (len(undone.row_ids) != 1)} of {undone.entity}"
    if dry_run:
        session.out.say(f"dry run: {rows} would be put back")
    else:
        again = f"llm-maint profile undo {undone.plan_id[:8]}"
        session.out.say(f"{rows} put back; to undo that: {again}")


def tell_altered(undone: "Undone") -> None:
    """Warn of columns that the database itself has set while a row was put back."""
    for row_id, columns in undone.altered.items():
        names = ", ".join(columns)
        log.warning("row %s: the database itself set %s (a trigger?)", row_id, names)


@app.command()
def history(
    ctx: typer.Context,
    *,
    entity: EntityId,
    entity_type: EntityType = "user",
    row: Annotated[str | None, typer.Option(metavar="ID", help="Only of this row.")] = None,
    number: Number = 100,
    as_json: Json = False,
) -> None:
    """Show what became of each row of a profile, and why, newest last.

    Example: llm-maint profile history --entity nick --row 12
    """
    from llm_maint.console.diff import effect_lines
    from llm_maint.console.documents import effect_document
    from llm_maint.domain.choice import rows_meant
    from llm_maint.store.effects import effects_of
    from llm_maint.store.profiles import attributes_of, known_entity

    session = session_of(ctx)
    with session.opened() as opened, opened.database.read() as connection:
        whose = Entity.named(entity, entity_type)
        found = effects_of(connection, whose, limit=number, row_id=row)
        if not found:
            whose = known_entity(connection, whose)
            found = effects_of(connection, whose, limit=number, row_id=row)
        if not found and row is not None:
            rows_meant(attributes_of(connection, whose), row_id=row)
    if as_json:
        session.out.json([effect_document(each) for each in found])
    elif found:
        session.out.lines(effect_lines(found, brief=session.out.terminal))
    else:
        session.out.say(f"{whose}: nothing was changed yet")


def _stands_in(ctx: typer.Context, group: str) -> bool:
    """Return whether the command stands in a group: the same command is in two."""
    return ctx.parent is not None and ctx.parent.info_name == group


def _saved(name: str) -> "Plan | None":
    """Return the plan of a file, None where the name is an id: these are hexadecimal digits."""
    from llm_maint.applying import saved_plan

    if set(name) <= set(hexdigits):
        return None
    try:
        document = json.loads(Path(name).read_bytes())
    except FileNotFoundError as error:
        raise InvalidInputError(f"no plan and no file {name!r}") from error
    except OSError as error:
        raise InvalidInputError(f"cannot read {name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{name} is not a plan: not JSON") from error
    if not isinstance(document, dict):
        raise InvalidInputError(f"{name} is not a plan")
    return saved_plan(document, name=name)
