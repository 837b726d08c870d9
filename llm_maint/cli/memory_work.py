"""What `llm-maint memory` does: consolidate, tag what recurs, let fade, restore."""

from typing import TYPE_CHECKING, Annotated

import typer

from llm_maint.bootstrap.opening import Opened
from llm_maint.cli import completing
from llm_maint.cli.consolidate import PlanOut, show_consolidation, write_plan
from llm_maint.cli.memory import BotId, bot_of, bot_once_known
from llm_maint.cli.plans import tell_altered
from llm_maint.cli.private_file import check_writable
from llm_maint.cli.session import DryRun, Json, leave, session_of
from llm_maint.errors import ExitCode, MaintError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llm_maint.store.undo import Undone

app = typer.Typer()

Plan = Annotated[
    str | None,
    typer.Argument(
        metavar="PLAN",
        help="Its id or the start of it; else all that faded.",
        autocompletion=completing.plans(status="applied"),
    ),
]


@app.command()
def consolidate(
    ctx: typer.Context,
    *,
    bot: BotId,
    dry_run: DryRun = False,
    plan_out: PlanOut = None,
    as_json: Json = False,
) -> None:
    """Merge memories that state one fact; with --dry-run, show the plan.

    Only what looks alike is shown to the model, which groups; code decides. Without a model, only
    exact duplicates are folded.

    Example: llm-maint memory consolidate --bot nova --dry-run
    """
    from llm_maint.domain.consolidation import failed_report, report
    from llm_maint.recalling import meter_of, recall
    from llm_maint.rounds import Round

    session = session_of(ctx)
    if plan_out is not None:
        check_writable(plan_out)
    with session.opened() as opened:
        entity = bot_of(opened, bot)
        uses_model = opened.settings.llm.uses_model
        meter = meter_of(opened.settings)
        with session.out.progressing(f"consolidating the memories of {entity}") as progress:
            context = opened.context(dry_run=dry_run, progress=progress)
            recalled = recall(Round(context, meter), entity)
    wrong = recalled.error
    if recalled.done:
        done = recalled.whole
        if plan_out is not None:
            write_plan(done, plan_out)
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


@app.command()
def recurrence(
    ctx: typer.Context, *, bot: BotId, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Tag memories whose theme recurs, and take the tag off where it holds no longer.

    Example: llm-maint memory recurrence --bot nova --dry-run
    """
    from llm_maint.console.memories import recurrence_lines
    from llm_maint.recurring import tag_recurring

    session = session_of(ctx)
    with session.opened() as opened:
        entity = bot_of(opened, bot)
        with session.out.progressing(f"looking for themes of {entity}"):
            line = tag_recurring(opened.context(dry_run=dry_run), entity)
    if as_json:
        session.out.json({**line, "dry_run": dry_run})
    else:
        session.out.lines(recurrence_lines(line, dry_run=dry_run))


@app.command()
def decay(
    ctx: typer.Context, *, bot: BotId, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Report which memories have faded and, where memory.prune is set, prune them.

    Example: llm-maint memory decay --bot nova --dry-run
    """
    from llm_maint.console.memories import decay_lines
    from llm_maint.fading import fade
    from llm_maint.store.memories import memories_of

    session = session_of(ctx)
    with session.opened() as opened:
        entity = bot_of(opened, bot)
        texts: dict[str, str] = {}
        if not as_json:  # before any of them goes
            with opened.database.read() as connection:
                texts = {memory.id: memory.content for memory in memories_of(connection, entity)}
        with session.out.progressing(f"looking for what has faded of {entity}"):
            line = fade(opened.context(dry_run=dry_run), entity)
    if as_json:
        session.out.json({**line, "dry_run": dry_run})
    else:
        session.out.lines(decay_lines(line, texts, dry_run=dry_run, brief=session.out.terminal))


@app.command()
def restore(
    ctx: typer.Context,
    plan: Plan = None,
    *,
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot", metavar="B", help="Whose faded memories.", autocompletion=completing.bots
        ),
    ] = None,
    dry_run: DryRun = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where rows were edited since.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring back memories that faded or, of a plan, undo whatever it did to memories.

    What is brought back after it had faded is pinned, and so does not fade again.

    Example: llm-maint memory restore --bot nova --dry-run
    """
    from llm_maint.console.documents import undone_document

    if plan is None and bot is None:
        raise UsageError("what is to come back? name a PLAN, or --bot for all that faded")
    session = session_of(ctx)
    with session.opened() as opened:
        wanted = _plans_to_undo(opened, plan, bot)
        done, wrong = _undone(opened, wanted, force=force, dry_run=dry_run)
    if wrong is not None and not done:
        raise wrong
    if as_json:
        documents = [undone_document(each, dry_run=dry_run) for each in done]
        session.out.json(documents[0] if plan is not None else documents)
    elif not done:
        session.out.say(f"{bot}: nothing has faded that could be put back")
    for undone in done:
        tell_altered(undone)
        if not as_json:
            session.out.say(_put_back(undone, dry_run=dry_run))
    if wrong is not None:
        raise wrong


def _undone(
    opened: Opened, plans: "Iterable[str]", *, force: bool, dry_run: bool
) -> "tuple[list[Undone], MaintError | None]":
    """Undo plans one after the other; return what was done, and what ended it."""
    from llm_maint.applying import occasion_for
    from llm_maint.store.undo import undo_plan

    occasion, done = occasion_for(opened.context()), []
    for each in plans:
        try:
            done.append(undo_plan(opened.database, each, occasion, force=force, dry_run=dry_run))
        except MaintError as error:
            return done, error
    return done, None


def _put_back(undone: "Undone", *, dry_run: bool) -> str:
    many = "memory" if len(undone.row_ids) == 1 else "memories"
    rows = f"{len(undone.row_ids):,} {many} of {undone.entity}"
    again = f"put back; to undo that: llm-maint memory restore {undone.plan_id[:8]}"
    return f"dry run: {rows} would be put back" if dry_run else f"{rows} {again}"


def _plans_to_undo(opened: Opened, plan: str | None, bot: str | None) -> list[str]:
    """Return the plan that is named or, newest first, all that pruned what has faded of a bot."""
    from llm_maint.store.plans import APPLIED, DECAY, find_plan, list_plans

    with opened.database.read() as connection:
        # All of a bot's memories may be gone, so that nobody knows it.
        entity = None if bot is None else bot_once_known(connection, bot)
        if plan is not None:
            found = find_plan(connection, plan)
            if not found.entity.has_memories or entity not in (None, found.entity):
                raise UsageError(f"plan {found.id[:8]} is not about memories of {bot or 'a bot'}")
            return [found.id]
        pruned = list_plans(connection, limit=None, entity=entity, status=APPLIED, kind=DECAY)
    return [each.id for each in reversed(pruned)]
