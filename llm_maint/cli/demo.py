"""`llm-maint demo`."""

import typer


def demo(ctx: typer.Context) -> None:
    """Demo."""
