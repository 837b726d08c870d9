"""What the documentation tells people to type is typed here, and what it shows is compared."""

import re
from pathlib import Path

import pytest
from pages import CONSOLE, Page, documentation
from reader import Reader, reading

TYPED = re.compile(r"^\s*(\$ |llm-maint\b|make\b|pip\b|pipx\b|systemctl\b|crontab\b|psql\b)")
"""How a command begins that somebody may type."""

HARMLESS = frozenset(
    {"toml", "sql", "python", "text", "json", "ini", "markdown", CONSOLE, "hidden"}
)
"""The languages of blocks; commands stand in those of the console alone."""


@pytest.mark.parametrize("page", documentation(), ids=lambda page: page.name)
def test_what_a_page_shows_is_what_happens(
    page: Page, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each command of a page ends as the page says and prints what the page shows."""
    with reading(page, tmp_path, request) as reader:
        for block in page.blocks():
            if block.language in (CONSOLE, "hidden"):
                reader.type_all(block)
            elif len(block.words) > 1:
                reader.save(block)


@pytest.mark.parametrize("page", documentation(), ids=lambda page: page.name)
def test_no_command_hides_from_the_test(page: Page) -> None:
    """What looks like a command stands in a console block, which is run."""
    for block in page.blocks():
        assert block.language in HARMLESS, f"{page.name}:{block.number}: ```{block.language}"
        if block.language in (CONSOLE, "hidden"):
            assert any(line.startswith("$ ") for line in block.lines), f"{block.number}"
        else:
            typed = [line for line in block.lines if TYPED.match(line)]
            assert not typed, f"{page.name}:{block.number}: {typed}"
    indented = [number for number, line in page.prose() if re.match(r"^ {4,}|^\t", line)]
    for number, line in page.prose():
        if number in indented and TYPED.match(line):
            pytest.fail(f"{page.name}:{number}: {line}")


def test_a_difference_is_seen(tmp_path: Path) -> None:
    """A wrong exit code, another output and an unknown program each fail a page."""
    for shown, wrong in (
        ("$ llm-maint --version  # exit 3", "exit"),
        ("$ llm-maint --version\nllm-maint of yesterday", "of yesterday"),
        ("$ frobnicate", "frobnicate"),
        ("$ make no-such-target", "no-such-target"),
        ("$ echo one; echo two\none", "two"),
    ):
        path = tmp_path / "page.md"
        path.write_text(f"```console\n{shown}\n```\n", encoding="utf-8")
        (block,) = Page(path).blocks()
        with pytest.raises(AssertionError, match=wrong):
            Reader(home=tmp_path, page=path.name).type_all(block)
