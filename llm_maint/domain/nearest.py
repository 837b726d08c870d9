"""Unknown names: one line that says what was asked for and the nearest known name."""

from collections.abc import Iterable
from difflib import get_close_matches

from llm_maint.errors import UnknownNameError


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None where none is near."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is not known, ready to be raised."""
    names = sorted({str(each) for each in known})
    close = nearest(name, names)
    hint = f"did you mean {close!r}?" if close else _known(kind, names)
    return UnknownNameError(f"no {kind} {name!r}; {hint}")


def _known(kind: str, names: list[str]) -> str:
    if not names:
        return f"there is no {kind} yet"
    shown = ", ".join(names[:10])
    return f"known: {shown}" + (", ..." if len(names) > 10 else "")  # noqa: PLR2004 one line
