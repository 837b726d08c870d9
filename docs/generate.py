"""Writes the documents that are made of the code: what `make docs` does, and a test asks for.

With --check it writes nothing and ends with 1 where one of them is not as the code would have it.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import rooms_page
import settings_page
from typer.main import get_command

from llm_maint.cli import app, manual

DOCS = Path(__file__).parent

DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "man/llm-maint.1": lambda: manual.page(get_command(app)),
    "rooms.md": rooms_page.page,
    "settings.md": settings_page.page,
}
"""File -> what makes its text."""


def main() -> None:
    """Write the documents that have changed, and name them."""
    changed = {
        name: text for name, make in DOCUMENTS.items() if (text := make()) != _present(DOCS / name)
    }
    for name, text in changed.items():
        print(f"docs/{name}")
        if "--check" not in sys.argv:
            (DOCS / name).parent.mkdir(exist_ok=True)
            (DOCS / name).write_text(text, encoding="utf-8")
    if changed and "--check" in sys.argv:
        sys.exit("not as the code would have it: run make docs")


def _present(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


if __name__ == "__main__":
    main()
