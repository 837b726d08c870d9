"""How a memory is put: by whom it is told, on which day, with which slips of case and space."""

import random
import re
from collections.abc import Sequence
from datetime import datetime

from words import FEMININE, MASCULINE, MEN, Slots, drawn, kind_of

SUBJECTS = ("Nick", "Nick", "User", "The user")

REPORTS = (
    "{} mentioned that ",
    "{} said that ",
    "{} told the assistant that ",
    "According to {}, ",
    "{} noted that ",
    "{} mentioned again that ",
)

REPORTED = 0.3
"""The share of memories that say who said it."""

PERSON = "SPO"
"""Slots of the person: who does it, whose it is, and whom it is done to."""

_SLOT = re.compile(r"{(\w+)}")
_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[AEIOaeio])")


def slots_of(texts: Sequence[str]) -> list[str]:
    """Return the slots of some wordings, but for the person's own."""
    found = (name for text in texts for name in _SLOT.findall(text))
    return [name for name in dict.fromkeys(found) if name not in PERSON]


def filled(names: Sequence[str], draw: random.Random) -> Slots:
    """Return words for slots; slots of one kind have different ones."""
    slots: Slots = {}
    for name in names:
        taken = [word for other, word in slots.items() if kind_of(other) == kind_of(name)]
        slots[name] = drawn(name, draw, taken)
    return agreeing(slots)


def agreeing(slots: Slots) -> Slots:
    """Return the words with aunts where a name is a woman's, and uncles where it is a man's."""
    forms = MASCULINE if slots.get("name") in MEN else FEMININE
    return {slot: forms.get(word, word) for slot, word in slots.items()}


def told(
    wording: str,
    slots: Slots,
    draw: random.Random,
    *,
    plainly: bool = False,
    subjects: Sequence[str] = SUBJECTS,
) -> str:
    """Return a wording as a memory says it, the person named once and then referred to.

    `plainly` leaves out who said it.
    """
    who, report = draw.choice(subjects), ""
    if not plainly and draw.random() < REPORTED:
        report = draw.choice(REPORTS)
        report = report.format(who if who == "Nick" or report.startswith("{}") else "the user")
        wording = wording[0].lower() + wording[1:]
    named = bool(report)

    def word(match: re.Match[str]) -> str:
        nonlocal named
        if match[1] not in PERSON:
            return slots[match[1]]
        said = _PRONOUNS[match[1]] if named else _named(who, match)
        named = True
        return said

    text = report + _BEFORE_VOWEL.sub(r"\1n ", _SLOT.sub(word, wording))
    return text[0].upper() + text[1:]


_PRONOUNS = {"S": "he", "P": "his", "O": "him"}


def _named(who: str, match: re.Match[str]) -> str:
    name = who if match.start() == 0 or who != "The user" else "the user"
    return f"{name}'s" if match[1] == "P" else name


def on_a_day(text: str, day: datetime, draw: random.Random) -> str:
    """Return a text that says when it was told."""
    date, month = f"{day.day} {day:%B}", f"{day:%B} {day.year}"
    return draw.choice(
        (
            f"{text} (told on {date})",
            f"{text}, as of {month}",
            f"{date}: {text}",
            f"{text}; he said so on {date}",
        )
    )


def respelt(text: str, draw: random.Random) -> str:
    """Return a text that is the same but for case, white space and forms of characters."""
    changes = (
        text.lower,
        text.upper,
        lambda: f" {text}\n",
        lambda: text.replace(" ", "  ", 3),
        lambda: text.replace(" ", "\N{NO-BREAK SPACE}"),
        lambda: re.sub(r"\d", lambda digit: chr(0xFF10 + int(digit[0])), text),
    )
    found = draw.choice(changes)()
    return found if found != text else f"{text} "


def needles_of(words: Sequence[str]) -> list[str]:
    """Return the words by which a fact is known, each by itself."""
    found = (word for text in words for word in re.findall(r"[\w,:'-]*\w", text.casefold()))
    return list(dict.fromkeys(word for word in found if word not in _SMALL))


_SMALL = {"a", "an", "the", "of", "and", "as"}
