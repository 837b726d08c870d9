"""The colours of the page: legible in both themes, and never the only thing that tells a state."""

import re
from importlib.resources import files

import pytest

STYLE = (files("llm_maint.report") / "templates" / "page.css").read_text(encoding="utf-8")

TEXTS = {
    "ground": ("text", "muted", "link", "ok", "warning", "failure"),
    "raised": ("text", "muted", "ok", "warning", "failure"),
    "gone": ("gone-text",),
    "come": ("come-text",),
    "mark": ("mark-text",),
}
"""What is written on what."""

SHAPES = (
    *("success", "failed", "abandoned", "interrupted", "skipped", "other", "prompt", "completion"),
    *(f"line{number}" for number in range(1, 9)),
    *("edge", "gone-text", "come-text"),
)
"""What is drawn on the ground."""


def colours(*, dark: bool) -> dict[str, str]:
    """Return the variables of a theme; the dark one changes them all but the scheme."""
    light, _, rest = STYLE.partition("@media screen and (prefers-color-scheme: dark)")
    found: dict[str, str] = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", light))
    theirs = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", rest))
    assert theirs.keys() == found.keys()
    return theirs if dark else found


def luminance(colour: str) -> float:
    """Return the relative luminance, as the WCAG have it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ground", "text"), [(ground, text) for ground, texts in TEXTS.items() for text in texts]
)
def test_texts_are_legible(ground: str, text: str, *, dark: bool) -> None:
    """At least 4.5 to 1."""
    found = colours(dark=dark)
    assert contrast(found[ground], found[text]) >= 4.5


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_seen(shape: str, *, dark: bool) -> None:
    """At least 3 to 1."""
    found = colours(dark=dark)
    assert contrast(found["ground"], found[shape]) >= 3


def test_contrast_is_that_of_the_guidelines() -> None:
    """Black on white is all there is; the examples of grey that pass just so, and just not."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") >= 4.5
    assert contrast("#777777", "#ffffff") < 4.5


def test_lines_and_bars_are_told_apart_without_colours() -> None:
    """No two lines have the same dashes and width, no two parts that meet the same pattern."""
    lines = dict(re.findall(r"\.stroke\.(line\d) \{ stroke: var\(--line\d\);(.*?)\}", STYLE))
    assert len(lines) == 8
    assert len(set(lines.values())) == 8
    patterned = {"failed", "abandoned", "interrupted", "completion"}
    assert set(re.findall(r"\.part\.\w+ \{ fill: url\(#(\w+)\)", STYLE)) == patterned


def test_nothing_moves_for_those_who_want_that() -> None:
    """Nothing is animated, and no scrolling is smooth for them."""
    assert "prefers-reduced-motion" in STYLE
    assert not re.search(r"transition|animation", STYLE)
