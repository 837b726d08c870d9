"""Runs as they come, on a terminal: lines that stay aligned for hours, whatever its width."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date

from llm_maint.console.output import Line
from llm_maint.console.tables import outcome, took
from llm_maint.domain.run_facts import facts_of
from llm_maint.domain.runs import Run, Status, moment_of
from llm_maint.domain.visible import visible

ROOMY, NARROW = 100, 60
"""Columns of a terminal from which on ids are shown, and below which the time a run took is not."""

LEAST_NAME, MOST_NAME = 8, 28


@dataclass(slots=True)
class RunLog:
    """Lays out runs; `names` is how wide the longest name of a job is, `day` the last one told."""

    names: int
    day: date | None = None

    def heading(self, width: int) -> Line:
        """Return what the columns hold, for a terminal so wide."""
        return Line(self._row("TIME", "RUN", "JOB", "STATUS", "TOOK", "WHAT", width=width), "dim")

    def lines(self, runs: Iterable[Run], width: int) -> Iterator[Line]:
        """Yield a line for each run, as it began or as it ended, and one for each new day."""
        for run in runs:
            moment = moment_of(run).astimezone(UTC)
            if self.day is None or moment.date() > self.day:
                self.day = moment.date()
                yield Line(f"-- {self.day:%a %Y-%m-%d}, UTC --", "bold")
            text = self._row(
                f"{moment:%H:%M:%SZ}",
                run.id[:8],
                run.job_name,
                "begun" if run.status == Status.RUNNING else run.status,
                took(run.duration_ms),
                _what(run),
                width=width,
            )
            yield Line(text, _STYLES.get(run.status, ""))

    def _row(
        self, time: str, run: str, job: str, status: str, took: str, what: str, *, width: int
    ) -> str:
        names = min(max(LEAST_NAME, self.names), MOST_NAME, max(LEAST_NAME, width // 4))
        cells = [
            f"{time:<9}",
            *([f"{run:<8}"] if width >= ROOMY else []),
            fitted(visible(job), names),
            fitted(visible(status), 11),
            *([f"{took:>9}"] if width >= NARROW else []),
        ]
        text = "  ".join([*cells, " ".join(visible(what).split())])
        return fitted(text, width).rstrip()


_STYLES: dict[str, str] = {
    Status.FAILED: "red",
    Status.ABANDONED: "red",
    Status.SKIPPED: "yellow",
    Status.INTERRUPTED: "yellow",
    Status.RUNNING: "dim",
    Status.PENDING: "dim",
}


def cells_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    from rich.cells import cell_len

    return cell_len(visible(text))


def fitted(text: str, width: int) -> str:
    """Return a text as wide as that: with spaces after it, or cut."""
    from rich.cells import set_cell_size

    if cells_of(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(f"{set_cell_size(text, width - 1).rstrip()}…", width)


def _what(run: Run) -> str:
    """Return what came of a run, and what it took of the model."""
    tokens = facts_of(run).tokens
    told = outcome(run)
    return f"{told}, {tokens:,} tokens" if tokens and told and not run.error_message else told
