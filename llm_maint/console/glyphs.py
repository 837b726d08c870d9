"""Sparklines and signs: a row of small pictures, and what stands for them where there are none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from llm_maint.console.output import Line

STYLES = {
    "success": "green",
    "failed": "red",
    "abandoned": "red",
    "interrupted": "yellow",
    "skipped": "yellow",
    "running": "cyan",
}
"""How a status looks where there is colour; each has a sign of its own besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """The signs of a terminal. `bars` are of growing height; `none` is a day without any."""

    bars: str
    none: str
    statuses: Mapping[str, str]
    other: str
    separator: str
    arrow: str
    ellipsis: str

    def runs(self, statuses: Iterable[str]) -> list[Line]:
        """Return a sign for each status, those alike together."""
        return [
            Line(self.statuses.get(status, self.other) * len(list(alike)), STYLES.get(status, ""))
            for status, alike in groupby(statuses)
        ]

    def heights(self, numbers: Sequence[int]) -> str:
        """Return a bar for each number, the highest for the greatest; none for what is no more."""
        greatest, steps = max(numbers, default=0), len(self.bars)
        return "".join(
            self.none if number <= 0 else self.bars[-(-number * steps // greatest) - 1]
            for number in numbers
        )


PICTURES = Glyphs(
    bars="▁▂▃▄▅▆▇█",
    none="·",
    statuses={
        "success": "▄",
        "failed": "×",  # noqa: RUF001 it is the sign that is meant
        "abandoned": "!",
        "interrupted": "-",
        "skipped": "·",
        "running": ">",
    },
    other="?",
    separator=" · ",
    arrow="→ ",
    ellipsis="…",
)
"""Where an encoding has them."""

LETTERS = Glyphs(
    bars="123456789",
    none=".",
    statuses={
        "success": "|",
        "failed": "x",
        "abandoned": "!",
        "interrupted": "-",
        "skipped": ".",
        "running": ">",
    },
    other="?",
    separator=", ",
    arrow="-> ",
    ellipsis="...",
)
"""Where there is nothing but ASCII: of heights, ninths of the greatest."""
