"""A release: one version, a changelog in form, and what `make release` refuses."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import release
from changelog import HEADING, UNRELEASED, sections

import llm_maint

CHECKOUT = Path(__file__).parents[1]
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
TEXTS = {".md", ".py", ".toml", ".sh", ".txt", ".example", ".service", ".timer", ""}
CHANGELOG = """\
# Changelog

## [Unreleased]

## [98.7.6] - 2026-02-03

### Added

- A thing.

## [98.7.5] - 2026-01-02

### Fixed

- Another.
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout of a version 98.7.6 that is ready to be released."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.org")
        monkeypatch.setenv(f"GIT_{name}_DATE", "2026-02-03T04:05:06Z")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    clone = tmp_path / "clone"
    (clone / "llm_maint").mkdir(parents=True)
    shutil.copytree(CHECKOUT / ".ci", clone / ".ci")
    for name in (".gitignore", "Makefile"):
        shutil.copy(CHECKOUT / name, clone)
    write(clone, "CHANGELOG.md", CHANGELOG)
    write(clone, "pyproject.toml", "")
    write(clone, release.VERSION_FILE, '__version__ = "98.7.6"\n')
    git(clone, "init", "--quiet", "--initial-branch", "main")
    commit(clone)
    return clone


def test_the_version_is_stated_in_one_place() -> None:
    """Nothing else repeats it, but the changelog and tables of what was measured."""
    stated = re.compile(rf"(?<![\w.=]){re.escape(llm_maint.__version__)}(?![\w.])")
    found = {
        str(path.relative_to(CHECKOUT))
        for path in texts()
        for line in path.read_text(encoding="utf-8").splitlines()
        if stated.search(line) and not line.startswith("| ")
    }
    assert found - {"CHANGELOG.md"} == {release.VERSION_FILE}


def test_the_command_and_what_is_installed_say_the_same_version() -> None:
    """`--version`, the metadata of the installed package and the package itself agree."""
    line = [sys.executable, "-m", "llm_maint", "--version"]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    assert said == f"llm-maint {llm_maint.__version__}\n"
    assert importlib.metadata.version("llm-maint") == llm_maint.__version__
    assert release.version_of(CHECKOUT) == llm_maint.__version__


def test_the_changelog_is_in_form() -> None:
    """Unreleased comes first, then each version once with its date, newest on top."""
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall("^## .*", text, re.MULTILINE) == [each[0] for each in HEADING.finditer(text)]
    unreleased, *released = sections(text)
    assert (unreleased.name, unreleased.dated) == (UNRELEASED, None)
    order = [tuple(int(number) for number in each.name.split(".")) for each in released]
    assert order == sorted(set(order), reverse=True)
    for each in (unreleased, *released):
        kinds = re.findall("^### (.*)", each.text, re.MULTILINE)
        assert set(kinds) <= CHANGES
        assert len(kinds) == len(set(kinds))
    for each in released:
        assert each.dated
        assert each.says_something


def test_a_checkout_that_is_ready_is_refused_nothing(clone: Path) -> None:
    """What git ignores does not make a tree dirty."""
    write(clone, "dist/old.whl", "")
    assert list(release.refusals(clone)) == []


def replaced(old: str, new: str) -> Callable[[Path], None]:
    """Return what commits another changelog."""

    def replace(clone: Path) -> None:
        assert old in CHANGELOG
        write(clone, "CHANGELOG.md", CHANGELOG.replace(old, new))
        commit(clone)

    return replace


def version(text: str) -> Callable[[Path], None]:
    """Return what commits another version."""

    def state(clone: Path) -> None:
        write(clone, release.VERSION_FILE, f'__version__ = "{text}"\n')
        commit(clone)

    return state


