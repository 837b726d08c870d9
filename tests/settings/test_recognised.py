"""What the quick way knows of settings without the library that checks them."""

import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
import tomli_w
from annotated_types import Ge, Gt, Le
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from llm_maint.errors import ConfigurationError
from llm_maint.settings.loading import KEYS, Key, LoadedSettings
from llm_maint.settings.plain_toml import plain_toml
from llm_maint.settings.recognised import DEFAULTS, RULES, SWITCH, TEXT, TEXTS, recognised
from llm_maint.settings.sources import gathered, variable_of

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=500, database=None)


def _declared(key: Key) -> tuple[object, ...]:
    """Return the rule that a setting's declaration is."""
    kind, bounds = key.field.annotation, key.field.metadata
    of_kind = {type(bound): bound for bound in bounds}
    most = of_kind[Le].le if Le in of_kind else None
    if Gt in of_kind:
        return ("above", of_kind[Gt].gt, most)
    if kind in (int, float):
        return ("whole" if kind is int else "number", of_kind[Ge].ge, most)
    if kind is bool:
        return SWITCH
    if kind == tuple[str, ...]:
        return TEXTS
    if patterns := [bound.pattern for bound in bounds if hasattr(bound, "pattern")]:
        return ("pattern", *patterns)
    return TEXT if kind in (str, SecretStr) else ("choice", *get_args(kind))


def test_every_setting_has_the_rule_that_its_declaration_is() -> None:
    """A setting that comes or changes, or its range, does so in both places."""
    assert {name: _declared(key) for name, key in KEYS.items()} == RULES
    assert list(KEYS) == list(RULES)


def test_the_defaults_are_the_settings_own() -> None:
    """Where nothing is set both ways begin with the same."""
    assert _known(LoadedSettings.of(flags={}, environment={}, file=None)) == DEFAULTS


def _known(loaded: LoadedSettings) -> dict[str, Any]:
    values = {name: loaded.value(name) for name in DEFAULTS}
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in values.items()
    }


words = st.sampled_from(
    [
        *(
            "",
            "0",
            "1",
            "5",
            "05",
            "-1",
            "+3",
            "3601",
            "2.5",
            ".5",
            "5.",
            "1e3",
            "1_0",
            " 7 ",
            "\u0665",
        ),
        *("true", "false", "True", "TRUE", "yes", "no", "on", "off", "inf", "nan", "none", "auto"),
        *("openai", "template", "off", "own", "o-n", "own\n", "\u00e9", "\udc80", "a,b", "x" * 20),
        *(
            "https://h",
            "http://",
            "http://h\n",
            "https://\u00e9",
            "sqlite:///a.db",
            "postgresql://h/d",
        ),
    ]
)
values = (
    words.filter(lambda text: "\udc80" not in text)
    | st.booleans()
    | st.integers(-2, 40_000)
    | st.floats(-1, 100)
    | st.lists(st.sampled_from(["a", "b", 1, True]), max_size=2)
)
names = st.sampled_from([*KEYS, *DEFAULTS, *DEFAULTS, "llm.modle", "database.uri"])


@EXAMPLES
@given(
    st.none() | st.dictionaries(names, values, max_size=4),
    st.dictionaries(names.map(variable_of), words, max_size=4),
)
def test_what_is_recognised_is_what_is_loaded(
    written: dict[str, Any] | None, environment: dict[str, str]
) -> None:
    """Whatever file and environment hold, the quick way knows it as it is, or says nothing."""
    with TemporaryDirectory() as folder:
        file = None if written is None else Path(folder, "config.toml")
        if file is not None:
            file.write_text(tomli_w.dumps(_tables(written or {})), encoding="utf-8")
        try:
            found = gathered(flags={}, environment=environment, file=file)
        except ConfigurationError:
            found = {"not a setting": ("", "file")}
        known = recognised(found)
        if known is not None:
            loaded = LoadedSettings.of(flags={}, environment=environment, file=file)
            assert known == _known(loaded)
            assert list(map(type, known.values())) == list(map(type, _known(loaded).values()))


def _tables(written: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for name, value in written.items():
        section, _, key = name.partition(".")
        tables.setdefault(section, {})[key] = value
    return tables


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("database.url", "postgresql://me:pw@h/d", "postgresql://me:pw@h/d"),
        ("database.schema", "own_1", "own_1"),
        ("database.connect_timeout_seconds", "3600", 3600),
        ("scheduler.enabled", "false", False),
    ],
)
def test_ordinary_values_are_recognised(name: str, text: str, value: object) -> None:
    """The quick way is of use to those who set what most people set."""
    known = recognised({name: (text, "environment")})
    assert known is not None
    assert known[name] == value


def test_a_file_with_every_setting_is_recognised() -> None:
    """Each setting has a value with which the quick way is taken."""
    loaded = LoadedSettings.of(flags={}, environment={}, file=None)
    for name in KEYS:
        value = loaded.value(name)
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        found = {name: (list(plain) if isinstance(plain, tuple) else plain, "file")}
        assert recognised(found) == DEFAULTS, name


pieces = st.sampled_from(
    [
        *(
            "[a]",
            "[b]",
            "[ a ]",
            "[[a]]",
            "[a.b]",
            "x = 1",
            "y = 1",
            "x.y = 1",
            '"x" = 1',
            "x=",
            "=1",
        ),
        *("x = true", "x = True", "x = false # no", "x = false#no", "x = 01", "x = 0", "x = 1_0"),
        *('x = "a"', 'x = "a" # b', 'x = "a"#"b"', 'x = "a" b', 'x = "\\n"', "x = '#'", 'x = "#"'),
        *('x = """a', '"""', "x = [1,", "]", "x = 1 # [", "# [a]", "  # x", "", "\t", "x = 1.5"),
        *(
            "# \u00e9",
            "# \t",
            "x = 2026-01-01",
            "x = 1 2",
            'x = "\t"',
            "\x0c",
            "x = 99999999999",
            "x",
        ),
    ]
)


@EXAMPLES
@given(st.lists(pieces, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_a_plain_file_is_read_as_the_library_reads_it(lines: list[str], end: str) -> None:
    """What is read without the library is what the library reads; the rest is left to it."""
    text = end.join(lines)
    found = plain_toml(text)
    assert found is None or found == tomllib.loads(text)


def test_the_file_of_init_is_plain() -> None:
    """The file that most people have needs no library."""
    text = (
        '# set\n\n[database]\n# of init\nurl = "sqlite:////m.db"\n\n[llm]\nmax_attempts = 5 # a\n'
    )
    assert plain_toml(text) == {
        "database": {"url": "sqlite:////m.db"},
        "llm": {"max_attempts": 5},
    }
