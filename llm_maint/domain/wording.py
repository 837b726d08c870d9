"""Words of a fact: folding, keys as snake_case, and whether one text says all that another says."""

import json
import re
import unicodedata
from collections import Counter
from itertools import pairwise
from typing import Any

_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"
_NUMBER = re.compile(r"(?:(?<!\w)-)?\d+(?:[.,:/-]\d+)*")
# A minus is a symbol where it ends a word, as in the blood type "A-".
# So is a quote behind a number: feet and inches.
_SYMBOL = re.compile(
    r"[^\w\s.,;:!?'\"()\-\N{RIGHT SINGLE QUOTATION MARK}]|(?<=\w)-(?![\w-])|(?<=\d)['\"]"
)

# Words of reporting and grammar: they carry no fact ("the user mentioned that ...").
_NO_CONTENT = frozenset(
    """
    a an the is are was were be been has have had that this which who of and
    user user's users mentioned mentions said says told noted reported stated also
    """.split()  # noqa: SIM905 one line of words, not one word a line
)
_NEGATIONS = frozenset(
    {"no", "not", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot"}
)


def folded(value: Any) -> str:  # noqa: ANN401 a JSON value is any type
    """Return a text equal for values that are the same after NFKC, case and white-space folding."""
    if isinstance(value, str):
        return json.dumps(" ".join(unicodedata.normalize("NFKC", value).casefold().split()))
    return json.dumps(value, sort_keys=True)


def snake_case(key: str) -> str:
    """Return a key as snake_case. Letters of every script are letters: keys are not all English."""
    return "_".join(_spaced(key).split())


def covers(survivor: str, retired: str) -> bool:
    """Return whether `survivor` says all that `retired` says, so that retiring it loses nothing.

    Every number, symbol and content word of the retired text must occur in the survivor, and both
    must deny equally often: "eats pork" does not cover "does not eat pork", nor "C" "C++". Strict
    on purpose: a row that is not covered only stays.
    """
    return (
        _numbers(retired) <= _numbers(survivor)
        and symbols(retired) <= symbols(survivor)
        and _content(retired) <= _content(survivor)
        and _negations(retired) == _negations(survivor)
    )


def symbols(text: str) -> set[str]:
    """Return the symbols of a text that are a part of what it says: the ++ of C++, a euro sign."""
    return set(_SYMBOL.findall(unicodedata.normalize("NFKC", text)))


def said(key: str, text: str) -> str:
    """Return key and value as one text; a key is a part of the fact."""
    return f"{key.replace('_', ' ')} {text}"


def _words(text: str) -> list[str]:
    words = (word.strip(_APOSTROPHES) for word in _spaced(text, keep=_APOSTROPHES).split())
    return [word for word in words if word]


def _spaced(text: str, *, keep: str = "") -> str:
    """Return a text folded, with a space in place of whatever is no part of a word."""
    folded_text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char if char in keep or _is_letter(char) else " " for char in folded_text)


def _is_letter(char: str) -> bool:
    # A mark (M) is a part of its letter: the vowels of many scripts are marks.
    return char.isalnum() or unicodedata.category(char).startswith("M")


def _content(text: str) -> set[str]:
    return {word for word in _words(text) if word not in _NO_CONTENT}


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(unicodedata.normalize("NFKC", text)))


def _negations(text: str) -> Counter[str]:
    """Return what a text denies: how often which word stands behind a negation."""
    words = [word for word in _words(text) if word not in _NO_CONTENT]
    return Counter(
        following
        for word, following in pairwise([*words, ""])
        if word in _NEGATIONS or word.endswith(("n't", "n’t"))  # noqa: RUF001
    )
