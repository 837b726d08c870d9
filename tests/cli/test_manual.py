"""The manual page: what the command line says, complete, and nothing that roff would obey."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from typer.main import get_command

from llm_maint.cli import app, manual
from llm_maint.errors import ExitCode

ROOT: Any = get_command(app)
PAGE = Path(__file__).parents[2] / "docs/man/llm-maint.1"
REQUESTS = {".TH", ".nh", ".ad", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".BR"}


def test_the_page_is_what_the_command_line_says() -> None:
    """Else: make docs."""
    assert PAGE.read_text(encoding="utf-8") == manual.page(ROOT)


def test_every_command_and_every_option_is_in_it() -> None:
    """With each exit code, whose meanings are told nowhere else in the code."""
    page = manual.page(ROOT).replace("\\-", "-")
    leaves = dict(manual.leaves(ROOT))
    assert len(leaves) > 40
    for path, command in leaves.items():
        part = page.split(f".SS {path}\n")[1].partition("\n.S")[0]
        for parameter in command.params:
            if parameter.name != "help":
                assert all(f"\\fB{name}\\fR" in part for name in parameter.opts if name[0] == "-")
        assert manual.example_of(command).split()[-1] in part.replace("\\(aq", "'")
    assert set(manual.EXIT_CODES) == set(ExitCode)


def test_no_text_is_a_request() -> None:
    """A line that begins with a point or an apostrophe is one; a backslash begins an escape."""
    comment, *lines = manual.page(ROOT).splitlines()
    assert comment.startswith('.\\"')
    for line in lines:
        if line.startswith("."):
            assert line.split()[0] in REQUESTS, line
        assert not line.startswith("'")
        assert not re.search(r"\\(?![-&e(]|f[BIR])", line), line


def test_hostile_help_is_shown_as_it_is() -> None:
    """Whatever somebody writes into a docstring."""
    option = SimpleNamespace(
        name="x",
        param_type_name="option",
        is_flag=True,
        opts=["-x"],
        secondary_opts=[],
        help=".so /etc/passwd \\n 'it' ~^`",
        default=False,
        required=False,
    )
    command = SimpleNamespace(params=[option], help=".TH evil\n\nExample: llm-maint x")
    lines = list(manual._command("llm-maint x", command))
    assert "\\&.TH evil" in lines
    assert "\\&.so /etc/passwd \\en \\(aqit\\(aq \\(ti\\(ha\\(ga" in lines
