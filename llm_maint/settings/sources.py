"""Where settings are written, and which place goes first: flag, environment, file.

For the quick way of a tick as well, so it checks no value and imports next to nothing.
"""

import os
from collections.abc import Iterable, Mapping

from llm_maint.errors import ConfigurationError
from llm_maint.settings.plain_toml import plain_toml
from llm_maint.settings.recognised import RULES, SECTIONS

ENVIRONMENT_PREFIX = "LLM_MAINT_"

NOT_SETTINGS = frozenset({"LLM_MAINT_CONFIG"})
"""Variables with the prefix that are no settings, beside those of the tests."""


def gathered(
    *,
    flags: Mapping[str, str],
    environment: Mapping[str, str],
    file: str | os.PathLike[str] | None,
) -> dict[str, tuple[object, str]]:
    """Return what is set: name -> value as it was written, and its origin.

    A name may be one that no setting has: files hold what people write.

    Args:
        flags: setting name -> value as given on the command line; empty ones were not given.
        environment: all variables; those with the prefix must be known settings.
        file: a TOML file, or None for none.

    Raises:
        ConfigurationError: an unknown variable, a file that cannot be read or is not TOML.

    """
    given = {name: value for name, value in flags.items() if value}
    found: dict[str, tuple[object, str]] = {}
    for origin, values in (
        ("file", read_file(file) if file else {}),
        ("environment", _from_environment(environment)),
        ("flag", given),
    ):
        for name, value in values.items():
            found[name] = (value, origin)
    return found


def read_file(path: str | os.PathLike[str]) -> dict[str, object]:
    """Return a file's values by setting name (`section.key`).

    Raises:
        ConfigurationError: it cannot be read or is not TOML.

    """
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 pathlib costs a tick time
            document = _parsed(file.read())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    values: dict[str, object] = {}
    for section, table in document.items():
        if isinstance(table, dict) and (table or section in SECTIONS):
            values |= {f"{section}.{key}": value for key, value in table.items()}
        else:
            values[section] = table
    return values


def _parsed(text: str) -> Mapping[str, object]:
    plain = plain_toml(text)
    if plain is not None:
        return plain
    import tomllib

    return tomllib.loads(text)


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{ENVIRONMENT_PREFIX}{name.replace('.', '_').upper()}"


def without_password(url: str) -> str:
    """Return a URL as it may be shown.

    By its text, not by its parts: a password with a special character that should have been escaped
    is cut where no parser would cut it.
    """
    import re

    hidden = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)([?&](?:ssl)?password=)[^&]*", r"\1***", hidden)


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    ours = [variable for variable in environment if variable.startswith(ENVIRONMENT_PREFIX)]
    if not ours:
        return {}
    names = {variable_of(name): name for name in RULES}
    values: dict[str, object] = {}
    for variable in ours:
        if variable in NOT_SETTINGS or variable.startswith(f"{ENVIRONMENT_PREFIX}TEST_"):
            continue
        if variable not in names:
            _refuse(variable, names)
        values[names[variable]] = environment[variable]
    return values


def _refuse(variable: str, known: Iterable[str]) -> None:
    from llm_maint.domain.nearest import nearest

    close = nearest(variable, known)
    hint = f"; did you mean {close}?" if close else ""
    raise ConfigurationError(f"no setting belongs to the variable {variable}{hint}")
