"""The configuration file: explained, valid, and changed one setting at a time."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_maint.errors import ConfigurationError
from llm_maint.settings.file import commented, with_setting, with_settings, write_private
from llm_maint.settings.loading import KEYS, LoadedSettings
from llm_maint.settings.sections import Settings


def _loaded(file: Path) -> LoadedSettings:
    return LoadedSettings.of(flags={}, environment={}, file=file)


def _changed(file: Path, name: str, text: str) -> LoadedSettings:
    file.write_text(with_setting(file, name, text), encoding="utf-8")
    return _loaded(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the configuration file is to be; it is not there yet."""
    return tmp_path / "config.toml"


def test_the_commented_file_sets_nothing(file: Path) -> None:
    """What `init` writes leaves every setting at its default."""
    file.write_text(commented({}), encoding="utf-8")
    loaded = _loaded(file)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}


def test_what_the_commented_file_shows_is_the_default(file: Path) -> None:
    """Without its comment signs the file sets every setting, each to its default."""
    names = "|".join(key.key for key in KEYS.values())
    text = re.sub(rf"^# (?=(?:{names}) = )", "", commented({}), flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")
    loaded = _loaded(file)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"file"}


def test_the_commented_file_explains_every_setting() -> None:
    """Each setting stands below what it means."""
    text = commented({})
    for key in KEYS.values():
        shown = rf"^# {re.escape(key.field.description or '')}\n# {key.key} = "
        assert re.search(shown, text, re.MULTILINE)


@pytest.mark.parametrize(
    "values",
    [
        {"llm.model": 'a "quoted"\nname\\', "database.url": "sqlite:///\u00e4.db"},
        {"profile_maintenance.pinned_keys": ["a", "b"], "scheduler.enabled": False},
        {"llm.temperature": 0.5, "history.keep_days": 7},
    ],
    ids=["texts", "a list and a switch", "numbers"],
)
def test_values_given_are_set_in_the_commented_file(file: Path, values: Mapping[str, Any]) -> None:
    """`init` writes what it was told, and shows the rest."""
    file.write_text(commented(values), encoding="utf-8")
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    found = {f"{s}.{k}": value for s, table in document.items() for k, value in table.items()}
    assert found == values
    assert {n for n, origin in _loaded(file).origins.items() if origin == "file"} == set(values)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("llm.model", 'odd "name" = # \\ [x]', 'odd "name" = # \\ [x]'),
        ("llm.model", "two\nlines", "two\nlines"),
        ("llm.model", "", ""),
        ("llm.max_attempts", "7", 7),
        ("llm.temperature", "0.25", 0.25),
        ("scheduler.enabled", "false", False),
        ("database.schema", "own", "own"),
        ("profile_maintenance.pinned_keys", "a, b", ("a", "b")),
        ("profile_maintenance.protected_sources", "", ()),
        ("history.journal_keep_days", "8", 8),
    ],
)
@pytest.mark.parametrize("start", [None, "", "commented"], ids=["no file", "empty", "commented"])
def test_a_setting_that_was_changed_is_read_back(
    file: Path, start: str | None, name: str, text: str, value: object
) -> None:
    """One setting changes, whatever the file was before; all others stay."""
    if start is not None:
        file.write_text(commented({}) if start else start, encoding="utf-8")
    loaded = _changed(file, name, text)
    assert loaded.value(name) == value
    assert [n for n, origin in loaded.origins.items() if origin == "file"] == [name]


def test_a_secret_is_written_in_full(file: Path) -> None:
    """The file holds the key itself: stars would be another key."""
    loaded = _changed(file, "llm.api_key", "s3cret")
    assert loaded.settings.llm.api_key.get_secret_value() == "s3cret"


MINE = """\
# my own words

[llm]
# why this one
model = "old"
  # model = "once"
max_attempts = 5

[history]
keep_days = 9 # days
"""


