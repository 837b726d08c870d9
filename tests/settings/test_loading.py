"""Where a setting comes from: flag, environment, file, default."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from llm_maint.settings.loading import KEYS, LoadedSettings, known_key
from llm_maint.settings.sections import Settings

MODEL = "llm.model"
VARIABLE = "LLM_MAINT_LLM_MODEL"


def _loaded(
    folder: Path,
    text: str | None = None,
    *,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> LoadedSettings:
    file = None
    if text is not None:
        file = folder / "config.toml"
        file.write_text(text, encoding="utf-8")
    return LoadedSettings.of(flags=flags or {}, environment=environment or {}, file=file)


FILE = '[llm]\nmodel = "from file"\n'


@pytest.mark.parametrize(
    ("text", "environment", "flags", "value", "origin"),
    [
        pytest.param(None, {}, {}, "", "default", id="nothing"),
        pytest.param(FILE, {}, {}, "from file", "file", id="the file"),
        pytest.param(FILE, {VARIABLE: "e"}, {}, "e", "environment", id="before it the environment"),
        pytest.param(FILE, {VARIABLE: "e"}, {MODEL: "f"}, "f", "flag", id="before it the flag"),
        pytest.param(FILE, {}, {MODEL: "f"}, "f", "flag", id="the flag before the file"),
        pytest.param(FILE, {}, {MODEL: ""}, "from file", "file", id="a flag that was not given"),
        pytest.param(FILE, {VARIABLE: ""}, {}, "", "environment", id="an empty variable is one"),
    ],
)
def test_a_flag_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path,
    text: str | None,
    environment: dict[str, str],
    flags: dict[str, str],
    value: str,
    origin: str,
) -> None:
    """Each setting comes from the nearest place that sets it, and knows which that was."""
    loaded = _loaded(tmp_path, text, flags=flags, environment=environment)
    assert (loaded.value(MODEL), loaded.origins[MODEL]) == (value, origin)
    assert loaded.origins["llm.temperature"] == "default"


def test_sources_mix_setting_by_setting(tmp_path: Path) -> None:
    """A section may come from three places at once."""
    loaded = _loaded(
        tmp_path,
        '[llm]\nmodel = "m"\nmax_attempts = 9\n',
        environment={"LLM_MAINT_LLM_MAX_ATTEMPTS": "5"},
        flags={"llm.temperature": "0.5"},
    )
    llm = loaded.settings.llm
    assert (llm.model, llm.max_attempts, llm.temperature) == ("m", 5, 0.5)


def test_every_setting_has_a_variable_of_its_own(tmp_path: Path) -> None:
    """Variables are LLM_MAINT_SECTION_KEY; with its default in each, all is as by default."""
    defaults = LoadedSettings.of(flags={}, environment={}, file=None)
    environment = {}
    for key in KEYS.values():
        value = defaults.value(key.name)
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        environment[key.variable] = "" if key.secret else text
    loaded = _loaded(tmp_path, environment=environment)
    assert len(environment) == len(KEYS)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"environment"}


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("LLM_MAINT_SCHEDULER_ENABLED", "false", "scheduler.enabled", False),
        ("LLM_MAINT_SCHEDULER_LEASE_SECONDS", "7", "scheduler.lease_seconds", 7),
        ("LLM_MAINT_DATABASE_SCHEMA", "own", "database.schema", "own"),
        (
            "LLM_MAINT_PROFILE_MAINTENANCE_PINNED_KEYS",
            " a, b,,c ",
            "profile_maintenance.pinned_keys",
            ("a", "b", "c"),
        ),
        (
            "LLM_MAINT_PROFILE_MAINTENANCE_PROTECTED_SOURCES",
            "",
            "profile_maintenance.protected_sources",
            (),
        ),
    ],
    ids=["a switch", "a number", "the schema", "a list", "an empty list"],
)
def test_text_of_the_environment_becomes_the_settings_type(
    tmp_path: Path, variable: str, text: str, name: str, value: object
) -> None:
    """Numbers and switches are read, lists are separated by commas."""
    assert _loaded(tmp_path, environment={variable: text}).value(name) == value


def test_lists_of_a_file_are_lists(tmp_path: Path) -> None:
    """A TOML array sets a list, and the guards work with it."""
    loaded = _loaded(
        tmp_path,
        '[profile_maintenance]\npinned_keys = ["a", "b"]\nprotected_sources = []\n'
        "max_loss_ratio = 0.5\n",
    )
    policy = loaded.settings.profile_maintenance.policy
    assert policy.pinned_keys == {"a", "b"}
    assert not policy.protected_sources
    assert policy.max_loss_ratio == 0.5
    assert loaded.shown("profile_maintenance.pinned_keys") == ["a", "b"]


@pytest.mark.parametrize("section", Settings.model_fields)
def test_what_is_handed_to_another_process_is_read_there_as_it_is_here(
    tmp_path: Path, section: str
) -> None:
    """The variables of a section carry its settings to a process that we start."""
    environment = {
        "LLM_MAINT_DATABASE_URL": "sqlite:///a.db",
        "LLM_MAINT_LLM_API_KEY": "s3cret",
        "LLM_MAINT_SCHEDULER_ENABLED": "no",
        "LLM_MAINT_PROFILE_MAINTENANCE_PINNED_KEYS": "a,b",
        "LLM_MAINT_HISTORY_KEEP_DAYS": "9",
    }
    here = _loaded(tmp_path, environment=environment)
    there = _loaded(tmp_path, environment=here.environment_of(section))
    assert getattr(there.settings, section) == getattr(here.settings, section)


@pytest.mark.parametrize("name", KEYS)
def test_every_setting_is_explained(name: str) -> None:
    """A setting has a meaning, a default and a name that is found again."""
    key = known_key(name)
    assert key.field.description
    assert not key.field.is_required()


@pytest.mark.parametrize(
    ("base_url", "provider", "uses"),
    [
        ("", "", False),
        ("http://h/v1", "", True),
        ("http://h/v1", "none", False),
        ("http://h/v1", "openai", True),
    ],
)
def test_a_model_is_used_where_one_is_configured(
    tmp_path: Path,
    base_url: str,
    provider: str,
    uses: bool,  # noqa: FBT001 a case's result
) -> None:
    """A base_url is enough, and a provider can switch it off."""
    text = f'[llm]\nbase_url = "{base_url}"\nprovider = "{provider}"\n'
    assert _loaded(tmp_path, text).settings.llm.uses_model is uses
