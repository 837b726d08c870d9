"""Starts the command as a copy of a process that has imported all there is: in no time.

Each line of standard input is a JSON list: `start` with environment, directory and arguments is
answered by a process id, `wait` with an id by how that process has ended, as `subprocess` says it.
"""

import json
import os
import pkgutil
import signal
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module

import llm_maint

SECONDS = 60
"""No command of a test takes longer; one that hangs is ended by its alarm."""


def preload() -> None:
    """Import all that a command may ever import."""
    for module in pkgutil.walk_packages(llm_maint.__path__, "llm_maint."):
        import_module(module.name)
    for name in ("httpx", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"):
        import_module(name)


def serve() -> None:
    """Obey until nobody says anything any more; leave no process behind."""
    running: set[int] = set()
    for line in sys.stdin:
        what, *how = json.loads(line)
        if what == "start":
            answer = _forked(*how)
            running.add(answer)
        else:
            _, status = os.waitpid(how[0], 0)
            running.remove(how[0])
            answer = os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _forked(environment: Mapping[str, str], home: str, arguments: list[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        _run(environment, home, arguments)
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else bool(end.code))
    except BaseException:  # noqa: BLE001 nothing may return into the server's own loop
        traceback.print_exc()
        os._exit(70)
    os._exit(0)


def _run(environment: Mapping[str, str], home: str, arguments: list[str]) -> None:
    from llm_maint.__main__ import main

    signal.alarm(SECONDS)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(home)
    nothing = os.open(os.devnull, os.O_RDWR)
    told = os.open("told.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream, target in enumerate((nothing, told, told)):
        os.dup2(target, stream)
    sys.argv = ["llm-maint", *arguments]
    main()


if __name__ == "__main__":
    preload()
    serve()