@pytest.mark.parametrize(
    ("name", "text", "before", "after"),
    [
        pytest.param("llm.model", "new", 'model = "old"', 'model = "new"', id="a key that is set"),
        pytest.param(
            "llm.temperature",
            "1",
            "[llm]\n",
            "[llm]\ntemperature = 1.0\n",
            id="a key that is not",
        ),
        pytest.param(
            "database.schema",
            "own",
            "# days\n",
            '# days\n\n[database]\nschema = "own"\n',
            id="a section that is not",
        ),
    ],
)
def test_comments_and_other_lines_stay(
    file: Path, name: str, text: str, before: str, after: str
) -> None:
    """A file that somebody wrote is changed in one line."""
    file.write_text(MINE, encoding="utf-8")
    assert with_setting(file, name, text) == MINE.replace(before, after)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param('[llm]  # mine\nmodel = "old"\n', id="beside a section"),
        pytest.param('[llm]\nmodel = "old"  # mine\n', id="beside the setting"),
    ],
)
def test_a_comment_beside_stays(file: Path, start: str) -> None:
    """A comment at the end of a line stays as well."""
    file.write_text(start, encoding="utf-8")
    assert with_setting(file, "llm.model", "new") == start.replace("old", "new")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param('llm = {model = "old", max_attempts = 5}\n', id="an inline table"),
        pytest.param('llm.model = "old"\nllm.max_attempts = 5\n', id="dotted keys"),
        pytest.param('[llm]\n"model" = "old"\nmax_attempts = 5\n', id="a quoted key"),
        pytest.param('[llm]\nmodel = """\nold\n"""\nmax_attempts = 5\n', id="many lines"),
        pytest.param("[llm]\nmodel = '''\nmodel = 1\n'''\nmax_attempts = 5\n", id="a trap in text"),
        pytest.param("[llm]\nmax_attempts = 5", id="no line break at the end"),
        pytest.param("[llm]\r\nmodel = 'old'\r\nmax_attempts = 5\r\n", id="lines of Windows"),
        pytest.param('[ llm ]\nmodel = "old"\nmax_attempts = 5\n', id="a section with spaces"),
        pytest.param("[history]\nkeep_days = 9\n[llm]\nmax_attempts = 5\n", id="at the end"),
    ],
)
def test_any_layout_of_toml_is_changed_correctly(file: Path, start: str) -> None:
    """Where a line cannot be changed in place the file is written anew, with the same values."""
    file.write_bytes(start.encode())
    loaded = _changed(file, "llm.model", "new")
    assert (loaded.settings.llm.model, loaded.settings.llm.max_attempts) == ("new", 5)


@pytest.mark.parametrize("name", KEYS)
def test_setting_every_default_one_by_one_changes_nothing(file: Path, name: str) -> None:
    """A commented line becomes a set one in its place, and all the explanations stay."""
    file.write_text(commented({}), encoding="utf-8")
    default = LoadedSettings.of(flags={}, environment={}, file=None).value(name)
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    changed = with_setting(file, name, "" if KEYS[name].secret else text)
    assert len(changed.splitlines()) == len(commented({}).splitlines())
    file.write_text(changed, encoding="utf-8")
    assert _loaded(file).settings == Settings()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("llm.modle", "x", "no setting 'llm.modle'; did you mean 'llm.model'?"),
        ("llm.max_attempts", "many", "llm.max_attempts "),
        ("llm.max_attempts", "0", "llm.max_attempts "),
        ("scheduler.enabled", "maybe", "scheduler.enabled "),
        ("database.schema", "a b", "database.schema "),
    ],
)
def test_a_bad_change_is_refused(file: Path, name: str, text: str, message: str) -> None:
    """A file never holds what could not be loaded."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        with_setting(file, name, text)


@pytest.mark.parametrize(
    "start",
    ['[llm]\nmodle = "x"\n', 'model = "x"\n', "[zzz]\nkey = 1\n"],
    ids=["a key", "without section", "a section"],
)
def test_an_unknown_setting_that_the_file_holds_already_is_named(file: Path, start: str) -> None:
    """What stands wrong in the file is said before anything is added to it."""
    file.write_text(start, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no setting"):
        with_setting(file, "llm.model", "y")


def test_a_file_is_private_and_its_folder_made(tmp_path: Path) -> None:
    """The file may hold a password, so its owner alone reads it; an old one is replaced whole."""
    file = tmp_path / "deep" / "down" / "config.toml"
    write_private(file, "one")
    file.chmod(0o644)
    write_private(file, "two \u597d")
    assert file.read_text(encoding="utf-8") == "two \u597d"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The message says which file, and why."""
    blocking = tmp_path / "file"
    blocking.write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot write .*config\.toml"):
        write_private(blocking / "config.toml", "x")


