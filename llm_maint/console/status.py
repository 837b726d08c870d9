"""The essentials on one screen: health at the top, jobs, tokens and rows, the last failures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap

from llm_maint.console.cells import cells, cut, cut_start
from llm_maint.console.glyphs import LETTERS, PICTURES, Glyphs
from llm_maint.console.job_grid import job_grid
from llm_maint.console.output import Line
from llm_maint.domain.checkup import Check, State
from llm_maint.domain.overview import ROW_DAYS, TOKEN_DAYS, Overview
from llm_maint.domain.runs import Run
from llm_maint.domain.spans import span
from llm_maint.domain.visible import visible

MOST_JOBS, LEAST_JOBS = 12, 5
"""Jobs that are shown unless all are asked for, and those for which a terminal may scroll."""

LEAST_PLACE = 24
"""Cells in which it can still be seen which database it is; in less it has a line of its own."""

STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILURE: "red"}

Pieces = list[Line]
"""A line in pieces of different style."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where it is shown. Without a terminal nothing is cut: `columns` and `lines` are None."""

    columns: int | None
    lines: int | None
    pictures: bool

    @property
    def glyphs(self) -> Glyphs:
        """The signs that it has."""
        return PICTURES if self.pictures else LETTERS

    def cut(self, text: str, *, beside: int = 0) -> str:
        """Return a text as it fits beside so many cells."""
        if self.columns is None:
            return text
        return cut(text, max(self.columns - beside, 1), ellipsis=self.glyphs.ellipsis)


def status_lines(overview: Overview, screen: Screen, *, everything: bool = False) -> list[Pieces]:
    """Return the lines; `everything` is with what is fine, and all jobs."""
    above = [*_head(overview, screen), *_checks(overview, screen, everything=everything), []]
    totals = list(_totals(overview, screen))
    failures = [_failure(run, overview, screen) for run in overview.failures[:SOME]]
    others = len(above) + len(totals) + sum(map(len, failures))
    jobs = _jobs(overview, screen, most=len(overview.jobs) if everything else _room(screen, others))
    lines = None if everything else screen.lines
    while lines and len(failures) > 1 and others + len(jobs) >= lines:
        others -= len(failures.pop())
    return [*above, *jobs, *totals, *(line for failure in failures for line in failure)]


def _jobs(overview: Overview, screen: Screen, *, most: int) -> list[Pieces]:
    jobs = overview.jobs
    if not jobs:
        return []
    grid = job_grid(
        jobs[:most],
        overview.last_runs,
        now=overview.vitals.now,
        patience=overview.patience,
        glyphs=screen.glyphs,
        columns=screen.columns,
    )
    if len(jobs) > most:
        grid.append([Line(f"and {len(jobs) - most:,} more: llm-maint status -v", "dim")])
    return [*grid, []]


def _room(screen: Screen, others: int) -> int:
    """Return for how many jobs there is room, beside headers, what is left out, and a prompt."""
    if screen.lines is None:
        return MOST_JOBS
    return max(LEAST_JOBS, min(MOST_JOBS, screen.lines - others - 4))


def _head(overview: Overview, screen: Screen) -> Iterator[Pieces]:
    """Yield the state, the last tick, what is next and where the database is, on few lines."""
    glyphs, style = screen.glyphs, f"bold {STYLES[overview.state]}"
    facts = [Line(text) for text in _facts(overview)]
    pieces, taken = [Line(_state(overview), style)], cells(_state(overview))
    for fact in facts:
        more = cells(glyphs.separator) + cells(fact.text)
        if screen.columns is not None and taken + more > screen.columns:
            yield pieces
            pieces, taken = [fact], cells(fact.text)
        else:
            pieces, taken = [*pieces, Line(glyphs.separator, "dim"), fact], taken + more
    place = visible(overview.database)
    left = None if screen.columns is None else screen.columns - taken - cells(glyphs.separator)
    if left is not None and left < min(cells(place), LEAST_PLACE):
        yield pieces
        pieces, left = [], screen.columns
    else:
        pieces = [*pieces, Line(glyphs.separator, "dim")]
    fits = place if left is None else cut_start(place, left, ellipsis=glyphs.ellipsis)
    yield [*pieces, Line(fits, "dim")]


