"""The page: what the report tells, filled into its templates. The only room that knows a template.

Whatever is told, texts are made visible and escaped here, in one place: what stands in a row may
want to be markup. The page carries no script, and its policy forbids any, and all connections.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from llm_maint.domain.visible import visible
from llm_maint.report.chart import Chart
from llm_maint.report.entry import Entry

BUDGET = 600_000
"""Bytes that the list of changes may take: the page stays below 1 MB, which every mail takes."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is to be said of it; `more` is said smaller."""

    name: str
    told: str
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of health in words: its state, what was found, and the command that mends it."""

    name: str
    state: str
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A table for its own sake; the first cell of a row names it. `note` stands below it."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that a report tells but the changes; `empty` says why there are no charts."""

    title: str
    about: Sequence[Fact]
    verdict: str
    state: str
    checks: Sequence[Check]
    figures: Sequence[Fact]
    empty: str
    runs: Chart | None
    durations: Sequence[Chart]
    tokens: Chart | None
    sizes: Sequence[Chart]
    jobs: Listing
    failures: Listing
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The text of the page, and how many changes are in it."""

    html: str
    changes: int


def rendered(
    page: Page,
    entries: Iterable[Entry],
    *,
    total: int,
    commands: Sequence[str],
    budget: int = BUDGET,
) -> Rendered:
    """Return the page as HTML.

    Args:
        page: what is told.
        entries: the changes, newest first; read as far as there is room.
        total: how many there are.
        commands: what lists those that are left out.
        budget: bytes that the changes may take.

    """
    environment = _environment()
    shown, left = _shown(environment.get_template("entry.html"), entries, budget)
    style = _style()
    html = environment.get_template("page.html").render(
        page=page,
        style=Markup(style),  # noqa: S704 our own file
        policy=_policy(style),
        entries=[Markup(each) for each in shown],  # noqa: S704 rendered just now
        total=total,
        left=total - len(shown) if left else 0,
        commands=commands,
    )
    return Rendered(html=html, changes=len(shown))


def _shown(template: Template, entries: Iterable[Entry], budget: int) -> tuple[list[str], bool]:
    """Return the entries that there is room for, and whether any are left."""
    shown: list[str] = []
    for each in entries:
        text = template.render(entry=each)
        budget -= len(text.encode())
        if budget < 0:
            return shown, True
        shown.append(text)
    return shown, False


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("llm_maint.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_told,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _told(value: object) -> object:
    """Return a value as it may stand in the page: on one line, control characters spelt out."""
    if isinstance(value, Markup):
        return value
    return visible(value) if isinstance(value, str) else value


def _style() -> str:
    return (files("llm_maint.report") / "templates" / "page.css").read_text(encoding="utf-8")


def _policy(style: str) -> str:
    """Return the policy: this one style sheet and nothing else, from nowhere."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    rules: Mapping[str, str] = {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
