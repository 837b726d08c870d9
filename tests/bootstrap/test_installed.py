"""Where the program is that a service or cron will start, and whose key it uses there."""

import sys
from pathlib import Path

import pytest

from llm_maint.bootstrap import installed, root
from llm_maint.errors import ConfigurationError, UsageError
from llm_maint.settings.sections import Settings


def _program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_program_is_the_one_that_was_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else it stands beside the interpreter, or in the search path; a link is not followed."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python"))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "llm_maint/__main__.py")])
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    with pytest.raises(UsageError, match="--program"):
        installed.program_path()
    in_path = _program(tmp_path / "path/llm-maint")
    assert installed.program_path() == str(in_path)
    beside = _program(tmp_path / "venv/bin/llm-maint")
    assert installed.program_path() == str(beside)
    called = tmp_path / "bin/llm-maint"
    called.parent.mkdir()
    called.symlink_to(beside)
    monkeypatch.setattr(sys, "argv", [str(called)])
    assert installed.program_path() == str(called)


def test_a_program_of_ours_needs_its_interpreter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A virtual environment's is a link, often into the home of who made it."""
    real, program = _program(tmp_path / "home/python3"), _program(tmp_path / "venv/llm-maint")
    (tmp_path / "venv/python").symlink_to(real)
    (tmp_path / "llm-maint").symlink_to(program)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/python"))
    called = str(tmp_path / "llm-maint")
    assert installed.needed_for(called) == (called, str(program), str(real))
    assert installed.needed_for(str(real)) == (str(real), str(real))


def test_systemds_credential_goes_before_the_key_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may be a copy of that file, which the service cannot read; an empty one is none."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    file = tmp_path / "file"
    of_file = Settings.model_validate({"llm": {"api_key_file": str(file)}})
    of_command = Settings.model_validate({"llm": {"api_key_command": "echo commanded"}})
    with pytest.raises(ConfigurationError, match=r"llm\.api_key_file: cannot read"):
        root._api_key(of_file)
    file.write_text("filed\n")
    assert root._api_key(of_file) == "filed"
    (tmp_path / "llm-api-key").write_text("\n")
    assert root._api_key(of_file) == "filed"
    assert root._api_key(of_command) == "commanded"
    assert root._api_key(Settings()) == ""
    (tmp_path / "llm-api-key").write_text("handed over\n")
    assert root._api_key(of_file) == root._api_key(of_command) == "handed over"
    set_too = Settings.model_validate({"llm": {"api_key": "set", "api_key_file": str(file)}})
    assert root._api_key(set_too) == "set"
