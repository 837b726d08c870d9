"""The configuration file: a commented one for a start, and one setting changed in place."""

import logging
import os
import re
import stat
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

log = logging.getLogger(__name__)

FILE_MODE = 0o600
"""The file may hold a password or a key: its owner alone reads it."""

DIRECTORY_MODE = 0o700
"""Of a directory that is made for it; one that is there keeps its own."""


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
    """Return the text of the file with one setting changed; see `with_settings`."""
    return with_settings(path, {name: text})


def with_settings(path: Path, texts: Mapping[str, str]) -> str:
    """Return the text of the file with settings changed; comments and the other lines stay.

    Args:
        path: the file; where there is none, a commented one is begun.
        texts: the values as given on the command line, by `section.key`.

    Raises:
        ConfigurationError: an unknown setting, or a value it cannot have.

    """
    present = read_file(path) if path.exists() else {}
    for other in present:
        known_key(other, where=f"{path}: ")
    text = path.read_text(encoding="utf-8") if path.exists() else commented({})
    for name, value in texts.items():
        key = known_key(name)
        present = {**present, name: parsed(key, value)}
        present[name] = _checked(present, key, path)
        text = _with(text, key, present)
    return text


def _with(before: str, key: Key, values: Mapping[str, Any]) -> str:
    """Return a file's text with one setting changed, so that it holds these values."""
    value = values[key.name]
    wanted = tomli_w.dumps(_tables(values))
    assignment = _assignment(key.key, value)
    for keeps_comment in (True, False):
        changed = _edited(before, key, assignment, keeps_comment=keeps_comment)
        if _parsed_or_none(changed) == tomllib.loads(wanted):
            return changed
    log.warning("the file is laid out in a way that is not edited in place: its comments are lost")
    return wanted


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    write_whole(path, text, mode=FILE_MODE)


def write_whole(path: Path, text: str, *, mode: int) -> None:
    """Write a file, whole or not at all, and the directories above it where they are missing.

    Raises:
        ConfigurationError: it cannot be written.

    """
    content = text.encode()
    try:
        path = path.resolve()  # a link stays one
        path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                _own_as(path, descriptor, mode=mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def _own_as(path: Path, descriptor: int, *, mode: int) -> None:
    """Give a file the mode; where it takes the place of somebody else's, their owner and group too.

    What these may do with it stays then: a service of another user may have to read it.
    """
    mine = os.fstat(descriptor)
    theirs = path.stat() if path.exists() else mine
    if (theirs.st_uid, theirs.st_gid) != (mine.st_uid, mine.st_gid):
        os.fchown(descriptor, theirs.st_uid, theirs.st_gid)
        mode |= stat.S_IMODE(theirs.st_mode) & 0o770
    os.fchmod(descriptor, mode)


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
        pattern = rf"^(?P<indent>[ \t]*){start}{re.escape(key.key)}[ \t]*=.*?{comment}$"
        if found := re.search(pattern, mine, re.MULTILINE):
            line = found["indent"] + assignment + (found["comment"] or "")
            return head + title + mine[: found.start()] + line + mine[found.end() :] + rest
    return f"{head}{title}{assignment}\n{mine}{rest}"


def _split_at_section(text: str, section: str) -> tuple[str, str, str]:
    header = rf"^[ \t]*\[[ \t]*{re.escape(section)}[ \t]*\][ \t]*(#.*)?\n"
    found = re.search(header, f"{text}\n", re.MULTILINE)
    if not found:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


def _split_at_next_section(body: str) -> tuple[str, str]:
    found = re.search(r"^[ \t]*\[", body, re.MULTILINE)
    return (body[: found.start()], body[found.start() :]) if found else (body, "")


def _parsed_or_none(text: str) -> dict[str, Any] | None:
    try:
        document = tomllib.loads(text)
    except ValueError:
        return None
    return {section: table for section, table in document.items() if table}
