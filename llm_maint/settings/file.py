"""The configuration file: a commented one for a start, and one setting changed in place."""

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import SecretStr

from llm_maint.errors import ConfigurationError
from llm_maint.settings.loading import KEYS, Key, known_key, parsed, validated
from llm_maint.settings.sources import read_file

FILE_MODE = 0o600
"""The file may hold a password or a key: its owner alone reads it."""


def commented(values: Mapping[str, Any]) -> str:
    """Return a configuration file that explains every setting; `values` are set, the rest shown."""
    lines = ["# llm-maint: settings. What is commented out shows the default.", ""]
    section = ""
    for key in KEYS.values():
        if key.section != section:
            section = key.section
            lines += [f"[{section}]"]
        lines.append(f"# {key.field.description}")
        if key.name in values:
            lines.append(_assignment(key.key, values[key.name]))
        else:
            lines.append(f"# {_assignment(key.key, _default(key))}")
        lines.append("")
    return "\n".join(lines)


def with_setting(path: Path, name: str, text: str) -> str:
    """Return the text of the file with one setting changed; comments and the other lines stay.

    Args:
        path: the file; it need not exist yet.
        name: `section.key`.
        text: the value as given on the command line.

    Raises:
        ConfigurationError: an unknown setting, or a value it cannot have.

    """
    key = known_key(name)
    present = read_file(path) if path.exists() else {}
    for other in present:
        known_key(other, where=f"{path}: ")
    values = {**present, name: parsed(key, text)}
    value = _checked(values, key, path)
    before = path.read_text(encoding="utf-8") if path.exists() else commented({})
    wanted = tomli_w.dumps(_tables({**values, name: value}))
    assignment = _assignment(key.key, value)
    for keeps_comment in (True, False):
        changed = _edited(before, key, assignment, keeps_comment=keeps_comment)
        if _parsed_or_none(changed) == tomllib.loads(wanted):
            return changed
    return wanted  # laid out in a way we do not edit in place: correct, without comments


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    write_whole(path, text, mode=FILE_MODE)


def write_whole(path: Path, text: str, *, mode: int) -> None:
    """Write a file, whole or not at all, and the directories above it where they are missing.

    Raises:
        ConfigurationError: it cannot be written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def _checked(values: Mapping[str, Any], key: Key, path: Path) -> Any:  # noqa: ANN401 any TOML value
    settings = validated(_tables(values), origins=dict.fromkeys(values, "file"), file=path)
    name = "schema_" if key.key == "schema" else key.key
    value = getattr(getattr(settings, key.section), name)
    return _plain(value)


def _default(key: Key) -> Any:  # noqa: ANN401 any TOML value
    return _plain(key.field.default)


def _plain(value: Any) -> Any:  # noqa: ANN401 any TOML value
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value


def _assignment(key: str, value: Any) -> str:  # noqa: ANN401 any TOML value
    return tomli_w.dumps({key: value}, multiline_strings=False).strip().replace("\n", "")


def _tables(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        tables.setdefault(section, {})[key] = list(value) if isinstance(value, tuple) else value
    return tables


def _edited(text: str, key: Key, assignment: str, *, keeps_comment: bool) -> str:
    """Put an assignment where the key stands, set or commented out, else at its section's start."""
    head, title, body = _split_at_section(text, key.section)
    if not title:
        return f"{text.rstrip()}\n\n[{key.section}]\n{assignment}\n".lstrip()
    mine, rest = _split_at_next_section(body)
    comment = r"(?P<comment>\s+#.*)?" if keeps_comment else r"(?P<comment>)"
    for start in ("", r"#\s?"):
        pattern = rf"^{start}{re.escape(key.key)}[ \t]*=.*?{comment}$"
        if found := re.search(pattern, mine, re.MULTILINE):
            line = assignment + (found["comment"] or "")
            return head + title + mine[: found.start()] + line + mine[found.end() :] + rest
    return f"{head}{title}{assignment}\n{mine}{rest}"


def _split_at_section(text: str, section: str) -> tuple[str, str, str]:
    found = re.search(rf"^\[{re.escape(section)}\][ \t]*(#.*)?\n", f"{text}\n", re.MULTILINE)
    if not found:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


def _split_at_next_section(body: str) -> tuple[str, str]:
    found = re.search(r"^\[", body, re.MULTILINE)
    return (body[: found.start()], body[found.start() :]) if found else (body, "")


def _parsed_or_none(text: str) -> dict[str, Any] | None:
    try:
        document = tomllib.loads(text)
    except ValueError:
        return None
    return {section: table for section, table in document.items() if table}
