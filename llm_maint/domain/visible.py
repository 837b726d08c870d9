"""Texts as they may be shown: a value of a row may hold anything, and a terminal obeys it."""

import re

# C0 and C1 controls, the line separators of Unicode, what reorders text, and half characters.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return a text on one line, with control characters spelt out."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def visible_json(text: str) -> str:
    """Return a JSON text in which control characters are escapes; it says the same."""
    return _CONTROL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return "\n" if found[0] == "\n" else f"\\u{ord(found[0]):04x}"
