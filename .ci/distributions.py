"""Builds the wheel and the sdist, looks into them, and tries each in an empty environment.

Run as a script it does so with the checkout as it is, and keeps nothing.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.metadata import Metadata
from release import CHECKOUT, version_of
from smoke import smoke

SOME_DAY = 1_767_225_600
"""The time that files get which are not released: 2026-01-01, in seconds since 1970."""


def main() -> None:
    """Try what the checkout would release, whatever is not committed included."""
    with TemporaryDirectory(prefix="llm-maint-smoke-") as folder:
        tree, made = Path(folder, "tree"), Path(folder, "dist")
        _copy_what_git_knows(CHECKOUT, tree)
        make(tree, made, version_of(CHECKOUT), SOME_DAY)


def make(tree: Path, into: Path, version: str, committed_at: int) -> None:
    """Make wheel and sdist of a tree, look into both, and try each.

    The wheel is tried on the oldest Python that is installed here and the sdist on the newest.
    `committed_at`, in seconds since 1970, is the time that all files get.

    Raises:
        AssertionError: something is in them that does not belong there, or is missing, or is made
            otherwise a second time.
        subprocess.CalledProcessError: something cannot be built or installed.

    """
    wheel, sdist = _build(tree, into, committed_at)
    assert wheel.name == f"llm_maint-{version}-py3-none-any.whl", wheel.name
    assert sdist.name == f"llm_maint-{version}.tar.gz", sdist.name
    inspect(wheel, sdist, tree=tree, version=version)
    print(
        f"{wheel.name} {wheel.stat().st_size:,} bytes, {sdist.name} {sdist.stat().st_size:,} bytes"
    )
    with ThreadPoolExecutor() as threads:
        tried = [
            threads.submit(smoke, file, python=_python(which), version=version)
            for file, which in ((wheel, "oldest"), (sdist, "newest"))
        ]
    for each in tried:
        print("\n".join(each.result()))


def inspect(wheel: Path, sdist: Path, *, tree: Path, version: str) -> None:
    """Check that the sdist is the whole tree, the wheel the package and no more, and both named so.

    The sdist is what a distribution packages and tests, so it has the tests and all they read.

    Raises:
        AssertionError: naming the files that are too many or missing.

    """
    files = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    top = f"llm_maint-{version}"
    with tarfile.open(sdist) as archive:
        packed = {name.removeprefix(f"{top}/") for name in archive.getnames()}
        told = archive.extractfile(f"{top}/PKG-INFO")
        assert told is not None
        _check_metadata(told.read(), version)
    _assert_same(packed, files | {"PKG-INFO"})

    ours = {name for name in files if name.startswith("llm_maint/")}
    ours |= {f"llm_maint/{name}" for name in files if name.startswith("examples/")}
    share = f"{top}.data/data/share"
    ours |= {
        f"{share}/man/man1/{Path(name).name}" for name in files if name.startswith("docs/man/")
    }
    about = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    with zipfile.ZipFile(wheel) as archive:
        _assert_same(set(archive.namelist()), ours | {f"{top}.dist-info/{name}" for name in about})
        _check_metadata(archive.read(f"{top}.dist-info/METADATA"), version)


def _build(tree: Path, into: Path, committed_at: int) -> tuple[Path, Path]:
    """Build the sdist of the tree and the wheel of the sdist; refuse what differs when made again.

    The second wheel is built of the tree: equal bytes show that the sdist lacks nothing either.
    """
    again = into.with_name("again")
    _uv("build", "--quiet", "--out-dir", into, tree, committed_at=committed_at)
    _uv(
        "build",
        "--quiet",
        "--sdist",
        "--wheel",
        "--out-dir",
        again,
        tree,
        committed_at=committed_at,
    )
    (into / ".gitignore").unlink(missing_ok=True)
    (wheel,), (sdist,) = into.glob("*.whl"), into.glob("*.tar.gz")
    for made in (wheel, sdist):
        assert made.read_bytes() == (again / made.name).read_bytes(), f"{made.name} differs"
    return wheel, sdist


def _uv(*arguments: str | Path, committed_at: int) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(committed_at)}
    subprocess.run([sys.executable, "-m", "uv", *arguments], env=environment, check=True)


def _check_metadata(text: bytes, version: str) -> None:
    """Check it as an index does that takes uploads."""
    try:
        told = Metadata.from_email(text, validate=True)
    except ExceptionGroup as group:
        raise AssertionError("; ".join(map(str, group.exceptions))) from None
    assert (told.name, str(told.version)) == ("llm-maint", version)
    assert told.description
    assert told.description_content_type == "text/markdown"
    assert told.license_files == ["LICENSE"]


def _assert_same(found: set[str], expected: set[str]) -> None:
    assert found == expected, (
        f"too many: {sorted(found - expected)}, missing: {sorted(expected - found)}"
    )


def _copy_what_git_knows(checkout: Path, tree: Path) -> None:
    names = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(names, cwd=checkout, check=True, stdout=subprocess.PIPE, text=True)
    for name in listed.stdout.strip("\0").split("\0"):
        if (checkout / name).is_file():  # one can be deleted and not committed
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / name, tree / name)


def _python(which: str) -> str:
    finder = Path(__file__).with_name("python")
    done = subprocess.run([finder, which], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
