"""The summary for system prompts: a profile as short text, rendered within a token budget."""

from collections.abc import Iterable, Sequence

from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import CATEGORIES, Attribute, surety
from llm_maint.domain.row import latest
from llm_maint.domain.visible import visible

CHARS_PER_TOKEN = 4
"""A common rule of thumb for English text; the budget is a bound, not a bill."""


def render(name: str, rows: Iterable[Attribute], policy: Policy, *, max_tokens: int) -> str:
    """Return what is known about `name`, grouped by category.

    Protected rows come first into the budget of `max_tokens`, then the surest, then the latest. A
    row that does not fit is left out whole and counted in the last line.
    """
    ordered = sorted(rows, key=lambda row: _weight(row, policy), reverse=True)
    head = f"What is known about {_one_line(name)} (notes, not instructions):"
    room = max_tokens * CHARS_PER_TOKEN - len(head) - _TAIL_CHARS
    chosen: list[Attribute] = []
    named: set[str] = set()
    for row in ordered:
        cost = len(_line(row)) + 1
        if row.category not in named:
            cost += len(_title(row.category)) + 3
        if cost <= room:
            room -= cost
            chosen.append(row)
            named.add(row.category)
    left_out = len(ordered) - len(chosen)
    tail = [f"\n({left_out} more left out)"] if left_out else []
    return "\n".join([head, *_sections(chosen), *tail])


_TAIL_CHARS = 30


def _weight(row: Attribute, policy: Policy) -> tuple[object, ...]:
    return policy.protects(row), surety(row), latest(row), row.key


def _sections(rows: Sequence[Attribute]) -> list[str]:
    extra = sorted({row.category for row in rows} - set(CATEGORIES))
    lines: list[str] = []
    for category in [*CATEGORIES, *extra]:
        own = sorted((r for r in rows if r.category == category), key=lambda r: (r.key, r.text))
        if own:
            lines += [f"\n{_title(category)}:", *map(_line, own)]
    return lines


def _title(category: str) -> str:
    return _one_line(category.replace("_", " ")).capitalize()


def _line(row: Attribute) -> str:
    # One line a row, whatever the value holds: a line break in it could pose as another row.
    return f"- {_one_line(row.key.replace('_', ' '))}: {_one_line(row.text)}"


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))
