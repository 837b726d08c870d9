"""How plans are named and chosen, wherever a command is about them."""

from typing import Annotated

import typer

from llm_maint.cli import completing

PlanName = Annotated[
    str,
    typer.Argument(
        metavar="PLAN|FILE",
        help="Its id, a start of it, or a file.",
        autocompletion=completing.plans(),
    ),
]
PlanId = Annotated[
    str,
    typer.Argument(
        metavar="PLAN",
        help="Its id or the start of it.",
        autocompletion=completing.plans(status="applied"),
    ),
]

HeldPlan = Annotated[
    str | None,
    typer.Argument(
        metavar="PLAN|FILE",
        help="Its id, a start of it, or a file.",
        autocompletion=completing.plans(status="held"),
    ),
]

PlanStatus = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="S",
        help="Only of this status: applied, held, undone or outdated.",
        autocompletion=completing.plan_statuses,
    ),
]
Number = Annotated[
    int, typer.Option("-n", min=1, max=1_000_000, metavar="N", help="Only the last N.")
]
