"""Jobs as `status` shows them: aligned columns that give way as a terminal becomes narrow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from llm_maint.console.cells import cells, cut
from llm_maint.console.glyphs import Glyphs
from llm_maint.console.output import Line
from llm_maint.domain.firing import in_words
from llm_maint.domain.spans import span
from llm_maint.domain.visible import visible
from llm_maint.domain.vitals import JobState

GAP = "  "
LEAST_RUNS = 9
"""Of the last runs, so many at least: what is worth less goes first, then the ends of names."""

LEAST_NAME = 14
NAME, EVERY, NEXT, SUCCESS, FAILED, RUNS = HEADERS = (
    *("JOB", "EVERY", "NEXT", "SUCCESS", "FAILED", "LAST RUNS"),
)
FIRST_TO_GO = (EVERY, SUCCESS, FAILED)

LONGEST = timedelta(days=100 * 365)
"""What is due later is never due."""


def job_grid(
    jobs: Sequence[JobState],
    last_runs: Mapping[str, Sequence[str]],
    *,
    now: datetime,
    patience: timedelta,
    glyphs: Glyphs,
    columns: int | None,
) -> list[list[Line]]:
    """Return a line of headers and one for each job, in pieces of their own style.

    `FAILED` is how often in a row, and there only if a job did.

    Args:
        jobs: in their order.
        last_runs: statuses, oldest first, by the id of a job.
        now: the present.
        patience: how late a job may be.
        glyphs: the signs for runs.
        columns: of the terminal; None where nothing needs to give way.

    """
    rows = [_cells(job, now=now, patience=patience) for job in jobs]
    runs = [last_runs.get(job.id, ()) for job in jobs]
    layout = _layout(rows, longest=max(map(len, runs), default=0), columns=columns)
    lines = [
        layout.line({name: Line(name, "dim") for name in HEADERS}, [Line(RUNS, "dim")], glyphs)
    ]
    for row, statuses in zip(rows, runs, strict=True):
        newest = statuses[len(statuses) - min(len(statuses), layout.runs) :]
        lines.append(layout.line(row, glyphs.runs(newest), glyphs))
    return lines


_Row = Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns before the last runs by their widths, and how many runs there is room for."""

    widths: Mapping[str, int]
    runs: int

    def line(self, row: _Row, runs: Sequence[Line], glyphs: Glyphs) -> list[Line]:
        pieces = [
            Line(_padded(cut(row[name].text, width, ellipsis=glyphs.ellipsis), width) + GAP, style)
            for name, width in self.widths.items()
            for style in (row[name].style,)
        ]
        if self.runs and runs:
            return [*pieces, *runs]
        return [*pieces[:-1], Line(pieces[-1].text.rstrip(), pieces[-1].style)]


def _layout(rows: Sequence[_Row], *, longest: int, columns: int | None) -> _Layout:
    widths = {
        name: max(cells(name), *(cells(row[name].text) for row in rows))
        for name in HEADERS[:-1]
        if name != FAILED or any(row[FAILED].text for row in rows)
    }
    wanted = max(longest, len(RUNS))
    if columns is None:
        return _Layout(widths, wanted)
    least = min(wanted, LEAST_RUNS)
    for name in FIRST_TO_GO:
        if _taken(widths) + least > columns:
            widths.pop(name, None)
    over = _taken(widths) + least - columns
    if widths[NAME] - over >= LEAST_NAME:
        return _Layout(
            _narrowed(widths, over), min(wanted, columns - _taken(widths) + max(over, 0))
        )
    return _Layout(_narrowed(widths, over - least - len(GAP)), 0)


def _narrowed(widths: Mapping[str, int], over: int) -> Mapping[str, int]:
    """Return the columns with names that give way by so many cells, if any."""
    return {**widths, NAME: max(widths[NAME] - max(over, 0), LEAST_NAME)}


def _taken(widths: Mapping[str, int]) -> int:
    return sum(width + len(GAP) for width in widths.values())


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _cells(job: JobState, *, now: datetime, patience: timedelta) -> _Row:
    succeeded = job.last_success_at
    never = job.enabled and job.last_run_at is not None
    return {
        NAME: Line(visible(job.name), "" if job.enabled else "dim"),
        EVERY: Line("" if job.schedule is None else visible(in_words(job.schedule))),
        NEXT: _next(job, now=now, patience=patience),
        SUCCESS: Line(f"{span(now - succeeded)} ago")
        if succeeded
        else Line("never", "yellow" if never else "dim"),
        FAILED: Line(f"{job.consecutive_failures:,}", "red")
        if job.consecutive_failures
        else Line(""),
    }


def _next(job: JobState, *, now: datetime, patience: timedelta) -> Line:
    if job.is_running(now=now):
        return Line("running", "cyan")
    if job.is_claimed:
        return Line("stuck", "yellow")
    if not job.enabled:
        return Line("off", "dim")
    if job.overdue(now=now) > patience:
        return Line(f"{span(job.overdue(now=now))} late", "yellow")
    if job.due_at is None or job.due_at <= now:
        return Line("due now")
    return Line("never" if job.due_at - now > LONGEST else f"in {span(job.due_at - now)}")
