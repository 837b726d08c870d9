"""The house rules that no other tool of the gate checks."""

import ast
from pathlib import Path

import pytest

from llm_maint.jobs import BUILT_IN, find_job_type

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "llm_maint"
SOURCES = sorted(PACKAGE.rglob("*.py"))
NAMES_WITHOUT_MEANING = {"utils", "helpers", "common", "base", "models", "manager", "misc"}
LONGEST_FILE, LONGEST_FUNCTION = 285, 45


def test_a_job_type_is_one_word_everywhere() -> None:
    """File, registry line, `job_type` and test have the same name."""
    files = {path.stem for path in (PACKAGE / "jobs").glob("*.py")} - {"__init__"}
    tested = {path.stem.removeprefix("test_") for path in (CHECKOUT / "tests/jobs").glob("test_*")}
    assert files == set(BUILT_IN)
    assert files <= tested
    for name in files:
        assert find_job_type(name).type == name
        find_job_type(name).check(find_job_type(name).default_config)


def test_every_room_has_a_name() -> None:
    """A file is named by what is in it."""
    assert {path.stem for path in SOURCES}.isdisjoint(NAMES_WITHOUT_MEANING)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_says_what_it_is_for_and_stays_small(path: Path) -> None:
    """Every module opens with a sentence; no file and no function outgrows a reader."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


def test_the_version_stands_in_the_changelog() -> None:
    """Unreleased work is written down as it is done."""
    changelog = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog


def test_make_lists_the_commands_of_the_readme() -> None:
    """The two commands that do it all are real targets."""
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    for target in ("demo", "test", "check"):
        assert f"\n{target}:" in makefile
        assert f"make {target}" in readme
