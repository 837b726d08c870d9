"""What is no setting, or no value of one, is refused with its place and the nearest name."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from llm_maint.errors import ConfigurationError
from llm_maint.settings.loading import LoadedSettings
from llm_maint.settings.sections import Settings


def _refusal(
    folder: Path, text: str | None = None, *, environment: Mapping[str, str] | None = None
) -> str:
    file = None
    if text is not None:
        file = folder / "config.toml"
        file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        LoadedSettings.of(flags={}, environment=environment or {}, file=file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[llm]\nmodle = "x"', "no setting 'llm.modle'; did you mean 'llm.model'?"),
        pytest.param("[lmm]\nmodel = 5", "no setting 'lmm.model'; did you mean 'llm.model'?"),
        pytest.param('model = "x"', "no setting 'model'; did you mean 'llm.model'?"),
        pytest.param("[zzz]\nqqq = 5", "no setting 'zzz.qqq'; see: llm-maint config show"),
    ],
    ids=["key", "section", "without section", "near none"],
)
def test_an_unknown_key_of_the_file_names_the_nearest(
    tmp_path: Path, text: str, message: str
) -> None:
    """A key that nobody reads is an error, with the file and what was probably meant."""
    assert _refusal(tmp_path, text) == f"{tmp_path / 'config.toml'}: {message}"


def test_an_unknown_flag_names_the_nearest() -> None:
    """A flag sets a setting that there is."""
    with pytest.raises(ConfigurationError, match=r"did you mean 'llm\.model'"):
        LoadedSettings.of(flags={"llm.modl": "x"}, environment={}, file=None)


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("LLM_MAINT_LLM_MODLE", "; did you mean LLM_MAINT_LLM_MODEL?"),
        ("LLM_MAINT_", ""),
        ("LLM_MAINT_Q", ""),
    ],
)
def test_an_unknown_variable_names_the_nearest(tmp_path: Path, variable: str, hint: str) -> None:
    """A variable with the prefix that sets nothing is a slip, not silence."""
    message = _refusal(tmp_path, environment={variable: "x"})
    assert message.startswith(f"no setting belongs to the variable {variable}")
    assert hint in message


@pytest.mark.parametrize(
    "variable", ["PATH", "LLM_MODEL", "llm_maint_llm_modle", "LLM_MAINT_CONFIG", "LLM_MAINT_TEST_X"]
)
def test_variables_that_are_no_settings_are_left_alone(variable: str) -> None:
    """Without the prefix, or for the file's place and for tests, a variable is no setting."""
    loaded = LoadedSettings.of(flags={}, environment={variable: "x"}, file=None)
    assert loaded.settings == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llm.timeout_seconds", "0"),
        ("llm.timeout_seconds", '"soon"'),
        ("llm.max_attempts", "0"),
        ("llm.max_attempts", "1.5"),
        ("llm.temperature", "nan"),
        ("llm.provider", '"telepathy"'),
        ("llm.structured_output", '"yaml"'),
        ("llm.base_url", '"127.0.0.1:8080"'),
        ("llm.base_url", '"ftp://host/v1"'),
        ("llm.model", "5"),
        ("llm.model", '["a"]'),
        ("database.schema", '"a; drop table x"'),
        ("database.schema", '"own\\n"'),
        ("scheduler.lease_seconds", "-1"),
        ("scheduler.enabled", '"maybe"'),
        ("profile_maintenance.max_loss_ratio", "1.01"),
        ("profile_maintenance.max_loss_ratio", "nan"),
        ("profile_maintenance.max_rows_per_request", "1"),
        ("profile_maintenance.pinned_keys", '"a"'),
        ("profile_maintenance.pinned_keys", "[1]"),
        ("history.keep_days", "0"),
        ("history.journal_keep_days", "7"),
    ],
)
def test_a_value_out_of_range_names_setting_and_place(
    tmp_path: Path, name: str, value: str
) -> None:
    """A bad value is refused with its setting and the file that holds it."""
    section, _, key = name.partition(".")
    message = _refusal(tmp_path, f"[{section}]\n{key} = {value}\n")
    assert message.startswith(f"{name} ({tmp_path / 'config.toml'}): ")


def test_a_bad_value_of_the_environment_names_its_variable(tmp_path: Path) -> None:
    """The place to correct a variable is the variable."""
    message = _refusal(tmp_path, environment={"LLM_MAINT_LLM_MAX_ATTEMPTS": "many"})
    assert message.startswith("llm.max_attempts (LLM_MAINT_LLM_MAX_ATTEMPTS): ")


@pytest.mark.parametrize("data", [b"[llm", b"\xff\xfe", b"model = 'a\nb'", b"[llm]\n[llm]\n"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, data: bytes) -> None:
    """What cannot be read is named with its file."""
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigurationError, match="is not TOML"):
        LoadedSettings.of(flags={}, environment={}, file=file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A file that was asked for must be there."""
    with pytest.raises(ConfigurationError, match=r"cannot read .*gone\.toml: No such file"):
        LoadedSettings.of(flags={}, environment={}, file=tmp_path / "gone.toml")
