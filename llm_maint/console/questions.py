"""Questions to a person on a terminal: one line each, and Enter takes the default."""

import sys
from contextlib import suppress

from llm_maint.domain.visible import visible


class NoMoreAnswersError(Exception):
    """The input has ended: nobody answers any more."""


def ask(question: str, default: str = "") -> str:
    """Return what a person types, without space around it; the default where it is nothing.

    Raises:
        NoMoreAnswersError: the input has ended.

    """
    with suppress(ImportError):
        import readline  # noqa: F401 the arrow keys then move about in the line
    text = visible(f"{question} [{default}]: " if default else f"{question}: ")
    encoding = sys.stdout.encoding or "utf-8"
    while True:
        try:
            answer = input(text.encode(encoding, "replace").decode(encoding)).strip()
        except EOFError as error:
            raise NoMoreAnswersError from error
        except UnicodeDecodeError:
            continue
        if answer.isprintable():  # else some key's own code, or half a character
            return answer or default
