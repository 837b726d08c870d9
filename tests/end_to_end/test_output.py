"""What is printed: secrets and control characters are not, pipes may close, results are results."""

import json
import subprocess

import pytest
from command import DEFAULT_JOBS, Command, row
from model_server import ModelServer, Raw


def test_a_password_in_an_address_is_not_printed(sqlite_command: Command) -> None:
    """Neither by the command that sets it nor by one that shows it."""
    setting = ("config", "set", "llm.base_url", "http://me:hunter2@127.0.0.1:1/v1")
    shown = [sqlite_command(*setting), sqlite_command("config", "show")]
    shown.append(sqlite_command("config", "get", "llm.base_url", "--json"))
    for done in shown:
        assert "hunter2" not in done.out + done.errors
        assert "me:***@127.0.0.1" in done.out


def test_control_characters_reach_no_terminal(sqlite_command: Command) -> None:
    """A server, a row or a name may hold what a terminal obeys: it is spelt out."""
    hostile = "\x1b]0;owned\x07\u009b31m"
    sqlite_command("profile", "import", "-", stdin=json.dumps([row("title", hostile)]))
    for arguments in (
        ("profile", "show", "--entity", "nick"),
        ("profile", "show", "--entity", "nick", "--json"),
        ("profile", "prompt", "--entity", "nick"),
        ("profile", "consolidate", "--entity", "nick", "--dry-run"),
    ):
        printed = sqlite_command(*arguments).out
        assert "owned" in printed or "--dry-run" in arguments
        assert not {"\x1b", "\x07", "\u009b"} & set(printed)
    with ModelServer(lambda _: Raw(status=500, body=hostile)) as server:
        asking = sqlite_command.having(llm_base_url=server.url, llm_max_attempts="1")
        failed = asking("run-due", code=69)
    assert "owned" in failed.errors
    assert not {"\x1b", "\x07", "\u009b"} & set(failed.errors)
    assert len(failed.errors.splitlines()) == 1


def test_a_reader_that_has_seen_enough_is_no_failure(sqlite_command: Command) -> None:
    """`| head -1` closes the pipe; the command's exit code is its own."""
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            '"$@" | head -n 1',
            "sh",
            *_list(sqlite_command),
        ],
        env=sqlite_command.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("ID")
    with subprocess.Popen(
        _list(sqlite_command),
        env=sqlite_command.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 0


def _list(command: Command) -> list[str]:
    return command.line("profile", "show", "--entity", "nick")


@pytest.mark.parametrize(
    ("arguments", "sign"),
    [(("db", "status"), "up to date"), (("config", "check"), "valid"), (("jobs", "list"), "NAME")],
)
def test_quiet_is_about_messages(
    sqlite_command: Command, arguments: tuple[str, ...], sign: str
) -> None:
    """What was asked for is printed with -q as well; what is only told is not."""
    assert sign in sqlite_command("-q", *arguments).out
    assert sqlite_command("-q", "jobs", "disable", "history-pruning").out == ""


def test_a_plan_that_cannot_be_written_is_not_applied(sqlite_command: Command) -> None:
    """Where `--plan-out` names no place for a file nothing is done."""
    before = sqlite_command.export()
    consolidate = ("profile", "consolidate", "--entity", "nick", "--plan-out")
    assert "cannot write" in sqlite_command(*consolidate, "/nowhere/plan", code=2).errors
    assert sqlite_command.export() == before
    sqlite_command(*consolidate, "plan.json")
    saved = json.loads((sqlite_command.home / "plan.json").read_text())
    assert saved["attributes_before"] == 7


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"database_url": "postgresql://u:pw@h:port/db"}, 78),
        ({"database_url": "postgresql://u:pw@127.0.0.1/db?foo=bar"}, 78),
        ({"database_url": "mysql://u:pw@h/db"}, 78),
        ({"database_url": "sqlite://"}, 78),
        ({"database_url": "nonsense"}, 78),
        ({"history_keep_days": "99999999999"}, 78),
        ({"llm_timeout_seconds": "inf"}, 78),
        ({"llm_modle": "x"}, 78),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_one_line(
    sqlite_command: Command, settings: dict[str, str], code: int
) -> None:
    """A wrong setting is told as one, without its password and without a traceback."""
    done = sqlite_command.having(**settings)("jobs", "list", code=code)
    assert len(done.errors.splitlines()) == 1
    assert "pw" not in done.errors


def test_many_can_set_up_at_once(stranger: Command) -> None:
    """`init` on several hosts at the same moment makes one schema and one set of jobs."""
    started = [stranger.started("--config", f"{n}.toml", "init") for n in range(4)]
    ended = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 4, ended
    assert len(stranger("jobs", "list", "--json").json) == len(DEFAULT_JOBS)
