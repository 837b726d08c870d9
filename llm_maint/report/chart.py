"""Charts as places and lengths: bars and lines that a template draws as SVG.

Across, places are shares of whatever width there is; up, they are pixels. So a chart fits a phone
and a wide screen, and its texts keep their size on both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_maint.report.scale import Scale

HEIGHT = 160
"""Pixels of the drawing, without what is written below it."""

ACROSS = 1_000
"""Units that lines are drawn in from left to right."""

TOP = 8.0
"""Pixels above the drawing: half of a text that stands at its highest line."""

LEAST = 2.0
"""Pixels of the smallest part of a bar: one failure among a thousand runs must be seen."""

MOST_LABELS = 7


@dataclass(frozen=True, slots=True)
class Tick:
    """A round value at the edge; `spare` ones are left out where there is little room."""

    at: str
    text: str
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    style: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of parts, with what is told where a mouse rests on it."""

    x: str
    width: str
    told: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line, in the words of SVG's paths."""

    style: str
    path: str


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn in one style; `told` is its sum, or its last value."""

    name: str
    style: str
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The same numbers for those who do not see, or want them exactly."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart; `told` stands above it, `described` tells those who do not see what it shows."""

    title: str
    told: str
    described: str
    up: Sequence[Tick]
    across: Sequence[Tick]
    legend: Sequence[Series]
    table: Table
    bars: Sequence[Bar] = ()
    strokes: Sequence[Stroke] = ()
    height: int = HEIGHT

    @property
    def is_of_lines(self) -> bool:
        """Whether it is drawn by lines."""
        return bool(self.strokes)


def bars_of(
    styles: Sequence[str],
    columns: Sequence[Sequence[int]],
    told: Sequence[str],
    scale: Scale,
    *,
    height: int = HEIGHT,
) -> list[Bar]:
    """Return a bar for each column of values, the first at the bottom; none where all are 0."""
    step = 100 / len(columns)
    wide = step * 0.78
    bars = []
    for number, values in enumerate(columns):
        if any(values):
            parts = _parts(styles, values, scale, height)
            x = _short(number * step + (step - wide) / 2)
            bars.append(Bar(f"{x}%", f"{_short(wide)}%", told[number], parts))
    return bars


def _parts(
    styles: Sequence[str], values: Sequence[int], scale: Scale, height: int
) -> Sequence[Part]:
    lengths = [max(scale.share(value) * height, LEAST) if value else 0.0 for value in values]
    most = lengths.index(max(lengths))
    lengths[most] -= max(sum(lengths) - scale.share(sum(values)) * height, 0)
    lengths[most] = max(lengths[most], LEAST)
    parts, y = [], TOP + height
    for style, length in zip(styles, lengths, strict=True):
        if length:
            y -= length
            parts.append(Part(style, _short(y), _short(length)))
    return parts


def stroke_of(
    style: str, values: Sequence[float | None], scale: Scale, *, height: int = HEIGHT
) -> Stroke:
    """Return a line through values, with gaps where there is none; one value alone is a dot."""
    step = ACROSS / len(values)
    path, is_down = "", False
    for number, value in enumerate(values):
        if value is not None:
            x, y = (number + 0.5) * step, (1 - scale.share(value)) * height
            alone = not is_down and (number + 1 == len(values) or values[number + 1] is None)
            path += f"{'L' if is_down else 'M'}{_short(x)},{_short(y)}{'h0.1' * alone}"
        is_down = value is not None
    return Stroke(style, path)


def ticks_up(scale: Scale, texts: Sequence[str], *, height: int = HEIGHT) -> list[Tick]:
    """Return where the values of a scale are written."""
    return [
        Tick(_short(TOP + (1 - scale.share(value)) * height), text)
        for value, text in zip(scale.ticks, texts, strict=True)
    ]


def ticks_across(texts: Sequence[str]) -> list[Tick]:
    """Return where the names of periods are written: of some, the last among them."""
    step = -(-len(texts) // MOST_LABELS)
    chosen = [n for n in range(len(texts)) if (len(texts) - 1 - n) % step == 0]
    ticks = []
    for place, number in enumerate(chosen):
        at = 100 * (number + 0.5) / len(texts)
        spare = (len(chosen) - 1 - place) % 2 == 1
        ticks.append(Tick(f"{_short(at)}%", texts[number], spare))
    return ticks


def _short(number: float) -> str:
    """Return a number as short as a screen can show it: a year has thousands of them."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
