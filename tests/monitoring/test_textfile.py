"""The file of metrics: old or new, never half of either."""

import os
import stat
from pathlib import Path
from typing import Any, NoReturn

import pytest

from llm_maint.monitoring.textfile import write


def test_the_file_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written beside the old one, under a name that no collector reads."""
    path, seen = tmp_path / "llm.prom", {}
    path.write_text("old\n")
    replace = Path.replace

    def noted(written: Path, target: Path) -> Any:  # noqa: ANN401 as inherited
        seen.update({each.name: each.read_text() for each in tmp_path.iterdir()})
        return replace(written, target)

    monkeypatch.setattr(Path, "replace", noted)
    old = os.umask(0o077)
    write(path, "new ü\n")
    os.umask(old)
    (beside,) = seen.keys() - {"llm.prom"}
    assert seen == {"llm.prom": "old\n", beside: "new ü\n"}
    assert not beside.endswith(".prom")
    assert {each.name for each in tmp_path.iterdir()} == {"llm.prom"}
    assert path.read_text(encoding="utf-8") == "new ü\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing beside it."""
    path = tmp_path / "llm.prom"
    path.write_text("old\n")

    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(OSError, match="No space"):
        write(path, "new\n")
    assert [each.name for each in tmp_path.iterdir()] == ["llm.prom"]
    assert path.read_text() == "old\n"


@pytest.mark.parametrize("name", ["llm.txt", "null", ".prom", "llm.prom.gz"])
def test_nothing_else_is_written_over(tmp_path: Path, name: str) -> None:
    """A device, or somebody's file, is not replaced because a setting names it."""
    path = tmp_path / name
    path.write_text("somebody's")
    with pytest.raises(ValueError, match="does not end in"):
        write(path, "new")
    assert path.read_text() == "somebody's"