def test_file_and_directory_are_private_whatever_the_mask(tmp_path: Path) -> None:
    """A mask that lets everybody read and write everything changes neither."""
    file = tmp_path / "new" / "config.toml"
    before = os.umask(0)
    try:
        write_private(file, "")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_several_settings_are_changed_at_once(file: Path) -> None:
    """In a new file each stands where it is explained; in one that is there comments stay."""
    given = {"llm.model": "small", "database.url": "", "history.keep_days": "7"}
    file.write_text(with_settings(file, given), encoding="utf-8")
    assert file.read_text() == commented({**given, "history.keep_days": 7})
    file.write_text(file.read_text().replace('model = "small"', 'model = "small"  # mine'))
    file.write_text(with_settings(file, {"llm.model": "large", "llm.concurrency": "4"}))
    assert 'model = "large"  # mine' in file.read_text()
    loaded = _loaded(file)
    assert (loaded.settings.llm.model, loaded.settings.llm.concurrency) == ("large", 4)
    assert loaded.origins["database.url"] == "file"


@pytest.mark.parametrize(
    "text",
    [
        "# mine\n[llm]\n  model = 'a'  # why\n[ database ]\nurl = ''\n",
        "# mine\n  [ llm ] # why\n\tmodel = 'a'\n  [database]\n\turl = ''\n",
    ],
)
def test_comments_stay_however_it_is_indented(file: Path, text: str) -> None:
    """Keys and headers that stand apart are found, and stay where they are."""
    file.write_text(text)
    changed = with_settings(file, {"llm.model": "b", "database.connect_timeout_seconds": "9"})
    assert tomllib.loads(changed)["llm"]["model"] == "b"
    assert tomllib.loads(changed)["database"]["connect_timeout_seconds"] == 9
    assert [line for line in ("# mine", "# why") if line not in changed] == []
    assert re.search(r"^[ \t]+model = ", changed, re.MULTILINE)


def test_where_comments_are_lost_that_is_told(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A layout that is not edited in place is written anew, and nobody finds that out later."""
    file.write_text("# mine\nllm = { model = 'a' }\n")
    assert "mine" not in with_setting(file, "llm.model", "b")
    assert "comments are lost" in caplog.text


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Whoever keeps the file elsewhere finds the change there."""
    kept, link = tmp_path / "kept.toml", tmp_path / "config.toml"
    kept.write_text("")
    link.symlink_to(kept)
    write_private(link, "new")
    assert (link.is_symlink(), kept.read_text()) == (True, "new")


def test_a_file_of_somebody_else_stays_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what their group may do: a service that could read the file still can."""
    path, owners = tmp_path / "config.toml", []
    path.write_text("old")
    path.chmod(0o644)
    ours = os.stat_result((0o600, 0, 0, 1, 4_711, 4_711, 0, 0, 0, 0))
    monkeypatch.setattr("llm_maint.settings.file.os.fstat", lambda _: ours)
    monkeypatch.setattr("llm_maint.settings.file.os.fchown", lambda *to: owners.append(to[1:]))
    write_private(path, "new")
    assert owners == [(path.stat().st_uid, path.stat().st_gid)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_fails_leaves_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written so far might hold a secret."""

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("llm_maint.settings.file.os.fchmod", fails)
    with pytest.raises(ConfigurationError, match="No space left"):
        write_private(tmp_path / "config.toml", "s3cret")
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_is_no_text_is_refused_unquoted(file: Path) -> None:
    """What is quoted there might be the secret that stands beside it."""
    file.write_text("[llm]\napi_key = 's3cret'\n")
    with pytest.raises(ConfigurationError) as refused:
        with_setting(file, "llm.model", "caf\udce9")
    assert str(refused.value) == "llm.model: its value is not UTF-8"
