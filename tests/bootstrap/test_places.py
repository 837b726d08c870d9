"""Where the configuration and the default database are."""

from pathlib import Path

import platformdirs
import pytest

from llm_maint.bootstrap import places, root


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": "/home/me"},
        {"HOME": "/"},
        {"HOME": "/home/me/"},
        {"HOME": "/home/me", "XDG_DATA_HOME": "/data"},
        {"HOME": "/home/me", "XDG_DATA_HOME": "/data/"},
        {"HOME": "/home/me", "XDG_DATA_HOME": ""},
        {"HOME": "/home/me", "XDG_DATA_HOME": " "},
        {"HOME": "/home/me", "XDG_DATA_HOME": "relative"},
        {"HOME": "/home/me", "XDG_DATA_HOME": "/a//b/../c"},
        {"HOME": ""},
        {},
    ],
    ids=str,
)
def test_the_default_database_is_where_the_platform_has_data(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """The short answer is the long one."""
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected = platformdirs.user_data_path("llm-maint") / "memory.db"
    assert Path(places.default_database()) == expected


def test_a_configuration_is_named_or_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Option, variable, the user's file, the system's: the first that there is."""
    monkeypatch.delenv("LLM_MAINT_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(places, "SYSTEM_CONFIG", str(tmp_path / "system.toml"))
    users = tmp_path / "llm-maint" / "config.toml"
    assert root.config_in_use(None) is None
    assert root.config_to_write(None) == users
    (tmp_path / "system.toml").touch()
    assert root.config_in_use(None) == tmp_path / "system.toml"
    users.parent.mkdir()
    users.touch()
    assert root.config_in_use(None) == users
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("LLM_MAINT_CONFIG", "~/mine.toml")
    assert root.config_in_use(None) == Path("/home/me/mine.toml")
    assert root.config_in_use(Path("given.toml")) == Path("given.toml")
