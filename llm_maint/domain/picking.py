"""What a person meant who was shown the beginning of a list: a number, a name, a part of one."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_maint.domain.nearest import nearest

_LOOKED_THROUGH = 1_000
"""Names that a misspelt one is compared with: each takes a while."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The name that was meant, or else those to choose from; none where nothing is like it.

    `guessed` tells that what was typed is in no name: the one to choose from is the nearest.
    """

    name: str = ""
    among: Sequence[str] = ()
    guessed: bool = False


def picked(text: str, names: Sequence[str], shown: Sequence[str]) -> Picked:
    """Return what a text means.

    Args:
        text: as it was typed.
        names: all that there are.
        shown: those that stand on the screen, numbered from 1.

    """
    text = text.strip()
    if text in names:
        return Picked(text)
    if text.isascii() and text.isdigit() and len(text) < len("10000") and int(text):
        return Picked(shown[int(text) - 1]) if int(text) <= len(shown) else Picked()
    wanted = text.casefold()
    alike = [name for name in names if name.casefold() == wanted]
    found = alike if len(alike) == 1 else [name for name in names if wanted in name.casefold()]
    if len(found) == 1:
        return Picked(found[0])
    if found:
        return Picked(among=found)
    near = nearest(text, names[:_LOOKED_THROUGH])
    return Picked(among=[near], guessed=True) if near else Picked()
