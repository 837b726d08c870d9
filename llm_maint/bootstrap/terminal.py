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
