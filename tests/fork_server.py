"""Starts the command as a copy of a process that has imported all there is: in no time.

Each line of standard input is a JSON list: `start` with environment, directory, arguments and the
files of the three standard streams is answered by a process id, `poll` with an id by how that
process has ended, as `subprocess` says it, or null while it runs.
"""

import json
import os
import pkgutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module

import llm_maint

SECONDS = 60
"""No command of a test takes longer; one that hangs is killed. Its alarm is its own to set."""


def preload() -> None:
    """Import all that a command may ever import."""
    for module in pkgutil.walk_packages(llm_maint.__path__, "llm_maint."):
        import_module(module.name)
    for name in ("httpx", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"):
        import_module(name)


def serve() -> None:
    """Obey until nobody says anything any more; leave no process behind."""
    running: dict[int, float] = {}
    for line in sys.stdin:
        what, *how = json.loads(line)
        answer: int | None = None
        if what == "start":
            answer = _forked(*how)
            running[answer] = time.monotonic() + SECONDS
        else:
            pid, status = os.waitpid(how[0], os.WNOHANG)
            if pid:
                del running[pid]
                answer = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > running[how[0]]:
                os.kill(how[0], signal.SIGKILL)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _forked(
    environment: Mapping[str, str], home: str, arguments: list[str], streams: list[str]
) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 0
    try:
        _run(environment, home, arguments, streams)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 nothing may return into the server's own loop
        traceback.print_exc()
        code = 70
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)


def _run(
    environment: Mapping[str, str], home: str, arguments: list[str], streams: list[str]
) -> None:
    from llm_maint.__main__ import main
    from llm_maint.llm import finding

    if ports := environment.get("LLM_MAINT_TEST_PORTS"):
        finding.USUAL = tuple((int(port), "a test's") for port in ports.split(","))
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    os.chdir(home)
    for stream, file in enumerate(streams):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND if stream else os.O_RDONLY
        os.dup2(os.open(file, flags, 0o600), stream)
    # As in a new process whose environment names no locale.
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    sys.argv = ["llm-maint", *arguments]
    main()


if __name__ == "__main__":
    preload()
    serve()
