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


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("sqlite:///memory.db", "sqlite:///{here}/memory.db"),
        ("sqlite:///../memory.db?mode=ro", "sqlite:///{above}/memory.db?mode=ro"),
        ("sqlite:////var/lib/memory.db", "sqlite:////var/lib/memory.db"),
        ("sqlite:///~/memory.db", "sqlite:///~/memory.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///", "sqlite:///"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://me@localhost/memory", "postgresql://me@localhost/memory"),
        ("", ""),
    ],
)
def test_a_database_is_found_from_everywhere(
    url: str, absolute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a file does not depend on where a command is started."""
    monkeypatch.chdir(tmp_path)
    wanted = absolute.format(here=tmp_path, above=tmp_path.parent)
    assert places.absolute_url(url) == wanted


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("new/deep/file", None),
        ("file", None),
        ("file/below", "{here}/file is no directory"),
        ("folder", "{here}/folder is a directory"),
        ("link", None),
    ],
)
def test_what_is_in_the_way_of_a_file(path: str, told: str | None, tmp_path: Path) -> None:
    """It is told without trying, so nothing is made."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    before = sorted(tmp_path.rglob("*"))
    assert places.obstacle(str(tmp_path / path)) == (told and told.format(here=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before
