"""Pages that repeat what the code says are held to it."""

import re
import subprocess
import sys

from pages import CHECKOUT

from llm_maint.errors import ExitCode

DOCS = CHECKOUT / "docs"


def test_generated_pages_are_what_the_code_would_have_them() -> None:
    """Settings and rooms change with the code, and their pages with them: make docs."""
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_exit_codes_are_explained_by_their_names() -> None:
    """Each code has a line, and the name that a reader of the code meets; no line has another."""
    text = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| (\d+) \| (\w+) \|", text, re.MULTILINE)
    assert named == [(str(code.value), code.name) for code in sorted(ExitCode)]
