"""Which charts there are: runs, durations, tokens and sizes over time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from llm_maint.domain.entity import Entity
from llm_maint.report.amounts import compact, count, duration, shortened
from llm_maint.report.chart import (
    Chart,
    Series,
    Table,
    bars_of,
    stroke_of,
    ticks_across,
    ticks_up,
)
from llm_maint.report.scale import scale_of, scale_of_durations
from llm_maint.report.tally import DAY, HOUR, Tally, high, is_of_memories, middle

MOST_LINES = 8
"""Lines in one chart, and jobs with a chart: more are told apart by nobody."""

LONG_NAME = 40

LOW = 96
"""Pixels of a chart that is one of many."""

STATUSES = ("failed", "abandoned", "interrupted", "skipped", "success")
"""From the bottom to the top of a bar: what went wrong stands on the line, and is compared."""

OTHER = "other"


def runs_chart(tally: Tally) -> Chart:
    """Return how many runs there were, by status."""
    shown = [name for name in STATUSES if tally.statuses[name]]
    others = [name for name in tally.statuses if name not in STATUSES]
    columns = [
        [*(period.statuses[name] for name in shown), sum(period.statuses[n] for n in others)]
        for period in tally.periods
    ]
    names = [*shown, OTHER]
    told = {**{n: tally.statuses[n] for n in shown}, OTHER: sum(map(_of(tally), others))}
    return _stacked(tally, "Runs", "runs", names, columns, told)


def _of(tally: Tally) -> Callable[[str], int]:
    return lambda name: tally.statuses[name]


def tokens_chart(tally: Tally) -> Chart:
    """Return how many tokens were used, by direction."""
    columns = [[period.prompt_tokens, period.completion_tokens] for period in tally.periods]
    told = {"prompt": tally.prompt_tokens, "completion": tally.completion_tokens}
    return _stacked(tally, "Tokens", "tokens", list(told), columns, told)


def _stacked(
    tally: Tally,
    title: str,
    things: str,
    names: Sequence[str],
    columns: Sequence[Sequence[int]],
    told: dict[str, int],
) -> Chart:
    if not told[names[-1]] and len(names) > 1 and names[-1] == OTHER:
        names, columns = names[:-1], [column[:-1] for column in columns]
    sums = [sum(column) for column in columns]
    scale = scale_of(max(sums))
    labels = [label(period.start, tally) for period in tally.periods]
    hints = [
        f"{name}: {', '.join(f'{n} {count(v)}' for n, v in zip(names, column, strict=True) if v)}"
        for name, column in zip(labels, columns, strict=True)
    ]
    each = ", ".join(f"{count(told[name])} {name}" for name in names)
    most = f"At most {count(max(sums))} {per(tally)}."
    texts = [count(v) for v in map(int, scale.ticks)] if title == "Runs" else None
    return Chart(
        title=f"{title} {per(tally)}",
        told=most,
        described=f"{count(sum(sums))} {things}: {each}. {most}",
        up=ticks_up(scale, texts or [compact(value) for value in scale.ticks]),
        across=ticks_across([label(period.start, tally, brief=True) for period in tally.periods]),
        legend=[Series(name, name, count(told[name])) for name in names],
        bars=bars_of(names, columns, hints, scale),
        table=Table(
            headers=[period_name(tally), *names],
            rows=[
                [name, *map(count, column)] for name, column in zip(labels, columns, strict=True)
            ],
        ),
    )


def duration_charts(tally: Tally) -> list[Chart]:
    """Return how long the runs of each job took, of the jobs that ran most often."""
    jobs = [name for name, _ in tally.jobs.most_common() if tally.durations[name]]
    return [_durations(tally, name) for name in jobs[:MOST_LINES]]


def _durations(tally: Tally, job: str) -> Chart:
    found = [period.durations.get(job, []) for period in tally.periods]
    middles = [middle(each) if each else None for each in found]
    highs = [high(each) if each else None for each in found]
    scale = scale_of_durations([v for v in (*middles, *highs) if v is not None])
    every = tally.durations[job]
    told = [duration(middle(every)), duration(high(every))]
    described = (
        f"Half of the {count(len(every))} runs took up to {told[0]}, 95 of 100 up to {told[1]}, "
        f"the longest {duration(max(every))}."
    )
    lines = (("p95", "high", highs, told[1]), ("median", "middle", middles, told[0]))
    labels = [label(period.start, tally) for period in tally.periods]
    return Chart(
        title=shortened(job, LONG_NAME),
        told=f"{described} The scale is logarithmic." if scale.is_logarithmic else described,
        described=described,
        up=ticks_up(scale, [duration(value) for value in scale.ticks], height=LOW),
        across=ticks_across([label(p.start, tally, brief=True) for p in tally.periods]),
        legend=[Series(name, style, value) for name, style, _, value in reversed(lines)],
        strokes=[stroke_of(style, values, scale, height=LOW) for _, style, values, _ in lines],
        height=LOW,
        table=Table(
            headers=[period_name(tally), "runs", "median", "95th percentile", "longest"],
            rows=[
                [name, count(len(each)), *map(duration, (middle(each), high(each), max(each)))]
                for name, each in zip(labels, found, strict=True)
                if each
            ],
        ),
    )


def size_charts(tally: Tally) -> list[Chart]:
    """Return how many rows the largest entities had: profiles, and memories of bots."""
    sizes = tally.sizes()
    kinds = (("Rows of profiles", False), ("Memories of bots", True))
    return [
        _sizes(tally, title, {e: rows for e, rows in sizes.items() if is_of_memories(e) == are})
        for title, are in kinds
        if any(is_of_memories(entity) == are for entity in sizes)
    ]


def _sizes(tally: Tally, title: str, sizes: dict[Entity, list[int | None]]) -> Chart:
    ordered = sorted(sizes, key=lambda entity: (-(sizes[entity][-1] or 0), entity))
    shown, others = ordered[:MOST_LINES], ordered[MOST_LINES:]
    names, lines = [_named(each, ordered) for each in shown], [sizes[each] for each in shown]
    last = [count(rows[-1] or 0) for rows in lines]
    scale = scale_of(max(_known(lines)))
    beside = [_total(sizes[entity][n] for entity in others) for n in range(len(tally.periods))]
    together = [_total(rows[n] for rows in sizes.values()) for n in range(len(tally.periods))]
    told = f"{count(together[-1] or 0)} in all, of {count(len(sizes))} that runs dealt with."
    if others:
        told += f" {count(beside[-1] or 0)} of them belong to {count(len(others))} not drawn here."
    return Chart(
        title=title,
        told=told,
        described=f"{told} The largest: {', '.join(map(' '.join, zip(names, last, strict=True)))}.",
        up=ticks_up(scale, [compact(value) for value in scale.ticks]),
        across=ticks_across([label(p.start, tally, brief=True) for p in tally.periods]),
        legend=[
            Series(name, f"line{n}", rows)
            for n, (name, rows) in enumerate(zip(names, last, strict=True), 1)
        ],
        strokes=[stroke_of(f"line{n}", rows, scale) for n, rows in enumerate(lines, 1)][::-1],
        table=Table(
            headers=[period_name(tally), *names, *(["others"] if others else []), "all"],
            rows=[
                [
                    label(period.start, tally),
                    *map(_cell, (rows[number] for rows in lines)),
                    *([_cell(beside[number])] if others else []),
                    _cell(together[number]),
                ]
                for number, period in enumerate(tally.periods)
            ],
        ),
    )


def _named(entity: Entity, among: Iterable[Entity]) -> str:
    """Return the id of an entity, with its type where another has the same id."""
    name = shortened(entity.id, LONG_NAME)
    doubled = sum(other.id == entity.id for other in among) > 1
    return f"{name} ({entity.type})" if doubled else name


def _known(lines: Iterable[Sequence[int | None]]) -> list[int]:
    return [value for line in lines for value in line if value is not None]


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _cell(value: int | None) -> str:
    return "" if value is None else count(value)


def label(start: datetime, tally: Tally, *, brief: bool = False) -> str:
    """Return the name of a period, by its beginning; a `brief` one does without the year."""
    if tally.length == HOUR:
        if brief:
            return f"{start:%H:%M}" if start.hour else f"{start.day} {start:%b}"
        return f"{start:%Y-%m-%d %H:%M}"
    return f"{start.day} {start:%b}" if brief else f"{start:%Y-%m-%d}"


def per(tally: Tally) -> str:
    """Return how often the periods come."""
    return {HOUR: "an hour", DAY: "a day"}.get(tally.length, "a week")


def period_name(tally: Tally) -> str:
    """Return what the periods are called."""
    return {HOUR: "hour (UTC)", DAY: "day (UTC)"}.get(tally.length, "week from (UTC)")
