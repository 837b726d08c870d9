"""The manual page, made of the command line itself: what --help says, and what it has no room for.

`docs/generate.py` writes it. No other module of the program imports this one.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llm_maint.errors import ExitCode

Command = Any
"""A command or a group as the library behind typer has it; which library that is has changed."""

EXAMPLE = "Example: "

EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.OK: "All is well, or nothing was due.",
    ExitCode.JOB_FAILED: "At least one job failed; the others ran.",
    ExitCode.USAGE: "The command line makes no sense, or names what is not there.",
    ExitCode.HELD: "A plan is held for review: see llm-maint profile plans --status held.",
    ExitCode.UNAVAILABLE: "The database cannot be reached, or the model server that is needed.",
    ExitCode.BUG: "A bug of ours.",
    ExitCode.BUSY: "Busy: try again later.",
    ExitCode.CONFIGURATION: "The configuration, or the schema of the database, is not in order.",
    ExitCode.INTERRUPTED: "Interrupted by SIGINT; the claim was handed back.",
    ExitCode.TERMINATED: "Interrupted by SIGTERM; the claim was handed back.",
}

DESCRIPTION = """
llm-maint cleans up what an LLM assistant remembers about people: profile attributes and memories,
in the tables that the assistant already has, on PostgreSQL or SQLite. A model groups rows, code
decides what becomes of them, and whatever was changed can be undone.

cron or a systemd timer starts llm-maint run-due every minute. It does what is due, writes down what
it did, and exits; it prints nothing while all is well.

Results go to standard output, logs and progress to standard error. Without a terminal, tables are
lines separated by tabs, and status is its screen without colour; scripts read --json, where times
are UTC. Work that takes longer than a minute says each minute how far it is, unless cron started
it.
"""

OF_TYPER = {
    "install_completion": "Let the shell that this is typed into complete names.",
    "show_completion": "Print what --install-completion would install.",
}
"""Help of options that are not our own, and whose words change with the library."""

ENVIRONMENT = {
    "LLM_MAINT_CONFIG": "The configuration file, unless --config names one.",
    "LLM_MAINT_SECTION_KEY": "A setting, which goes before the file: LLM_MAINT_DATABASE_URL is "
    "database.url. llm-maint config show prints each setting with its origin.",
    "XDG_CONFIG_HOME, XDG_DATA_HOME": "Where the configuration and the default database are.",
    "CREDENTIALS_DIRECTORY": "Where systemd puts the credential llm-api-key, the key of the model "
    "server.",
    "HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE": "How the model server is reached.",
    "JOURNAL_STREAM": "Set by systemd: log lines then carry their priority.",
    "NO_COLOR, TERM, CI": "No colour; with TERM=dumb or CI, no tables and bars either.",
}

FILES = {
    "$XDG_CONFIG_HOME/llm-maint/config.toml": "The configuration of a user; by default below "
    "~/.config. It may hold secrets, and nobody else should be able to read it.",
    "/etc/llm-maint/config.toml": "That of the system, where a user has none.",
    "$XDG_DATA_HOME/llm-maint/memory.db": "The database, where none is configured; by default "
    "below ~/.local/share.",
}


def page(root: Command) -> str:
    """Return the manual page of a command, in the language of man(7)."""
    lines = [
        '.\\" Written by docs/generate.py: change the command line instead.',
        # Neither a date nor a version: the page changes with the commands, and by itself never.
        '.TH LLM\\-MAINT 1 "" "llm\\-maint" "User Commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        "llm\\-maint \\- safe, auditable, undoable maintenance of an LLM assistant's memory",
        ".SH SYNOPSIS",
        *_synopsis("llm-maint", [*_global_options(root), "COMMAND ..."]),
        ".SH DESCRIPTION",
        *_prose(_paragraphs(DESCRIPTION)),
        ".SH OPTIONS",
        *_parameters(root),
        ".SH COMMANDS",
        *(line for path, each in leaves(root) for line in _command(path, each)),
        *_named("EXIT STATUS", {str(int(code)): text for code, text in EXIT_CODES.items()}),
        *_named("ENVIRONMENT", ENVIRONMENT),
        *_named("FILES", FILES, style="I"),
        ".SH SEE ALSO",
        ".BR crontab (5),",
        ".BR systemd.timer (5),",
        ".BR psql (1),",
        ".BR sqlite3 (1)",
    ]
    return "\n".join(lines) + "\n"


def leaves(group: Command, path: tuple[str, ...] = ("llm-maint",)) -> Iterator[tuple[str, Command]]:
    """Yield the commands that do something, each with the words that call it."""
    for name, command in group.commands.items():
        inner = (*path, name)
        if hasattr(command, "commands"):
            yield from leaves(command, inner)
        elif not command.hidden:
            yield " ".join(inner), command


def example_of(command: Command) -> str:
    """Return the example that a command's help ends with; none is the empty text."""
    last = _paragraphs(command.help)[-1:]
    return last[0].removeprefix(EXAMPLE) if last and last[0].startswith(EXAMPLE) else ""


