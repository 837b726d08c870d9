"""`llm-maint db`: the schema version, and upgrading it."""

import typer

from llm_maint.bootstrap import root
from llm_maint.cli.session import Json, leave, session_of
from llm_maint.errors import ExitCode

app = typer.Typer(
    help="The database: its schema version, and upgrading it.\n\nExample: llm-maint db status",
    no_args_is_help=True,
)


@app.command()
def status(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Show which schema version the database has; exit 78 where it is not this version's.

    Example: llm-maint db status
    """
    from llm_maint.store.schema import LATEST

    session = session_of(ctx)
    database = root.open_database(session.loaded().settings)
    try:
        found = database.version()
    finally:
        database.close()
    document = {
        "database": database.place,
        "schema_version": found,
        "latest_version": LATEST,
        "up_to_date": found == LATEST,
    }
    if as_json:
        session.out.json(document)
    elif found is None:
        session.out.raw(f"{database.place}: no tables of llm-maint; next: llm-maint init")
    elif found < LATEST:
        session.out.raw(
            f"{database.place}: schema version {found} of {LATEST}; next: llm-maint db upgrade"
        )
    elif found > LATEST:
        session.out.raw(f"{database.place}: schema version {found}, newer than {LATEST}")
    else:
        session.out.raw(f"{database.place}: schema version {found}, up to date")
    leave(ExitCode.OK if found == LATEST else ExitCode.CONFIGURATION)


@app.command()
def upgrade(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Apply the migrations that are missing, all or none.

    Example: llm-maint db upgrade
    """
    session = session_of(ctx)
    database = root.open_database(session.loaded().settings)
    try:
        before, after = database.upgrade(now=root.host_time())
    finally:
        database.close()
    if as_json:
        session.out.json({"database": database.place, "before": before, "after": after})
    elif before == after:
        session.out.say(f"{database.place}: schema version {after}, up to date")
    else:
        session.out.say(f"{database.place}: upgraded from schema version {before} to {after}")
