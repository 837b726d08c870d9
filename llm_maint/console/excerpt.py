"""Long values on a terminal: what differs is shown, and how long the whole is."""

import unicodedata
from itertools import takewhile

LONG = 160
"""Cells of a terminal that a value may take; a wide character takes two."""

BEFORE = 40
"""Characters that are shown before what differs."""


def excerpt(text: str, beside: str = "") -> str:
    """Return a text, shortened if it is long.

    Args:
        text: the whole.
        beside: the text it is compared with: the excerpt shows where the two begin to differ.

    """
    from rich.cells import cell_len

    if cell_len(text) <= LONG:
        return text
    pairs = zip(text, beside, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = same - BEFORE if same > LONG // 2 else 0
    end, cells = start, 0
    while end < len(text) and cells < LONG:
        cells += cell_len(text[end])
        end += 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    opening, ending = "… " * (start > 0), " …" * (end < len(text))
    return f"{opening}{text[start:end]}{ending} ({len(text):,} characters)"
