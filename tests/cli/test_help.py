"""What --help says: complete, no wider than a terminal, with an example that is right."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from llm_maint.cli import app, job_edits, manual
from llm_maint.jobs import BUILT_IN
from llm_maint.store.plans import STATUSES

ROOT: Any = get_command(app)
WIDTH = 80


def _all_of(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Yield groups and commands, each with its words."""
    yield " ".join(path), group
    for name, command in getattr(group, "commands", {}).items():
        yield from _all_of(command, (*path, name))


ALL = dict(_all_of(ROOT))
LEAVES = dict(manual.leaves(ROOT))


@pytest.mark.parametrize("path", ALL)
def test_help_fits_and_ends_well(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 80 columns, by the real way, and to standard output alone."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERMINAL_WIDTH", str(WIDTH))
    shown = CliRunner().invoke(app, [*path.split(), "--help"], prog_name="llm-maint")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"Usage: llm-maint {path}".rstrip())
    assert max(map(len, shown.stdout.splitlines())) <= WIDTH
    assert manual.EXAMPLE in shown.stdout


@pytest.mark.parametrize("path", ALL)
def test_help_ends_with_an_example_that_can_be_typed(path: str) -> None:
    """Its words are the command's own, or one in the group; and the command takes them."""
    words = manual.example_words(ALL[path])
    assert words[: 1 + len(path.split())] == ["llm-maint", *path.split()]
    command = ROOT
    words.pop(0)
    while hasattr(command, "commands"):
        assert words, "the example names no command"
        command = command.commands[words.pop(0)]
    command.make_context("llm-maint", words)  # it parses them, and does nothing


@pytest.mark.parametrize("path", ALL)
def test_every_option_says_what_it_does(path: str) -> None:
    """With a sentence, and with a word for its value that is not the name of a Python type."""
    for parameter in ALL[path].params:
        text = parameter.help or ""
        assert text[:1].isupper() or parameter.metavar == "URL" or text[:4] == "JSON", (
            parameter.name
        )
        assert text.rstrip("]").endswith((".", "...", "UTC", "0")), (parameter.name, text)
        is_switch = getattr(parameter, "is_flag", False)
        assert is_switch or parameter.metavar, f"{parameter.name} shows its type"


def test_what_is_listed_is_what_there_is() -> None:
    """Types and statuses are written out where importing them would make --help slow."""
    assert set(job_edits.TYPES) == set(BUILT_IN)
    (status,) = (p for p in ALL["profile plans"].params if p.name == "status")
    assert all(each in status.help for each in STATUSES)
