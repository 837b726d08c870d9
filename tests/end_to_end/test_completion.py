"""What a shell completes: names of what there is, by each shell's own protocol, in silence."""

import json
import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from command import DEFAULT_JOBS, Command, Done
from forking import Streams, fork_server

from llm_maint.domain.runs import Status
from llm_maint.settings.loading import KEYS

HOSTILE = [
    "$(touch x)",
    "`touch x`",
    "a b",
    "*",
    "x\\",
    "a'b",
    'a"b',
    "-rf",
    "a;b",
    "\x1b[31m",
    "{a,b}",
]
"""Names of which some shell would make something else."""


def _asked(command: Command, tmp_path: Path, **variables: str) -> Done:
    out, errors = tmp_path / "completed.out", tmp_path / "completed.errors"
    for file in (out, errors):
        file.unlink(missing_ok=True)  # what is written is appended
    streams = Streams(output=str(out), errors=str(errors))
    server = fork_server()
    code = server.wait(
        server.start({**command.environment, **variables}, command.home, [], streams)
    )
    return Done(code, out.read_text(), errors.read_text())


def _offered(command: Command, tmp_path: Path, *words: str, shell: str = "bash") -> list[str]:
    """Return what a shell is offered for the last of the words."""
    line = ["llm-maint", *words]
    if shell == "bash":
        asking = {"COMP_WORDS": "\n".join(line), "COMP_CWORD": str(len(words))}
    else:
        asking = {"_TYPER_COMPLETE_ARGS": " ".join(line), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = _asked(command, tmp_path, _LLM_MAINT_COMPLETE=f"complete_{shell}", **asking)
    assert done.errors == ""
    if shell == "zsh":
        return [part.split('"')[1] for part in done.out.split("\n") if '"' in part]
    return [part.partition("\t")[0] for part in done.out.splitlines() if part]


CASES: list[tuple[str, list[str], Sequence[str]]] = [
    ("bash", ["jobs", "show", ""], DEFAULT_JOBS),
    ("zsh", ["jobs", "show", ""], DEFAULT_JOBS),
    ("fish", ["jobs", "show", ""], DEFAULT_JOBS),
    ("bash", ["jobs", "show", "memory-d"], ["memory-decay"]),
    ("zsh", ["run-due", "--job", "h"], ["history-pruning"]),
    ("fish", ["runs", "tail", "--status", ""], list(Status)),
    ("zsh", ["config", "get", ""], list(KEYS)),
    ("bash", ["jobs", "ad"], ["add"]),
    ("bash", ["jobs", "add", "profile"], ["profile_maintenance"]),
    ("bash", ["profile", "plans", "--status", "h"], ["held"]),
    ("bash", ["config", "set", "memory.prune", ""], ["true", "false"]),
    ("bash", ["config", "set", "llm.provider", ""], ["openai", "anthropic", "none"]),
    ("bash", ["config", "set", "llm.model", ""], []),
    ("bash", ["jobs", "edit", "x", "--timezone", "Europe/Berl"], ["Europe/Berlin"]),
    ("bash", ["jobs", "edit", "x", "--misfire", "s"], ["skip"]),
]


@pytest.mark.parametrize(
    ("shell", "words", "expected"), CASES, ids=[f"{case[0]} {' '.join(case[1])}" for case in CASES]
)
def test_each_shell_is_offered_what_there_is(
    sqlite_command: Command,
    tmp_path: Path,
    shell: str,
    words: Sequence[str],
    expected: Sequence[str],
) -> None:
    """By its own protocol."""
    offered = _offered(sqlite_command, tmp_path, *words, shell=shell)
    assert sorted(offered) == sorted(expected)


def test_names_of_every_kind(nova: Command, tmp_path: Path) -> None:
    """Each where it is asked for, on each database: the newest first where that is what counts."""
    nova("jobs", "run", "history-pruning")
    (run,) = nova("runs", "tail", "--json").out.splitlines()
    plan_of = {
        kind: nova(kind, "plans", "--json").json[-1]["plan_id"][:8]
        for kind in ("profile", "memory")
    }

    def offered(*words: str) -> list[str]:
        return _offered(nova, tmp_path, *words)

    assert offered("runs", "show", "") == [json.loads(run)["id"][:8]]
    job = json.loads(run)["job_id"]
    assert job in offered("jobs", "run", job[:6])
    assert offered("profile", "show", "--entity", "") == ["nick"]
    assert offered("profile", "show", "--entity-type", "bot", "--entity", "") == []
    assert offered("memory", "list", "--bot", "") == ["nova"]
    for kind, undo in (("profile", "undo"), ("memory", "restore")):
        assert offered(kind, "diff", "") == offered(kind, undo, "") == [plan_of[kind]]
        assert offered(kind, "apply", "") == []  # none is held


JOB, PERSON = ["jobs", "show", ""], ["profile", "show", "--entity", ""]


@pytest.mark.parametrize(
    ("shell", "words", "setting"),
    [
        ("bash", JOB, ("database_url", "sqlite:////nowhere/memory.db")),
        ("zsh", JOB, ("database_url", "postgresql://me@127.0.0.1:1/x")),
        ("fish", PERSON, ("database_url", "postgresql://me@127.0.0.1:1/x")),
        ("fish", JOB, ("database_url", "nonsense")),
        ("zsh", PERSON, ("database_url", "nonsense")),
        ("bash", PERSON, ("no_such", "setting")),
        ("bash", ["config", "set", "no.such", ""], ("database_url", "nonsense")),
    ],
)
def test_whatever_goes_wrong_completes_nothing(
    sqlite_command: Command,
    tmp_path: Path,
    shell: str,
    words: Sequence[str],
    setting: tuple[str, str],
) -> None:
    """And prints nothing in the middle of what is being typed."""
    command = sqlite_command.having(**dict([setting]))
    assert _offered(command, tmp_path, *words, shell=shell) == []


def test_a_config_that_is_named_is_used(sqlite_command: Command, tmp_path: Path) -> None:
    """The option stands before the command, and is complete already."""
    apart = sqlite_command.home / "apart.toml"
    apart.write_text(f'[database]\nurl = "sqlite:///{sqlite_command.home}/memory.db"\n')
    elsewhere = Command(sqlite_command.home, {})
    assert _offered(elsewhere, tmp_path, "jobs", "show", "") == []
    asked = ("--config", str(apart), "jobs", "show", "")
    assert len(_offered(elsewhere, tmp_path, *asked)) == len(DEFAULT_JOBS)


def test_no_name_is_read_by_the_shell(sqlite_command: Command, tmp_path: Path) -> None:
    """A person of whom an assistant has heard may be called anything."""
    rows = [
        {"entity_id": name, "category": "a", "key": "b", "value": "c"} for name in [*HOSTILE, "zoë"]
    ]
    sqlite_command("profile", "import", "-", stdin=json.dumps(rows))
    words = ("profile", "show", "--entity", "")
    for shell in ("zsh", "fish", "bash"):
        assert _offered(sqlite_command, tmp_path, *words, shell=shell) == ["nick", "zoë"]


def test_bash_completes_by_what_is_shown(sqlite_command: Command) -> None:
    """The script of `--show-completion`, read by a real bash that then presses the key."""
    program = sqlite_command.home / "bin" / "llm-maint"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(sqlite_command.line())} "$@"\n')
    program.chmod(stat.S_IRWXU)
    script = """
        eval "$(llm-maint --show-completion; true)"
        complete -p llm-maint
        COMP_WORDS=(llm-maint jobs show memory-) COMP_CWORD=3
        _llm_maint_completion llm-maint memory- show
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["/bin/bash", "--norc", "-c", script],
        env={**sqlite_command.environment, "PATH": f"{program.parent}{os.pathsep}/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    declared, *offered = done.stdout.splitlines()
    assert declared.endswith("-F _llm_maint_completion llm-maint")
    assert offered == ["memory-consolidation", "memory-decay", "memory-recurrence"]
    assert done.stderr == ""
