"""Makes a release of what is committed: refuses what is not ready, builds, tries, tags.

It never pushes or uploads: it ends with the two commands that do. `--check` does all but the tag.
"""

import argparse
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from changelog import UNRELEASED, sections

CHECKOUT = Path(__file__).parents[1]
BRANCH = "main"
VERSION_FILE = "llm_maint/__init__.py"

Maker = Callable[[Path, Path, str, int], None]
"""Makes wheel and sdist of a tree in a folder, for a version, of a time: `distributions.make`."""


def main() -> None:
    """Do as the command line says; exit 1 after what hinders a release, a line each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="do all but the tag, and keep nothing")
    only_check: bool = parser.parse_args().check
    hindrances = list(refusals(CHECKOUT))
    for hindrance in hindrances:
        print(f"release: {hindrance}", file=sys.stderr)
    if hindrances:
        sys.exit(1)

    import distributions

    try:
        release(CHECKOUT, make=distributions.make, only_check=only_check)
    except (AssertionError, subprocess.CalledProcessError) as error:
        sys.exit(f"release: nothing is tagged: {error}")


def refusals(checkout: Path) -> Iterator[str]:
    """Yield what hinders a release, each with what to do about it; nothing is written."""
    if not (checkout / ".git").exists():
        yield "this is no git checkout: make a release in a clone"
        return
    yield from _refusals_of_the_tree(checkout)
    version = version_of(checkout)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"{version} is no version to release: write X.Y.Z into {VERSION_FILE}"
        return
    if _git(checkout, "tag", "--list", f"v{version}"):
        yield f"the tag v{version} exists already: count on in {VERSION_FILE}"
    yield from _refusals_of_the_changelog(checkout, version)


def release(checkout: Path, *, make: Maker, only_check: bool) -> None:
    """Make what is released of the commit, and tag it; leave wheel and sdist in `dist`.

    What is built is the commit as git has it: whatever else lies in the folder, ignored or not,
    stays out. The tag comes last, so that nothing is tagged that failed.
    """
    version, commit = version_of(checkout), _git(checkout, "rev-parse", "HEAD")
    committed_at = int(_git(checkout, "log", "-1", "--format=%ct", commit))
    with TemporaryDirectory(prefix="llm-maint-release-") as folder:
        tree, made = Path(folder, "tree"), Path(folder, "dist")
        _export(checkout, commit, tree)
        make(tree, made, version, committed_at)
        if only_check:
            print(f"\n{version} can be released: make release")
            return
        _tag(checkout, commit, version)
        names = _keep(made, checkout / "dist")
    print(f"\nTagged v{version}. To publish it:")
    print(f"  git push origin {BRANCH} v{version}")
    print(f"  .venv/bin/uv publish {names}")


def version_of(checkout: Path) -> str:
    """Return the version, from the only place that states it."""
    version: str = runpy.run_path(str(checkout / VERSION_FILE))["__version__"]
    return version


def _refusals_of_the_tree(checkout: Path) -> Iterator[str]:
    branch = _git(checkout, "branch", "--show-current") or "no branch"
    if branch != BRANCH:
        yield f"this is {branch}, and releases are made of {BRANCH}: git switch {BRANCH}"
    dirty = _git(checkout, "status", "--porcelain", "--untracked-files=all").splitlines()
    if dirty:
        first = dirty[0].split(maxsplit=1)[1]
        more = f" and {len(dirty) - 1} more" if dirty[1:] else ""
        yield f"the tree is dirty ({first}{more}): commit or remove what git status shows"


def _refusals_of_the_changelog(checkout: Path, version: str) -> Iterator[str]:
    try:
        found = sections((checkout / "CHANGELOG.md").read_text(encoding="utf-8"))
    except ValueError as error:
        yield f"CHANGELOG.md has a wrong date ({error}): write it as YYYY-MM-DD"
        return
    if not found or found[0].name != UNRELEASED:
        yield f"CHANGELOG.md does not begin with Unreleased: put ## [{UNRELEASED}] on top"
        return
    unreleased, *released = found
    if unreleased.says_something:
        yield f"CHANGELOG.md has entries under Unreleased: move them into [{version}]"
    section = next((each for each in released if each.name == version), None)
    if section is None or section.dated is None:
        yield f"CHANGELOG.md lacks the version: add ## [{version}] - YYYY-MM-DD below Unreleased"
    elif section is not released[0]:
        yield f"CHANGELOG.md has [{released[0].name}] above [{version}]: the newest comes first"
    elif not section.says_something:
        yield f"CHANGELOG.md says nothing of [{version}]: write what has changed"


def _export(checkout: Path, commit: str, tree: Path) -> None:
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit], cwd=checkout, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(tree, filter="data")


def _tag(checkout: Path, commit: str, version: str) -> None:
    text = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    (said,) = (each.text for each in sections(text) if each.name == version)
    message = f"llm-maint {version}\n\n{said}\n"
    # Verbatim, since git takes the headings of the changelog for comments.
    options = ("--annotate", "--cleanup=verbatim", "--message", message)
    _git(checkout, "tag", *options, f"v{version}", commit)


def _keep(made: Path, dist: Path) -> str:
    """Move what was made to `dist`, where nothing else is left; return the words to name it by."""
    shutil.rmtree(dist, ignore_errors=True)
    shutil.copytree(made, dist)
    return " ".join(f"dist/{file.name}" for file in sorted(made.iterdir()))


def _git(checkout: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=checkout, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