def two_files(clone: Path) -> None:
    """Write two files that git does not know."""
    write(clone, "a", "")
    write(clone, "b", "")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda clone: write(clone, "CHANGELOG.md", CHANGELOG + "\n"), "dirty (CHANGELOG.md): com"),
        (lambda clone: write(clone, "new/file", ""), "dirty (new/file): commit or remove"),
        (two_files, "dirty (a and 1 more): commit or remove"),
        (lambda clone: git(clone, "switch", "-qc", "other"), "this is other, and releases"),
        (lambda clone: git(clone, "switch", "-q", "--detach"), "this is no branch, and releases"),
        (lambda clone: shutil.rmtree(clone / ".git"), "no git checkout: make a release in a clone"),
        (
            version("98.7.6.dev0"),
            "98.7.6.dev0 is no version to release: write X.Y.Z into llm_maint",
        ),
        (version("98.7.6rc1"), "98.7.6rc1 is no version to release"),
        (version("98.7.7"), "lacks the version: add ## [98.7.7] - YYYY-MM-DD below Unreleased"),
        (version("98.7.5"), "has [98.7.6] above [98.7.5]: the newest comes first"),
        (lambda clone: git(clone, "tag", "v98.7.6"), "tag v98.7.6 exists already: count on in"),
        (replaced(" - 2026-02-03", ""), "lacks the version: add ## [98.7.6] - YYYY-MM-DD"),
        (replaced("2026-02-03", "2026-02-30"), "wrong date (day is out of range for month)"),
        (replaced("- A thing.\n", ""), "says nothing of [98.7.6]: write what has changed"),
        (replaced("[Unreleased]\n", "[Unreleased]\n\n- A\n"), "move them into [98.7.6]"),
        (replaced("## [Unreleased]\n", ""), "put ## [Unreleased] on top"),
        (replaced(CHANGELOG, ""), "put ## [Unreleased] on top"),
    ],
)
def test_what_is_not_ready_is_refused(
    clone: Path, spoil: Callable[[Path], object], said: str
) -> None:
    """One line names what hinders the release and what to do; nothing is tagged."""
    spoil(clone)
    (told,) = release.refusals(clone)
    assert said in told
    assert "\n" not in told


def test_make_release_says_all_that_hinders_it_and_builds_nothing(
    clone: Path, tmp_path: Path
) -> None:
    """A line for each, no traceback, no tag, no `dist`; the check is no different."""
    write(clone, "new", "")
    git(clone, "switch", "-qc", "other")
    python = tmp_path / "environment/bin/python"
    write(python.parent, "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "environment/.developing").touch()
    for target in ("release", "release-check"):
        line = ["make", "--silent", target, f"VENV={tmp_path / 'environment'}"]
        done = subprocess.run(line, cwd=clone, check=False, capture_output=True, text=True)
        assert done.returncode == 2
        assert [each[:20] for each in done.stderr.splitlines()[:-1]] == [
            "release: this is oth",
            "release: the tree is",
        ]
        assert not done.stdout
    assert not git(clone, "tag")
    assert not (clone / "dist").exists()


@pytest.mark.parametrize("only_check", [False, True])
def test_a_release_is_the_commit_tagged_with_its_changes(
    clone: Path, capsys: pytest.CaptureFixture[str], *, only_check: bool
) -> None:
    """What is built is what was committed, and the tag holds the changelog; a check leaves none."""
    write(clone, "dist/old.whl", "")
    seen = []

    def make(tree: Path, into: Path, version: str, committed_at: int) -> None:
        seen.append((version, committed_at, sorted(path.name for path in tree.iterdir())))
        write(into, "new.whl", "")

    release.release(clone, make=make, only_check=only_check)
    files = [".ci", ".gitignore", "CHANGELOG.md", "Makefile", "llm_maint", "pyproject.toml"]
    assert seen == [("98.7.6", 1_770_091_506, files)]
    assert [path.name for path in (clone / "dist").iterdir()] == [
        "old.whl" if only_check else "new.whl"
    ]
    tagged = "" if only_check else "tag llm-maint 98.7.6\n\n### Added\n\n- A thing."
    assert git(clone, "tag", "--format=%(objecttype) %(contents)") == tagged
    told = capsys.readouterr().out
    assert ("git push origin main v98.7.6" in told) is not only_check
    assert ("uv publish dist/new.whl" in told) is not only_check


def test_a_release_that_cannot_be_made_leaves_no_tag(clone: Path) -> None:
    """The tag comes last."""

    def make(*_: object) -> None:
        raise AssertionError("a command ended with 70")

    with pytest.raises(AssertionError, match="ended with 70"):
        release.release(clone, make=make, only_check=False)
    assert not git(clone, "tag")
    assert not (clone / "dist").exists()


def texts() -> list[Path]:
    """Return the files of the checkout that people write."""
    made = {"build", "dist", "PKG-INFO"}  # the last is what an sdist adds
    tops = [path for path in CHECKOUT.iterdir() if path.name not in made]
    own = [path for path in tops if not path.name.startswith(".") or path.name == ".ci"]
    inside = [path for top in own if top.is_dir() for path in top.rglob("*")]
    return [path for path in (*own, *inside) if path.is_file() and path.suffix in TEXTS]


def write(folder: Path, name: str, text: str) -> None:
    """Write a file, and the folders above it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def git(clone: Path, *arguments: str) -> str:
    """Return what git prints."""
    line = ["git", *arguments]
    done = subprocess.run(line, cwd=clone, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def commit(clone: Path) -> None:
    """Commit all there is."""
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "As it is")
