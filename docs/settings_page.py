"""Writes the reference of the settings, from the settings themselves: see `generate`."""

from collections.abc import Iterator
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr

from llm_maint.settings.loading import KEYS, Key
from llm_maint.settings.sections import Settings

HEAD = """\
# Settings

*This page is made of the code by `make docs`.*

A flag of the command line goes before the environment, that before the configuration file, that
before the default. The file is the first of: `--config FILE`, `$LLM_MAINT_CONFIG`,
`$XDG_CONFIG_HOME/llm-maint/config.toml` (usually `~/.config/llm-maint/config.toml`),
`/etc/llm-maint/config.toml`. It is TOML; `init` writes one that shows every setting with its
default. A name that no setting has, in the file or as a variable that begins with `LLM_MAINT_`,
is an error and not ignored.

```console
$ llm-maint config set llm.timeout_seconds 60
/home/you/.config/llm-maint/config.toml: llm.timeout_seconds = 60
$ LLM_MAINT_LLM_MAX_ATTEMPTS=5 llm-maint config get llm.max_attempts
5
$ llm-maint config show
...
llm.timeout_seconds  60.0  file
...
$ llm-maint config check
...
```

`config set` changes one setting in the file and keeps your comments. `config show` prints each
with its origin; passwords and keys are hidden wherever they would be printed.

In variables, and for `config set`, a list is separated by commas, and yes or no is `true` or
`false`.
"""

KINDS = {int: "whole number", float: "number", bool: "yes or no", str: "text"}
"""What people call the types."""

BOUNDS = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}


def page() -> str:
    """Return the page."""
    return HEAD + "".join(map(_section, Settings.model_fields))


def _section(name: str) -> str:
    kind = Settings.model_fields[name].annotation
    about = (kind.__doc__ or "").strip() if kind else ""
    keys = [key for key in KEYS.values() if key.section == name]
    rows = "".join(map(_row, keys))
    head = "| setting | value | default | meaning |\n|---|---|---|---|\n"
    return f"\n## [{name}]\n\n{about}\n\n{head}{rows}"


def _row(key: Key) -> str:
    meaning = (key.field.description or "").replace("|", "\\|")
    cells = f"`{key.key}`<br>`{key.variable}`", _values(key), _default(key), meaning
    return f"| {' | '.join(cells)} |\n"


def _values(key: Key) -> str:
    kind: Any = key.field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" if choice else "empty" for choice in get_args(kind))
    if kind is SecretStr:
        return "text, hidden"
    if get_origin(kind) is tuple:
        return "list of texts"
    assert kind is not NoneType
    return " ".join([KINDS[kind], *_bounds(key)])


def _bounds(key: Key) -> Iterator[str]:
    for rule in key.field.metadata:
        for name, words in BOUNDS.items():
            if (bound := getattr(rule, name, None)) is not None:
                yield words.format(f"{bound:,}")


def _default(key: Key) -> str:
    value = key.field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        value = ",".join(value)
    return f"`{value}`" if value != "" else "empty"
