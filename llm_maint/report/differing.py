"""Two texts side by side: what differs between them, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

LONG = 400
"""Characters of a value that are shown: around where it begins to differ, if it is longer."""

BEFORE = 60
"""Characters that are shown before what differs."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and whether the other text lacks it."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text as it is shown; `length` is that of the whole where it was cut."""

    pieces: tuple[Piece, ...]
    length: int | None = None


def excerpt(text: str, beside: str | None = None, *, marks: bool = True) -> Excerpt:
    """Return a text for the report, with what another text lacks told apart if it `marks` that."""
    start = 0 if beside is None else _start(text, beside)
    shown = _cut(text, start)
    if beside is None or text == beside or not marks:
        return Excerpt((Piece(shown),), _length(text))
    return Excerpt(_pieces(shown, _cut(beside, start)), _length(text))


def _start(text: str, beside: str) -> int:
    """Return where the excerpts of two texts begin: before the first difference if it is far on."""
    if len(text) <= LONG and len(beside) <= LONG:
        return 0
    same = _common(text, beside)
    return same - BEFORE if same > LONG // 2 else 0


def _common(text: str, other: str) -> int:
    """Return how many characters two texts begin with in common: by halves, for one may be long."""
    low, high = 0, min(len(text), len(other))
    while low < high:
        half = (low + high + 1) // 2
        if text[low:half] == other[low:half]:
            low = half
        else:
            high = half - 1
    return low


def _cut(text: str, start: int) -> str:
    end = start + LONG
    opening, ending = "… " * (0 < start < len(text)), " …" * (end < len(text))
    return f"{opening}{text[start:end]}{ending}"


def _length(text: str) -> int | None:
    return len(text) if len(text) > LONG else None


def _pieces(text: str, beside: str) -> tuple[Piece, ...]:
    """Return the words of a text, what stands in the other one too apart from what does not."""
    words, others = _WORDS.findall(text), _WORDS.findall(beside)
    ours, theirs = ([word.casefold() for word in each] for each in (words, others))
    found: list[Piece] = []
    at = 0
    matching = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    for place, _, size in matching:
        _add(found, "".join(words[at:place]), differs=True)
        _add(found, "".join(words[place : place + size]), differs=False)
        at = place + size
    return tuple(found)


def _add(found: list[Piece], text: str, *, differs: bool) -> None:
    """Add a piece; a space between two words that differ is no common ground."""
    if not text:
        return
    if not differs and text.isspace() and found:
        found[-1] = Piece(found[-1].text + text, found[-1].differs)
    elif found and found[-1].differs is differs:
        found[-1] = Piece(found[-1].text + text, differs)
    else:
        found.append(Piece(text, differs))