def _state(overview: Overview) -> str:
    counted = ((overview.count(s), s) for s in (State.FAILURE, State.WARNING))
    told = [f"{count} {state}{'s' if count > 1 else ''}" for count, state in counted if count]
    return ", ".join(told) or "healthy"


def _facts(overview: Overview) -> Iterator[str]:
    vitals = overview.vitals
    last, due = vitals.last_tick, vitals.next_due_at
    if last is None:
        yield "no tick yet"
    else:
        yield f"ticked {_ago(last.seen_at, vitals.now)} on {visible(last.host)}"
    if due is not None:
        yield "next due now" if due <= vitals.now else f"next due in {span(due - vitals.now)}"


def _checks(overview: Overview, screen: Screen, *, everything: bool) -> Iterator[Pieces]:
    """Yield what is not fine, the worst first, each with what mends it."""
    shown = [check for check in overview.checks if everything or check.state is not State.OK]
    for check in sorted(shown, key=lambda check: list(State)[::-1].index(check.state)):
        yield from _check(check, screen)


def _check(check: Check, screen: Screen) -> Iterator[Pieces]:
    found, style = visible(check.found), STYLES[check.state]
    mend = f"{screen.glyphs.arrow}{visible(check.mend)}" if check.mend else ""
    start = f"{check.state:<8} {check.name}: "
    if screen.columns is None:
        lines = [f"{start}{found}"]
    else:
        lines = wrap(f"{start}{found}", screen.columns, subsequent_indent=INDENT)
    for line in lines[:-1]:
        yield [Line(line, style)]
    last = Line(lines[-1], style)
    both = cells(last.text) + 1 + cells(mend)
    if mend and (screen.columns is None or both <= screen.columns):
        yield [last, Line(f" {mend}")]
        return
    yield [last]
    if mend:
        yield [Line(f"{INDENT}{mend}")]


INDENT = " " * 9
"""As far as a state reaches."""


def _totals(overview: Overview, screen: Screen) -> Iterator[Pieces]:
    """Yield tokens and rows of the last days, and the plans that are held."""
    tokens = [day.tokens for day in overview.tokens]
    if any(tokens):
        told = f"  {TOKEN_DAYS} days: {sum(tokens):,}, at most {max(tokens):,} a day"
        bars = Line(screen.glyphs.heights(tokens), "cyan")
        yield [Line("tokens   ", "dim"), bars, Line(screen.cut(told, beside=9 + len(tokens)))]
    else:
        yield _fact("tokens", f"{TOKEN_DAYS} days: none", screen)
    rows = sorted(overview.rows.items(), key=lambda each: (-each[1], each[0]))
    told = ", ".join(f"{count:,} {visible(effect)}" for effect, count in rows) or "none changed"
    yield _fact("rows", f"{ROW_DAYS} days: {told}", screen)
    if held := overview.vitals.held:
        ids = " ".join(f"{plan.id[:8]} ({visible(plan.entity)})" for plan in held[:SOME])
        more = f" and {len(held) - SOME:,} more" if len(held) > SOME else ""
        yield _fact("held", f"{ids}{more}", screen)


SOME = 3
"""Held plans and failures that are shown."""


def _fact(name: str, text: str, screen: Screen) -> Pieces:
    return [Line(f"{name:<9}", "dim"), Line(screen.cut(text, beside=9))]


def _failure(run: Run, overview: Overview, screen: Screen) -> list[Pieces]:
    """Return when a run failed, of which job, and why: on a line, or on two where that is short."""
    at = run.finished_at or run.started_at
    when = "" if at is None else f" {_ago(at, overview.vitals.now)}"
    who = screen.cut(f"{run.status}{when} {visible(run.job_name)}")
    why = visible(run.error_message or "no reason is recorded")
    if screen.columns is not None and screen.columns - cells(who) < LEAST_REASON:
        return [[Line(who, "red")], [Line(f"  {screen.cut(why, beside=2)}")]]
    return [[Line(who, "red"), Line(f": {screen.cut(why, beside=cells(who) + 2)}")]]


LEAST_REASON = 24
"""Cells in which a reason says something."""


def _ago(moment: datetime, now: datetime) -> str:
    return f"{span(now - moment)} ago"
