"""Progress on a terminal: on standard error, and the result alone on standard output."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

from command import Command, row, tidy
from model_server import ModelServer, Raw, completion

SLOW = 1.6


def test_bars_are_on_the_terminal_and_the_result_in_the_file(
    sqlite_command: Command, tmp_path: Path
) -> None:
    """With standard output in a file and standard error on a terminal; the log does not tear."""
    many = [row(f"topic_{n}", f"likes subject {n}") for n in range(80)]
    sqlite_command("profile", "import", "-", stdin=json.dumps(many))
    with ModelServer(lambda _: Raw(delay=SLOW, body=completion("{}"))) as server:
        asking = sqlite_command.having(llm_base_url=server.url, llm_max_attempts="1")
        arguments = ("profile", "consolidate", "--entity", "nick", "--json")
        shown, printed, code = _on_terminal(asking, tmp_path, *arguments)
    assert code == 1
    assert json.loads(printed)["error"]
    assert "consolidating nick" in shown
    assert "0/2" in shown
    assert "llm-maint: error:" in shown.rpartition("\x1b[?25h")[2]


def test_an_interrupt_leaves_the_terminal_as_it_was(
    sqlite_command: Command, tmp_path: Path
) -> None:
    """The cursor is shown again, and the exit code is that of the signal."""
    with ModelServer(lambda body: Raw(delay=30, body=tidy(body))) as server:
        asking = sqlite_command.having(llm_base_url=server.url)
        shown, _, code = _on_terminal(
            asking, tmp_path, "run-due", interrupt_at="profile-maintenance"
        )
    assert code == 128 + signal.SIGINT
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0


def _on_terminal(
    command: Command, folder: Path, *arguments: str, interrupt_at: str = ""
) -> tuple[str, str, int]:
    """Return what a command showed on its terminal, what it printed to a file, and its code."""
    leader, follower = pty.openpty()
    output = folder / "out"
    with output.open("w") as file:
        process = subprocess.Popen(
            command.line(*arguments),
            env={**command.environment, "TERM": "xterm", "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=follower,
        )
        os.close(follower)
        shown = b""
        while part := _read(leader):
            shown += part
            if interrupt_at and interrupt_at.encode() in shown and process.poll() is None:
                process.send_signal(signal.SIGINT)
                interrupt_at = ""
        code = process.wait(60)
    os.close(leader)
    return shown.decode(), output.read_text(), code


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 10_000)
    except OSError:  # how Linux says that nobody writes any more
        return b""
