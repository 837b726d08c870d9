"""Coverage: whether one text says all that another says, so that retiring the other loses nothing.

Source of the policy: docs/adr/0006-coverage.md; the threshold was chosen on data with truth
(`make eval-coverage`).
"""

import re
import unicodedata

from llm_maint.domain.wording import (
    Saying,
    affirmed_in,
    content_of,
    is_told_apart,
    numbers_of,
    symbols,
)

THRESHOLD = 1.0
"""The share of a retired text's content words that the survivor must hold."""

_NAME = re.compile(r"[^\W\d_]+")


def covers(
    survivor: Saying, retired: Saying, *, is_new: bool = False, threshold: float = THRESHOLD
) -> bool:
    """Return whether `survivor` says all that `retired` says.

    Every number, symbol and name of the retired text must occur in the survivor, and its content
    words; and both must deny alike: "eats pork" does not cover "does not eat pork", nor "C" "C++".
    Addresses must occur whole; in a new text, whatever punctuation joins.

    Args:
        survivor: of the row that stays.
        retired: of the row that would go.
        is_new: the survivor's text was made of several. It may then deny what only one of them
            denies ("vegetarian; does not eat meat"), but nothing that another one affirms.
        threshold: the share of content words that is enough.

    """
    there, wanted = survivor.whole, retired.whole
    return (
        numbers_of(wanted) <= numbers_of(there)
        and symbols(wanted) <= symbols(there)
        and (_names_in(retired.key) | _names_in(retired.text)) <= letters_of(there)
        and _addresses_in(wanted) <= _addresses_in(there)
        and not (is_new and _joined_in(wanted) - _joined_in(there))
        and _share(content_of(_unreported(retired)), content_of(there)) >= threshold
        and _denies_alike(survivor, retired, is_new=is_new)
    )


def _names_in(text: str) -> set[str]:
    """Return the names of a text: a capital is no name where a word of grammar begins a sentence.

    States, Said and The Who are names, and words of reporting and grammar elsewhere.
    """
    text = _stripped(text)
    starts = {found.start(1) for found in _BEGINNING.finditer(text)}
    return {
        run[0].casefold()
        for run in _NAME.finditer(text)
        if run[0][0].isupper() and (is_told_apart(run[0].casefold()) or run.start() not in starts)
    }


def _unreported(saying: Saying) -> str:
    return saying._replace(text=_stripped(saying.text)).whole


def _stripped(text: str) -> str:
    """Return a text without the phrases that only say who said it."""
    return _REPORTING.sub(" ", unicodedata.normalize("NFKC", text)).lstrip(" ,:;")


_REPORTING = re.compile(
    r"""
    \b(?:the\ )?user(?:\ also)?\ (?:mentioned|said|says|told|tells|noted|notes|reported|reports
    |stated|states)(?:\ that)?\b
    |\baccording\ to\ the\ user\b
    |\((?:also\ )?noted\ again\)
    |\b(?:remembered|recalled|noted|reported|mentioned|stated)(?=\ ?:)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BEGINNING = re.compile(r"(?:^|[.;:!?(\n]\s*)([^\W\d_]+)")


def _addresses_in(text: str) -> set[str]:
    return {found.casefold() for found in ADDRESS.findall(text) if "@" in found or "://" in found}


def _joined_in(text: str) -> set[str]:
    """Return the words of a text that punctuation joins: names of hosts, dates with letters."""
    found = _JOINED.findall(unicodedata.normalize("NFKC", text).casefold())
    return {word for word in found if any(map(str.isalpha, word))}


_JOINED = re.compile(r"\w+(?:[-'.@/:]+\w+)+")

ADDRESS = re.compile(r"\S*[^\W\d_][./@]\S*[^\W_]")
"""A mail address, a host, a path or a URL, or what looks like one."""


def names_of(text: str) -> set[str]:
    """Return the capitalised words of a text, folded; the first of a sentence counts as one."""
    runs = _NAME.findall(unicodedata.normalize("NFKC", text))
    return {run.casefold() for run in runs if run[0].isupper()}


def letters_of(text: str) -> set[str]:
    """Return all runs of letters in a text, folded: what a name is looked for among."""
    return set(_NAME.findall(unicodedata.normalize("NFKC", text).casefold()))


def _share(wanted: set[str], there: set[str]) -> float:
    return len(wanted & there) / len(wanted) if wanted else 1.0


def _denies_alike(survivor: Saying, retired: Saying, *, is_new: bool) -> bool:
    if survivor.denied == retired.denied:
        return True
    return (
        is_new
        and retired.denied <= survivor.denied
        and affirmed_in(retired.whole) <= affirmed_in(survivor.whole)
    )
