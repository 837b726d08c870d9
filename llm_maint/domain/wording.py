"""Words of a fact: folding, keys as snake_case, and what of a text carries the fact."""

import json
import re
import unicodedata
from collections import Counter
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"
_NUMBER = re.compile(r"(?:(?<!\w)-)?\d+(?:[.,:/-]\d+)*")
# A minus is a symbol where it ends a word, as in the blood type "A-".
# So is a quote behind a number: feet and inches. Dashes, quotes and ellipses are none.
_SYMBOL = re.compile(r"(?<=\w)-(?![\w-])|(?<=\d)['\"]|[^\w\s'\"-]")
_SYMBOLS = frozenset("-'\"#%\N{PER MILLE SIGN}&@*/\\§")

# A comma does not end what a negation denies: "does not, ever, eat pork".
_CLAUSE_END = re.compile(r"[.;:!?()\[\]\n]")

# Words of reporting and grammar: they carry no fact ("the user mentioned that ...").
_GRAMMAR = frozenset(
    """
    a an the is are was were be been has have had that this which who of and
    user user's users
    """.split()  # noqa: SIM905 one line of words, not one word a line
)
_NO_CONTENT = _GRAMMAR | frozenset(
    """
    mentioned mentions said says told tells noted notes reported reports stated
    states also according remembered recalled
    """.split()  # noqa: SIM905 one line of words, not one word a line
)
# What ends or refuses denies as well: "stopped eating meat" is not "eating meat". Words of another
# language that mean something else in this one only make the comparison stricter.
_NEGATIONS = frozenset(
    """
    no not never none nobody nothing neither nor without cannot
    stopped stops quit quits avoid avoids avoided refuse refuses refused lacks former formerly ex
    nicht kein keine keinen keinem keiner keines nie niemals ohne niemand nichts
    ne pas jamais aucun aucune sans rien non mai senza nessuno nessuna niente
    nunca jamás sin nada nadie ninguno ninguna não nem sem nenhum nenhuma
    niet geen nooit zonder inte ingen inget aldrig utan ikke nie bez nigdy не нет никогда без
    """.split()  # noqa: SIM905 one line of words, not one word a line
)


def folded(value: Any) -> str:  # noqa: ANN401 a JSON value is any type
    """Return a text equal for values that are the same after NFKC, case and white-space folding."""
    if isinstance(value, str):
        return json.dumps(" ".join(unicodedata.normalize("NFKC", value).casefold().split()))
    return json.dumps(value, sort_keys=True)


def fact_of(key: str, value: Any) -> str:  # noqa: ANN401 a JSON value is any type
    """Return a text equal for rows that surely state one fact, for counting facts.

    A sentence says what it is about by itself; of a shorter value ("blue") the key says it.
    """
    sentence = isinstance(value, str) and len(words_of(value)) >= SENTENCE
    return folded(value) if sentence else f"{snake_case(key)} {folded(value)}"


SENTENCE = 3
"""Words that make a sentence."""


def snake_case(key: str) -> str:
    """Return a key as snake_case. Letters of every script are letters: keys are not all English."""
    return "_".join(_spaced(key).split())


def key_of(key: str) -> tuple[str, ...]:
    """Return what tells a key from others: its snake_case, and its symbols beside it.

    The symbols of a key are no part of its snake_case, and a part of the fact: c++ and c#. A key
    without a letter or a digit is only alike to itself.
    """
    return (snake_case(key) or key.strip(), *sorted(symbols(key)))


def symbols(text: str) -> set[str]:
    """Return the symbols of a text that are a part of what it says: the ++ of C++, a euro sign."""
    found = set(_SYMBOL.findall(unicodedata.normalize("NFKC", text)))
    return {
        char for char in found if char in _SYMBOLS or unicodedata.category(char).startswith("S")
    }


class Saying(NamedTuple):
    """A key and a value's text, which state a fact together."""

    key: str
    text: str

    @property
    def whole(self) -> str:
        """Both as one text."""
        return f"{self.key.replace('_', ' ')} {self.text}"

    @property
    def denied(self) -> Counter[str]:
        """What is denied: a key often repeats its text, so what both deny is denied once."""
        return denied_in(self.key.replace("_", " ")) | denied_in(self.text)


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, folded; "doesn't" is "does not"."""
    words = (word.strip(_APOSTROPHES) for word in _spaced(text, keep=_APOSTROPHES).split())
    return [part for word in words if word for part in _uncontracted(word)]


def content_of(text: str) -> set[str]:
    """Return the words of a text that carry its fact."""
    return {word for word in words_of(text) if word not in _NO_CONTENT}


def is_told_apart(word: str) -> bool:
    """Return whether a folded word is none of grammar, with which any sentence may begin."""
    return word not in _GRAMMAR


def carries_fact(word: str) -> bool:
    """Return whether a folded word is more than reporting and grammar."""
    return word not in _NO_CONTENT


def numbers_of(text: str) -> set[str]:
    """Return the numbers of a text, dates and times included, as they are written."""
    return set(_NUMBER.findall(unicodedata.normalize("NFKC", text)))


def denied_in(text: str) -> Counter[str]:
    """Return what a text denies: how often which word stands behind a negation."""
    words = [word for word in words_of(text) if word not in _NO_CONTENT]
    return Counter(following for word, following in pairwise([*words, ""]) if is_negation(word))


def affirmed_in(text: str) -> set[str]:
    """Return the content words of a text that no negation in their clause stands before."""
    affirmed: set[str] = set()
    for clause in _CLAUSE_END.split(text):
        before = takewhile(lambda word: not is_negation(word), words_of(clause))
        affirmed.update(word for word in before if word not in _NO_CONTENT)
    return affirmed


def is_negation(word: str) -> bool:
    """Return whether a folded word denies what follows it."""
    return word in _NEGATIONS


def _uncontracted(word: str) -> list[str]:
    if word == "cannot":
        return ["can", "not"]
    if not word.endswith(("n't", "n\N{RIGHT SINGLE QUOTATION MARK}t")):
        return [word]
    verb = word[: -len("n't")]
    return [_CONTRACTED.get(verb, verb), "not"] if verb else ["not"]


_CONTRACTED = {"wo": "will", "ca": "can", "sha": "shall"}


def _spaced(text: str, *, keep: str = "") -> str:
    """Return a text folded, with a space in place of whatever is no part of a word."""
    folded_text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char if char in keep or _is_letter(char) else " " for char in folded_text)


def _is_letter(char: str) -> bool:
    # A mark (M) is a part of its letter: the vowels of many scripts are marks.
    return char.isalnum() or unicodedata.category(char).startswith("M")
