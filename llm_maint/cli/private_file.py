"""Files that a command writes for its user: whole or not at all, and for nobody else to read."""

import os
import tempfile
from pathlib import Path

from llm_maint.errors import UsageError


def check_writable(path: Path) -> None:
    """Refuse a place that cannot be written to, before anything is done."""
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a directory")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"cannot write {path}: no such directory, or not allowed")


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read: it holds what is known of people."""
    try:
        if path.exists() and not path.is_file():  # a pipe, say
            path.write_text(text, encoding="utf-8")
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
