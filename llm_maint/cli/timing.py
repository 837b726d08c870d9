"""The options that say when a job runs, and what they make of its timing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_maint.cli import completing
from llm_maint.errors import UsageError

if TYPE_CHECKING:
    from llm_maint.domain.firing import Misfire, Timing
    from llm_maint.domain.schedule import Schedule

Every = Annotated[str | None, typer.Option(metavar="60m", help="How often: 60m, 2h, 1d.")]
Cron = Annotated[
    str | None,
    typer.Option(metavar="'0 4 * * *'", help="At the times of a cron expression instead."),
]
Zone = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        help="Of --cron, as Europe/Berlin. [default: UTC]",
        autocompletion=completing.zones,
    ),
]
Priority = Annotated[
    int | None,
    typer.Option(
        min=-1_000_000,
        max=1_000_000,
        metavar="N",
        help="Of what is due, the higher comes first. [default: 0]",
    ),
]
MisfireOption = Annotated[
    str | None,
    typer.Option(
        "--misfire",
        metavar="latest|all|skip",
        help="What was missed while nothing ticked runs once (latest, the default), each (all), or "
        "not (skip).",
        autocompletion=completing.misfires,
    ),
]
Grace = Annotated[
    str | None,
    typer.Option(
        metavar="10m", help="What was missed by more is not made up for; none = no such bound."
    ),
]
Jitter = Annotated[
    str | None, typer.Option(metavar="30s", help="Spread the runs over so long after their times.")
]
Timeout = Annotated[
    str | None,
    typer.Option(metavar="2h", help="How long a run may take; 0 = for ever, none = the default."),
]


def timing_of(before: "Timing | None", options: Mapping[str, Any]) -> "Timing":
    """Return a timing with what the options of a command change.

    Args:
        before: what holds where an option is not given; None for a new job, by default hourly.
        options: every, cron, timezone, priority, misfire, grace, jitter, timeout -> their texts.

    Raises:
        UsageError: they contradict each other, or one of them is not what it should be.

    """
    from llm_maint.domain import schedule
    from llm_maint.domain.firing import Timing

    before = before or Timing(schedule=schedule.Every(timedelta(hours=1)))
    given = {name: text for name, text in options.items() if text is not None}
    changes: dict[str, Any] = {
        name: _duration(f"--{name}", given[name])
        for name in ("grace", "jitter", "timeout")
        if name in given
    }
    if "jitter" in changes:
        changes["jitter"] = changes["jitter"] or timedelta(0)
    if "priority" in given:
        changes["priority"] = given["priority"]
    if "misfire" in given:
        changes["misfire"] = _misfire(given["misfire"])
    when = (given.get("every"), given.get("cron"), given.get("timezone"))
    return replace(before, schedule=_schedule(before.schedule, *when), **changes)


def _schedule(
    before: "Schedule", every: str | None, cron: str | None, zone: str | None
) -> "Schedule":
    from llm_maint.domain import schedule

    if every is not None and cron is not None:
        raise UsageError("--every and --cron exclude each other: give one of them")
    if every is not None:
        if zone is not None:
            raise UsageError("--timezone belongs to --cron")
        return schedule.Every(schedule.parse_interval(every))
    of_cron = before if isinstance(before, schedule.Cron) else None
    if cron is None and zone is None:
        return before
    if cron is None and of_cron is None:
        raise UsageError("--timezone belongs to --cron")
    expression = cron if cron is not None else of_cron.expression if of_cron else ""
    return schedule.Cron.parse(expression, zone or (of_cron.zone if of_cron else "UTC"))


def _misfire(text: str) -> "Misfire":
    from llm_maint.domain.firing import Misfire
    from llm_maint.domain.nearest import unknown

    if text not in list(Misfire):
        raise unknown("--misfire", text, Misfire)
    return Misfire(text)


def _duration(option: str, text: str) -> timedelta | None:
    from llm_maint.domain.schedule import parse_duration

    if text.strip().lower() == "none":
        return None
    try:
        return parse_duration(text)
    except UsageError as error:
        raise UsageError(f"{option} {text!r} is no duration: write 30s, 10m or 2h") from error
