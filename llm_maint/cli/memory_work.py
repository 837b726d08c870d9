"""What `llm-maint memory` does: consolidate, review, restore."""

import typer

from llm_maint.cli.consolidate import show_consolidation
from llm_maint.cli.memory import BotId, bot_of
from llm_maint.cli.session import DryRun, Json, leave, session_of
from llm_maint.errors import ExitCode

app = typer.Typer()


@app.command()
def consolidate(
    ctx: typer.Context, *, bot: BotId, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Merge memories that state one fact; with --dry-run, show the plan.

    Only what looks alike is shown to the model, which groups; code decides. Without a model, only
    exact duplicates are folded. Example: llm-maint memory consolidate --bot nova --dry-run
    """
    from llm_maint.domain.consolidation import failed_report, report
    from llm_maint.recalling import meter_of, recall
    from llm_maint.rounds import Round

    session = session_of(ctx)
    with session.opened() as opened:
        entity = bot_of(opened, bot)
        uses_model = opened.settings.llm.uses_model
        meter = meter_of(opened.settings)
        with session.out.progressing(f"consolidating the memories of {entity}") as progress:
            context = opened.context(dry_run=dry_run, progress=progress)
            recalled = recall(Round(context, meter), entity)
    wrong = next(iter(recalled.wrong), None)
    if recalled.done:
        done = recalled.whole
        if as_json and wrong is not None:
            session.out.json({**report(done, dry_run=dry_run), "error": str(wrong)})
        else:
            show_consolidation(
                session, done, dry_run=dry_run, uses_model=uses_model, as_json=as_json
            )
    elif as_json and wrong is not None:
        session.out.json(failed_report(entity, wrong, spent=meter.spent, dry_run=dry_run))
    if wrong is not None:
        raise wrong
    leave(ExitCode.HELD if done.held else ExitCode.OK)
