"""`llm-maint profile consolidate`: plan one profile, show the plan, apply it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint.cli.private_file import check_writable, write_private
from llm_maint.cli.profile import EntityId, EntityType
from llm_maint.cli.session import DryRun, Json, Session, leave, session_of
from llm_maint.domain.entity import Entity
from llm_maint.errors import ExitCode, MaintError

if TYPE_CHECKING:
    from llm_maint.domain.consolidation import Consolidation

app = typer.Typer()

PlanOut = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Also write the plan to a file.")
]


@app.command()
def consolidate(
    ctx: typer.Context,
    *,
    entity: EntityId,
    entity_type: EntityType = "user",
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    as_json: Json = False,
) -> None:
    """Plan the consolidation of one profile and apply it; with --dry-run, show the plan.

    Example: llm-maint profile consolidate --entity nick --dry-run
    """
    from llm_maint.domain.consolidation import failed_report
    from llm_maint.rounds import consolidate as consolidated
    from llm_maint.rounds import meter_of
    from llm_maint.store.profiles import known_entity

    session = session_of(ctx)
    if plan_out is not None:
        check_writable(plan_out)
    with session.opened() as opened:
        with opened.database.read() as connection:
            whose = known_entity(connection, Entity.named(entity, entity_type))
        uses_model = opened.settings.llm.uses_model
        meter = meter_of(opened.settings)
        try:
            with session.out.progressing(f"consolidating {whose}") as progress:
                context = opened.context(dry_run=dry_run, progress=progress)
                done = consolidated(context, whose, meter)
        except MaintError as error:
            if as_json:
                failed = failed_report(whose, error, spent=meter.spent, dry_run=dry_run)
                session.out.json(failed)
            raise
    if plan_out is not None:
        write_plan(done, plan_out)
    show_consolidation(session, done, dry_run=dry_run, uses_model=uses_model, as_json=as_json)
    leave(ExitCode.HELD if done.held else ExitCode.OK)


def show_consolidation(
    session: Session, done: "Consolidation", *, dry_run: bool, uses_model: bool, as_json: bool
) -> None:
    """Print what a consolidation did, or would do."""
    from llm_maint.console.diff import consolidation_lines
    from llm_maint.domain.consolidation import report

    if as_json:
        session.out.json(report(done, dry_run=dry_run))
    else:
        brief = session.out.terminal
        lines = consolidation_lines(done, dry_run=dry_run, uses_model=uses_model, brief=brief)
        session.out.lines(lines)


def write_plan(done: "Consolidation", path: Path) -> None:
    """Write a plan to a file: it holds the whole profile."""
    from llm_maint.domain.plan_document import saved_document

    write_private(path, json.dumps(saved_document(done.plan), indent=2) + "\n")
