"""Guards of a text that a model wrote: nothing may be in it that no row has said.

A text that fails is not taken; the winner's own stays.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import reduce

from llm_maint.domain.coverage import ADDRESS, letters_of, names_of
from llm_maint.domain.row import Row
from llm_maint.domain.wording import (
    carries_fact,
    denied_in,
    is_negation,
    numbers_of,
    symbols,
    words_of,
)

SHORTEST, LONGEST = 0.4, 4.0
"""How long a new text may be, as a share of the longest text it is made of."""

MAX_KEY_CHARS = 100
"""What the column of keys holds in the tables of assistants."""

# Words that join others and say nothing by themselves; a new text may use them freely.
_JOINING = frozenset(
    """
    in on at by to for from with as or but because since when while than then so if about into
    over under between during after before until both it its he she they his her their them
    i my me we our you your does do did will would can could should may might
    """.split()  # noqa: SIM905 one line of words, not one word a line
)

# A number with what stands right behind it, which may be its unit: "20 mg", "5km".
_MEASURED = re.compile(r"(\d+(?:[.,:/-]\d+)*)[ \t]?([^\W\d_]+|[%°])")


def text_objection(text: str, sources: Sequence[Row]) -> str | None:
    """Return what is wrong with a new text, None if it may take the place of its sources.

    Args:
        text: what the model wrote.
        sources: the rows that would live on in it, the winner among them.

    """
    known = " ; ".join(row.saying.whole for row in sources)
    longest = max(len(row.text) for row in sources)
    if not SHORTEST * longest <= len(text) <= LONGEST * longest:
        return "its length is out of proportion"
    unseen = set(text) - set(known)
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in unseen):
        return "it holds control characters"
    return _invented(text, known) or _denial_objection(text, sources)


def key_objection(key: str, sources: Sequence[Row]) -> str | None:
    """Return what is wrong with a new key, None if it may be taken: a key is a fact too."""
    if not key or len(key) > MAX_KEY_CHARS:
        return "it is empty or too long"
    known = {word for row in sources for word in words_of(row.saying.whole)}
    missing = set(words_of(key.replace("_", " "))) - known
    return f"no row has said {_one(missing)!r}" if missing else None


def _invented(text: str, known: str) -> str | None:
    addresses = {each.casefold() for each in ADDRESS.findall(known)}
    missing = (
        (numbers_of(text) - numbers_of(known))
        or _measured_anew(text, known)
        or (symbols(text) - symbols(known))
        or {each for each in ADDRESS.findall(text) if each.casefold() not in addresses}
        or (names_of(text) - letters_of(known))
        or {word for word in words_of(text) if not _says_nothing(word)} - set(words_of(known))
    )
    return f"no row has said {_one(missing)!r}" if missing else None


def _measured_anew(text: str, known: str) -> set[str]:
    """Return the measures of a text that nobody has said, in units that somebody uses.

    A word behind a number is a unit where it stands behind a number in the sources as well.
    """
    said = _measures(known)
    units = {unit for _, unit in said}
    anew = {(number, unit) for number, unit in _measures(text) - said if unit in units}
    return {f"{number} {unit}" for number, unit in anew}


def _measures(text: str) -> set[tuple[str, str]]:
    found = _MEASURED.findall(unicodedata.normalize("NFKC", text).casefold())
    return {(number, unit) for number, unit in found if not _says_nothing(unit)}


def _says_nothing(word: str) -> bool:
    return word in _JOINING or is_negation(word) or not carries_fact(word)


def _denial_objection(text: str, sources: Sequence[Row]) -> str | None:
    # As often as the row that denies it most often: a text made of two rows says it once.
    before: Counter[str] = reduce(
        lambda most, row: most | denied_in(row.text), sources, Counter[str]()
    )
    return None if denied_in(text) == before else "it denies something else than its rows"


def _one(missing: set[str]) -> str:
    return min(missing)
