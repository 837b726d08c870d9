"""`llm-maint profile consolidate` and the plans it makes: review, apply, undo."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint.cli.profile import EntityId, EntityType
from llm_maint.cli.session import DryRun, Json, Session, leave, session_of
from llm_maint.domain.nearest import unknown
from llm_maint.domain.profile import Entity
from llm_maint.errors import ExitCode, MaintError, UsageError

if TYPE_CHECKING:
    from llm_maint.domain.consolidation import Consolidation

log = logging.getLogger(__name__)

app = typer.Typer()

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="Its id or the start of it.")]


@app.command()
def consolidate(
    ctx: typer.Context,
    *,
    entity: EntityId,
    entity_type: EntityType = "user",
    dry_run: DryRun = False,
    plan_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the plan to a file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Plan the consolidation of one profile and apply it; with --dry-run, show the plan.

    Example: llm-maint profile consolidate --entity nick --dry-run
    """
    from llm_maint.domain.consolidation import failed_report
    from llm_maint.jobs.profile_maintenance import consolidate as consolidated
    from llm_maint.jobs.profile_maintenance import meter_of
    from llm_maint.store.profiles import known_entity

    session = session_of(ctx)
    if plan_out is not None:
        _check_writable(plan_out)
    with session.opened() as opened:
        with opened.database.read() as connection:
            whose = known_entity(connection, Entity.named(entity, entity_type))
        uses_model = opened.settings.llm.uses_model
        meter = meter_of(opened.settings)
        try:
            with session.out.waiting("asking the model ..." if uses_model else "planning ..."):
                done = consolidated(opened.context(dry_run=dry_run), whose, meter)
        except MaintError as error:
            if as_json:
                failed = failed_report(whose, error, spent=meter.spent, dry_run=dry_run)
                session.out.json(failed)
            raise
    if plan_out is not None:
        _write_plan(done, plan_out)
    _print(session, done, dry_run=dry_run, uses_model=uses_model, as_json=as_json)
    leave(ExitCode.HELD if done.held else ExitCode.OK)


@app.command()
def plans(
    ctx: typer.Context,
    *,
    number: Annotated[
        int, typer.Option("-n", min=1, max=1_000_000, metavar="N", help="How many.")
    ] = 20,
    entity: Annotated[str | None, typer.Option(metavar="E", help="Only of this entity.")] = None,
    entity_type: EntityType = "user",
    status: Annotated[str | None, typer.Option(metavar="S", help="Only of this status.")] = None,
    as_json: Json = False,
) -> None:
    """List the last plans, newest last: consolidations, imports and undos."""
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
        found = list_plans(connection, limit=number, entity=whose, status=status)
    if as_json:
        session.out.json([plan_line_document(plan) for plan in found])
    else:
        session.out.table(plans_table(found))


@app.command()
def diff(ctx: typer.Context, plan: PlanId, *, as_json: Json = False) -> None:
    """Show what a plan did or, if it is held, would do."""
    from llm_maint.console.diff import plan_lines
    from llm_maint.console.documents import stored_plan_document
    from llm_maint.domain.plan_document import read_plan
    from llm_maint.store.plans import find_plan

    session = session_of(ctx)
    with session.opened() as opened, opened.database.read() as connection:
        found = find_plan(connection, plan)
    if as_json:
        session.out.json(stored_plan_document(found))
    elif found.document:
        session.out.lines(plan_lines(read_plan(found.document)))
    else:
        session.out.say(
            f"plan {found.id[:8]} is an {found.kind} of {found.entity} ({found.status})"
        )


@app.command()
def apply(ctx: typer.Context, plan: PlanId, *, as_json: Json = False) -> None:
    """Apply a plan that is held for review."""
    from llm_maint.applying import apply_held
    from llm_maint.store.plans import find_plan

    session = session_of(ctx)
    with session.opened() as opened:
        with opened.database.read() as connection:
            found = find_plan(connection, plan)
        done = apply_held(opened.context(), found)
    _print(session, done, dry_run=False, uses_model=True, as_json=as_json)


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
    """Put back every row that a plan changed, as it was. An undo can itself be undone."""
    from llm_maint.applying import occasion_for
    from llm_maint.store import undo

    session = session_of(ctx)
    with session.opened() as opened:
        occasion = occasion_for(opened.context())
        undone = undo.undo_plan(opened.database, plan, occasion, force=force, dry_run=dry_run)
    for row_id, columns in undone.altered.items():
        names = ", ".join(columns)
        log.warning("row %s: the database itself set %s (a trigger?)", row_id, names)
    if as_json:
        session.out.json(
            {
                "plan_id": None if dry_run else undone.plan_id,
                "reverts": undone.reverts,
                "entity_id": undone.entity.id,
                "entity_type": undone.entity.type,
                "row_ids": undone.row_ids,
                "altered_by_database": undone.altered,
                "dry_run": dry_run,
            }
        )
        return
    rows = f"{len(undone.row_ids)} row{'s' * (len(undone.row_ids) != 1)} of {undone.entity}"
    if dry_run:
        session.out.say(f"dry run: {rows} would be put back")
    else:
        again = f"llm-maint profile undo {undone.plan_id[:8]}"
        session.out.say(f"{rows} put back; to undo that: {again}")


def _print(
    session: Session, done: "Consolidation", *, dry_run: bool, uses_model: bool, as_json: bool
) -> None:
    from llm_maint.console.diff import consolidation_lines
    from llm_maint.domain.consolidation import report

    if as_json:
        session.out.json(report(done, dry_run=dry_run))
    else:
        session.out.lines(consolidation_lines(done, dry_run=dry_run, uses_model=uses_model))


def _check_writable(path: Path) -> None:
    """Refuse a place that a plan cannot be written to, before anything is done."""
    try:
        path.open("a").close()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _write_plan(done: "Consolidation", path: Path) -> None:
    import json

    from llm_maint.domain.plan_document import saved_document

    try:
        path.write_text(json.dumps(saved_document(done.plan), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
