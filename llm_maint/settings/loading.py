"""Where each setting comes from: flag, environment, file, default; unknown keys are errors.

Sources are handed in as arguments; `bootstrap` reads the environment and finds the file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from llm_maint.domain import ping
from llm_maint.domain.nearest import nearest
from llm_maint.errors import ConfigurationError
from llm_maint.settings.sections import Settings
from llm_maint.settings.sources import gathered, variable_of, without_password

Values = dict[str, dict[str, Any]]
"""Section -> key -> value."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its name as `section.key`, and its declaration."""

    name: str
    section: str
    key: str
    field: FieldInfo

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return variable_of(self.name)

    @property
    def secret(self) -> bool:
        """Whether the value must not be shown."""
        return self.field.annotation is SecretStr


def _starred(address: str) -> str:
    """Return an address of a monitor as it may be shown."""
    try:
        host = ping.shown(address)
    except ValueError:
        return "********"
    return address if address in ("", host) else f"{host}/********"


def _starred_item(item: str) -> str:
    job, equals, address = item.partition("=")
    return f"{job}{equals}{_starred(address)}"


def _keys() -> Iterator[Key]:
    for section, outer in Settings.model_fields.items():
        kind = outer.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items():
            key = field.alias or name
            yield Key(f"{section}.{key}", section, key, field)


KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in _keys()})


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings with the origin of each: `flag`, `environment`, `file` or `default`."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None

    def shown(self, name: str) -> Any:  # noqa: ANN401 a setting is any TOML value
        """Return a setting's value as it may be shown: secrets hidden, URLs without password."""
        value = self.value(name)
        secret = value.get_secret_value() if isinstance(value, SecretStr) else value
        if name in ("database.url", "llm.base_url"):
            return without_password(str(secret))
        if isinstance(value, SecretStr):
            return "********" if secret else ""
        if name.startswith("monitoring.ping_url"):  # whoever has its path can silence an alarm
            return _starred(value) if isinstance(value, str) else list(map(_starred_item, value))
        return list(value) if isinstance(value, tuple) else value

    def value(self, name: str) -> Any:  # noqa: ANN401 a setting is any TOML value
        """Return a setting's value by its name."""
        key = known_key(name)
        return getattr(
            getattr(self.settings, key.section), "schema_" if key.key == "schema" else key.key
        )

    def environment_of(self, section: str) -> dict[str, str]:
        """Return the variables that hand a section's settings to a process that we start."""
        handed = {}
        for key in KEYS.values():
            if key.section == section and self.origins[key.name] == "environment":
                value = self.value(key.name)
                if isinstance(value, SecretStr):
                    value = value.get_secret_value()
                handed[key.variable] = ",".join(value) if isinstance(value, tuple) else str(value)
        return handed

    @classmethod
    def of(
        cls,
        *,
        flags: Mapping[str, str],
        environment: Mapping[str, str],
        file: Path | None,
    ) -> Self:
        """Return the settings; a flag goes before the environment, that before the file.

        Args:
            flags: setting name -> value as given on the command line.
            environment: all variables; those with the prefix must be known settings.
            file: a TOML file, or None for none.

        Raises:
            ConfigurationError: an unknown key, a value out of range, a file that is not TOML.

        """
        merged: Values = {}
        origins = dict.fromkeys(KEYS, "default")
        found = gathered(flags=flags, environment=environment, file=file)
        for name, (value, origin) in found.items():
            key = known_key(name, where=f"{file}: " if origin == "file" else "")
            merged.setdefault(key.section, {})[key.key] = (
                parsed(key, str(value)) if origin == "environment" else value
            )
            origins[name] = origin
        return cls(validated(merged, origins=origins, file=file), origins, file)


def known_key(name: str, *, where: str = "") -> Key:
    """Return the setting of that name.

    Raises:
        ConfigurationError: there is none; the message names the nearest.

    """
    if name in KEYS:
        return KEYS[name]
    close = nearest(name, KEYS)
    hint = f"did you mean {close!r}?" if close else "see: llm-maint config show"
    raise ConfigurationError(f"{where}no setting {name!r}; {hint}")


def validated(values: Values, *, origins: Mapping[str, str], file: Path | None) -> Settings:
    """Return checked settings; the error names the setting, where it was set, and what is wrong."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"][:2])
        origin = origins.get(name, "")
        place = {"environment": KEYS[name].variable, "file": str(file)}.get(origin, origin)
        raise ConfigurationError(f"{name} ({place}): {first['msg']}") from error


def parsed(key: Key, text: str) -> Any:  # noqa: ANN401 a setting is any TOML value
    """Return a value given as text: lists are separated by commas, the rest pydantic reads.

    Raises:
        ConfigurationError: it is no text that a file could hold.

    """
    try:
        text.encode()
    except UnicodeEncodeError:  # which would quote it, be it a secret
        raise ConfigurationError(f"{key.name}: its value is not UTF-8") from None
    if key.field.annotation == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text
