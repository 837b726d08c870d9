"""Passwords and keys are never shown: not by `config show`, not in errors, not in a repr."""

from pathlib import Path

import pytest

from llm_maint.errors import ConfigurationError
from llm_maint.settings.loading import KEYS, LoadedSettings
from llm_maint.settings.sources import without_password

SECRET = "s3cret"


def _loaded(**environment: str) -> LoadedSettings:
    variables = {f"LLM_MAINT_{name}": text for name, text in environment.items()}
    return LoadedSettings.of(flags={}, environment=variables, file=None)


def test_a_key_is_shown_as_stars_and_read_in_full() -> None:
    """Whoever asks for the settings sees that there is a key, not which; the client gets it."""
    loaded = _loaded(LLM_API_KEY=SECRET)
    assert loaded.shown("llm.api_key") == "********"
    assert loaded.settings.llm.api_key.get_secret_value() == SECRET


def test_a_key_that_is_not_set_is_shown_as_empty() -> None:
    """Stars would pretend that there is a key."""
    assert _loaded().shown("llm.api_key") == ""


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("PING_URL", "", ""),
        ("PING_URL", "https://hc.example.org", "https://hc.example.org"),
        ("PING_URL", f"https://u:{SECRET}@hc.example.org/{SECRET}", "https://hc.example.org/***"),
        ("PING_URL", f"https://hc.example.org?key={SECRET}", "https://hc.example.org/***"),
        ("PING_URL", f"https://[{SECRET}", "***"),
        ("PING_URLS", f"a=https://h/{SECRET},b", ["a=https://h/***", "b"]),
    ],
)
def test_the_address_of_a_monitor_is_shown_without_its_path(
    name: str, text: str, shown: str | list[str]
) -> None:
    """Whoever knows it can tell the monitor that all is well."""
    loaded = _loaded(**{f"MONITORING_{name}": text})
    found = loaded.shown(f"monitoring.{name.lower()}")
    stars = [each.replace("********", "***") for each in ([found] if name == "PING_URL" else found)]
    assert stars == ([shown] if isinstance(shown, str) else shown)


def test_no_repr_holds_a_secret() -> None:
    """A traceback or a log line of the settings gives nothing away."""
    loaded = _loaded(LLM_API_KEY=SECRET, DATABASE_URL=f"postgresql://u:{SECRET}@h/db")
    shown = f"{loaded!r} {loaded.settings} {[loaded.shown(name) for name in KEYS]}"
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("", "", id="none"),
        pytest.param("sqlite:////var/lib/a.db", "sqlite:////var/lib/a.db", id="a file"),
        pytest.param("postgresql://u@h/db", "postgresql://u@h/db", id="no password"),
        pytest.param(
            f"postgresql+psycopg://u:{SECRET}@h:5432/db?sslmode=require",
            "postgresql+psycopg://u:***@h:5432/db?sslmode=require",
            id="the rest stays",
        ),
        pytest.param(
            f"postgresql://u:a@{SECRET}@h/db", "postgresql://u:***@h/db", id="an @ in the password"
        ),
        pytest.param(
            f"postgresql://u:{SECRET}@[::1]:5432/db",
            "postgresql://u:***@[::1]:5432/db",
            id="an IPv6 host",
        ),
    ],
)
def test_a_database_url_is_shown_without_its_password(url: str, shown: str) -> None:
    """The password becomes three stars, everything else helps to find a mistake."""
    assert without_password(url) == shown
    assert _loaded(DATABASE_URL=url).shown("database.url") == shown


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"postgresql://u:a#{SECRET}@h/db", id="a number sign in it"),
        pytest.param(f"postgresql://u:a/{SECRET}@h/db", id="a slash in it"),
        pytest.param(f"postgresql://u:a?{SECRET}@h/db", id="a question mark in it"),
        pytest.param(f"postgresql://u:a[{SECRET}@h/db", id="a bracket in it"),
        pytest.param(f"postgresql://h/db?user=u&password={SECRET}", id="as a parameter"),
    ],
)
def test_no_password_is_shown_however_it_is_written(url: str) -> None:
    """A password that nobody escaped still connects, so it must be hidden, too."""
    assert SECRET not in without_password(url)


def test_a_base_url_is_shown_without_its_password() -> None:
    """A model server behind a password has it in its address."""
    assert SECRET not in _loaded(LLM_BASE_URL=f"http://u:{SECRET}@h/v1").shown("llm.base_url")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'[llm]\napi_key = ["{SECRET}"]\n', id="a key that is a list"),
        pytest.param(f'[database]\nurl = {{a = "{SECRET}"}}\n', id="a URL that is a table"),
        pytest.param(f'[llm]\nbase_url = "u:{SECRET}@h"\n', id="an address that is none"),
    ],
)
def test_an_error_does_not_quote_the_value(tmp_path: Path, text: str) -> None:
    """What is wrong with a value is said without the value."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        LoadedSettings.of(flags={}, environment={}, file=file)
    assert SECRET not in str(caught.value)
