"""What the wheel and the sdist hold; `make smoke` tries real ones."""

import io
import tarfile
import tomllib
import zipfile
from pathlib import Path

import distributions
import pytest

METADATA = """\
Metadata-Version: 2.4
Name: llm-maint
Version: 98.7.6
License-File: LICENSE
Description-Content-Type: text/markdown

# llm-maint
"""


@pytest.mark.parametrize(
    ("wheel", "sdist", "said"),
    [
        ([], [], None),
        (["tests/test_a.py"], [], r"too many: \['tests/test_a.py'\]"),
        (["llm_maint/key"], [], r"too many: \['llm_maint/key'\]"),
        ([], [".env"], r"too many: \['.env'\]"),
        (["-llm_maint/a.py"], [], r"missing: \['llm_maint/a.py'\]"),
        (["-llm_maint/examples/b.json"], [], r"missing: \['llm_maint/examples/b.json'\]"),
        ([], ["-tests/test_a.py"], r"missing: \['tests/test_a.py'\]"),
    ],
)
def test_what_does_not_belong_into_wheel_or_sdist_is_found(
    tmp_path: Path, wheel: list[str], sdist: list[str], said: str | None
) -> None:
    """The sdist is the tree, the wheel the package and its examples: no file more or less."""
    tree, top = tmp_path / "tree", "llm_maint-98.7.6"
    package = ["llm_maint/a.py", "examples/b.json"]
    for name in (*package, "tests/test_a.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    about = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    packed = but(["llm_maint/a.py", "llm_maint/examples/b.json"], wheel)
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as zipped:
        for name in (*packed, *(f"{top}.dist-info/{each}" for each in about)):
            zipped.writestr(name, METADATA)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for name in but([*package, "tests/test_a.py", "PKG-INFO"], sdist):
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(METADATA)
            archive.addfile(member, io.BytesIO(METADATA.encode()))

    def inspect() -> None:
        distributions.inspect(
            tmp_path / "a.whl", tmp_path / "a.tar.gz", tree=tree, version="98.7.6"
        )

    if said is None:
        inspect()
    else:
        with pytest.raises(AssertionError, match=said):
            inspect()


def test_metadata_that_an_index_would_refuse_are_found(tmp_path: Path) -> None:
    """The reason is told, in a line."""
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        text = METADATA.replace("2.4", "0.4").encode()
        member = tarfile.TarInfo("llm_maint-98.7.6/PKG-INFO")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    with pytest.raises(AssertionError, match=r"^'0\.4' is not a valid metadata version$"):
        distributions.inspect(
            tmp_path / "a.whl", tmp_path / "a.tar.gz", tree=tmp_path, version="98.7.6"
        )


def test_the_extra_asks_for_no_other_psycopg() -> None:
    """What is compiled has the floor of what the plain install brings, which is tested."""
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    (compiled,) = project["optional-dependencies"]["c"]
    assert compiled.replace("[c]", "[binary]") in project["dependencies"]


def but(names: list[str], changes: list[str]) -> list[str]:
    """Return the names with more, or (-) without."""
    without = {name.removeprefix("-") for name in changes if name.startswith("-")}
    return [name for name in [*names, *changes] if name not in without and name[0] != "-"]