def _command(path: str, command: Command) -> Iterator[str]:
    yield f".SS {_escaped(path)}"
    options = [p for p in _shown(command) if _is_option(p)]
    words = [_in_synopsis(p) for p in _shown(command) if not _is_option(p)]
    required = [f"{p.opts[0]} {_value(p)}" for p in options if p.required]
    yield from _synopsis(path, [*required, "[OPTIONS]" if options else "", *words])
    yield from _prose(text for text in _paragraphs(command.help) if not text.startswith(EXAMPLE))
    yield from _parameters(command)
    if example := example_of(command):
        yield from (".PP", "Example:", ".RS 4", ".PP", _escaped(example), ".RE")


def _parameters(command: Command) -> Iterator[str]:
    for parameter in _shown(command):
        spelled = (*sorted(parameter.opts, key=len), *parameter.secondary_opts)  # -n, then --name
        names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in spelled)
        value = _value(parameter)
        if not _is_option(parameter):
            names = f"\\fI{_escaped(value)}\\fR"
        elif value:
            names += f" \\fI{_escaped(value)}\\fR"
        yield from (".TP", names, _escaped(_help(parameter)))


def _help(parameter: Any) -> str:  # noqa: ANN401 an option or an argument
    text = OF_TYPER.get(parameter.name) or " ".join((parameter.help or "").split())
    default = parameter.default
    if isinstance(default, (str, int)) and not isinstance(default, bool) and default != "":
        return f"{text} Default: {default}."
    return text


def _shown(command: Command) -> list[Any]:
    """Return the arguments and options that a person is told of, arguments first."""
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    return sorted(shown, key=_is_option)


def _is_option(parameter: Any) -> bool:  # noqa: ANN401 an option or an argument
    return bool(parameter.param_type_name == "option")


def _value(parameter: Any) -> str:  # noqa: ANN401 an option or an argument
    """Return what stands for the value; nothing for a switch."""
    if _is_option(parameter) and parameter.is_flag:
        return ""
    return str(parameter.metavar or parameter.name.upper())


def _in_synopsis(argument: Any) -> str:  # noqa: ANN401 an argument
    value = _value(argument)
    return value if argument.required else f"[{value}]"


def _global_options(root: Command) -> list[str]:
    """Return those that are used beside a command; the others stand alone."""
    found = []
    for option in _shown(root):
        if option.name in ("config_file", "verbose", "quiet"):
            value = _value(option)
            found.append(f"[{option.opts[-1]}{f' {value}' if value else ''}]")
    return found


def _synopsis(path: str, words: list[str]) -> Iterator[str]:
    """Yield the line that shows how a command is called, its own words in bold."""
    rest = _escaped(" ".join(filter(None, words)))
    yield f"\\fB{_escaped(path)}\\fR {rest}".rstrip()


def _named(title: str, entries: Mapping[str, str], *, style: str = "B") -> Iterator[str]:
    yield f".SH {title}"
    for name, text in entries.items():
        yield from (".TP", f"\\f{style}{_escaped(name)}\\fR", _escaped(text))


def _prose(paragraphs: Iterable[str]) -> Iterator[str]:
    for text in paragraphs:
        yield from (".PP", _escaped(text))


def _paragraphs(text: str | None) -> list[str]:
    parts = re.split(r"\n\s*\n", text or "")
    return [" ".join(part.split()) for part in parts if part.strip()]


def _escaped(text: str) -> str:
    """Return a text in which nothing is a request of roff, and every hyphen one that is copied."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    safe = safe.replace("^", "\\(ha").replace("~", "\\(ti")
    return f"\\&{safe}" if safe.startswith(".") else safe


def example_words(command: Command) -> list[str]:
    """Return the words of a command's example, without what the shell does with its output."""
    words = shlex.split(example_of(command))
    return words[: words.index(">")] if ">" in words else words
