"""`llm-maint config`: settings with their origin, and changing them in the file."""

from typing import Annotated

import typer

from llm_maint.bootstrap import root
from llm_maint.cli import completing
from llm_maint.cli.session import Json, session_of
from llm_maint.console.output import Table
from llm_maint.settings.sources import without_password

app = typer.Typer(
    help="Settings: where they come from, and changing them.\n\nExample: llm-maint config show",
    no_args_is_help=True,
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="SETTING", help="As in llm.base_url.", autocompletion=completing.settings
    ),
]


@app.command()
def path(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Print which file is read, or would be written.

    Example: llm-maint config path
    """
    session = session_of(ctx)
    file = root.config_to_write(session.config)
    if as_json:
        session.out.json({"path": str(file), "exists": file.exists()})
    else:
        session.out.raw(str(file))


@app.command()
def show(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Show all settings with their origin; secrets stay hidden.

    Example: llm-maint config show
    """
    from llm_maint.settings.loading import KEYS

    session = session_of(ctx)
    loaded = session.loaded()
    shown = {name: (loaded.shown(name), loaded.origins[name]) for name in KEYS}
    if as_json:
        session.out.json(
            {name: {"value": value, "origin": origin} for name, (value, origin) in shown.items()}
        )
    else:
        rows = [(name, _text(value), origin) for name, (value, origin) in shown.items()]
        session.out.table(Table(("SETTING", "VALUE", "FROM"), rows))


@app.command()
def get(ctx: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Print one setting's value.

    Example: llm-maint config get llm.base_url
    """
    from llm_maint.settings.loading import known_key

    session = session_of(ctx)
    known_key(name)
    loaded = session.loaded()
    value = loaded.shown(name)
    if as_json:
        session.out.json({"name": name, "value": value, "origin": loaded.origins[name]})
    else:
        session.out.raw(_text(value))


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="Lists are separated by commas.",
            autocompletion=completing.setting_values,
        ),
    ],
    *,
    as_json: Json = False,
) -> None:
    """Change one setting in the file; comments and the other settings stay.

    Example: llm-maint config set llm.base_url http://127.0.0.1:8080/v1
    """
    from llm_maint.settings.file import with_setting, write_private
    from llm_maint.settings.loading import known_key

    session = session_of(ctx)
    file = root.config_to_write(session.config)
    write_private(file, with_setting(file, name, value))
    if as_json:
        session.out.json({"name": name, "file": str(file)})
        return
    shown = "" if known_key(name).secret else f" = {without_password(value)}"
    session.out.say(f"{file}: {name}{shown}")


@app.command()
def check(ctx: typer.Context, *, as_json: Json = False) -> None:
    """Check the settings from file and environment.

    Example: llm-maint config check
    """
    session = session_of(ctx)
    loaded = session.loaded()
    if as_json:
        session.out.json({"valid": True, "file": loaded.file and str(loaded.file)})
    else:
        session.out.raw(f"{loaded.file or 'no file, the defaults'}: valid")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
