"""Results as markdown: one line for a model and a size, the worst of its sets."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from harness import Result
from models import MODELS, WATCHED

Pick = Callable[[Iterable[Any]], Any]

COLUMNS: Mapping[str, tuple[str, Pick]] = {
    "retention": ("fact_retention", min),
    "merge recall": ("merge_recall", min),
    "merge precision": ("merge_precision", min),
    "updates resolved": ("update_resolved_strict", min),
    "noise removed": ("noise_removed", min),
    "protected broken": ("protected_broken", max),
    "keep-apart merged": ("keep_apart_violations", max),
    "unaccounted": ("unaccounted", max),
    "unsourced": ("unsourced_written", max),
    "tokens before": ("tokens_before", mean),
    "tokens after": ("tokens_after", mean),
}
"""What is shown: the metric, and which of several sets' values."""


def table(results: Iterable[Result]) -> str:
    """Return the tables of models and sizes, one for profiles and one for memories."""
    return _by_title(results, _table)


def summary(results: Iterable[Result]) -> str:
    """Return the tables with one line for each kind of model: of hostile ones, the worst."""
    return _by_title(results, _summary)


def _by_title(results: Iterable[Result], shown_as: Callable[[Iterable[Result]], str]) -> str:
    found: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[result.title].append(result)
    return "\n".join(f"{title}:\n\n{shown_as(some)}" for title, some in found.items())


def _table(results: Iterable[Result]) -> str:
    found: defaultdict[tuple[str, int], list[Result]] = defaultdict(list)
    for result in results:
        found[result.model, result.metrics["rows_in"]].append(result)
    head = ["model", "rows", *COLUMNS, "calls", "prompt tokens", "held", "idle again"]
    return markdown(head, [_line(model, size, some) for (model, size), some in found.items()])


def _summary(results: Iterable[Result]) -> str:
    found: defaultdict[tuple[str, int], list[Result]] = defaultdict(list)
    for result in results:
        simulated = MODELS.get(result.model)
        kind = simulated.target if simulated else result.model
        if kind != WATCHED and result.metrics["fact_retention"] is not None:
            found[kind, result.metrics["rows_in"]].append(result)
    lines = [_line(kind, size, some)[: len(COLUMNS) + 3] for (kind, size), some in found.items()]
    return markdown(["model", "rows", *COLUMNS, "calls"], lines)


def markdown(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """Return a table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(shown, row))} |" for row in rows) + "\n"


def shown(value: Any) -> str:  # noqa: ANN401 whatever a metric is
    """Return a value as a cell shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)


def verdicts(results: Iterable[Result]) -> str:
    """Return per model whether its targets hold, and where they do not."""
    failed: dict[str, list[str]] = {}
    for result in results:
        lines = failed.setdefault(result.model, [])
        lines += [f"  {result.set}: {why}" for why in result.failed]
    return "\n".join(
        "\n".join([f"{model}: {'FAIL' if lines else 'pass'}", *lines])
        for model, lines in failed.items()
    )


def _line(model: str, size: int, results: Sequence[Result]) -> list[Any]:
    cells: list[Any] = [model, size]
    for name, pick in COLUMNS.values():
        values = [r.metrics[name] for r in results if r.metrics[name] is not None]
        value = pick(values) if values else None
        cells.append(round(value) if pick is mean and value is not None else value)
    cells += [round(mean(r.calls for r in results)), round(mean(r.prompt_tokens for r in results))]
    idle = [r.idle for r in results if r.idle is not None]
    held = sum(r.held for r in results)
    return [*cells, f"{held} of {len(results)}", all(idle) if idle else None]
