"""Whether a person sits in front of a stream."""

import os


def is_terminal(stream: int) -> bool:
    """Return whether a stream, given as a file descriptor, goes to a terminal worth the name."""
    if os.environ.get("TERM") == "dumb" or os.environ.get("CI"):
        return False
    try:
        return os.isatty(stream)
    except OSError:
        return False


def size() -> tuple[int, int]:
    """Return how many columns and lines the terminal has."""
    import shutil

    columns, lines = shutil.get_terminal_size()
    return columns, lines


def has_pictures() -> bool:
    """Return whether more than ASCII can be shown, by the locale.

    Not by the encoding of a stream: where the locale has none, Python writes UTF-8 all the same.
    """
    import locale

    return locale.getencoding().upper().replace("-", "") == "UTF8"
