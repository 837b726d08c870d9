"""Where the program that runs is installed, and what a service of it would need to see and know."""

import os
import pwd
import shutil
import stat
import sys
from pathlib import Path

from llm_maint.bootstrap.places import SYSTEM_CONFIG
from llm_maint.errors import UsageError

NAME = "llm-maint"


def program_path() -> str:
    """Return the path of the program that a service or cron would start.

    As it was called, else beside the interpreter, else in the search path.

    Raises:
        UsageError: it is in none of these places.

    """
    called, beside = Path(sys.argv[0]).absolute(), Path(sys.executable).with_name(NAME)
    found = [path for path in (called, beside) if path.name == NAME and is_program(str(path))]
    path = str(found[0]) if found else shutil.which(NAME)
    if path is None:
        raise UsageError(f"no program {NAME} beside {sys.executable}: name it with --program")
    return path


def is_program(path: str) -> bool:
    """Return whether a file can be started."""
    return Path(path).is_file() and os.access(path, os.X_OK)


def needed_for(path: str) -> tuple[str, ...]:
    """Return the files that starting a program takes, links followed; its interpreter, if ours."""
    program, interpreter = Path(path).resolve(), Path(sys.executable)
    ours = program.parent == interpreter.parent
    return (path, str(program), *([str(interpreter.resolve())] if ours else []))


def is_kept_from(file: Path, name: str) -> bool:
    """Return whether a user of this host certainly cannot read a file that is there."""
    try:
        user = pwd.getpwnam(name)
        found = file.stat()
    except (KeyError, OSError):
        return False
    may = found.st_mode & (stat.S_IRGRP | stat.S_IROTH)  # which groups a user is in, who knows
    return not may and user.pw_uid not in (0, found.st_uid)


def config_to_name(file: Path | None, *, of_this_user: bool) -> str | None:
    """Return the configuration file in use if a process without our environment has to be told.

    Args:
        file: the one in use, None for none.
        of_this_user: whether the process will have our home.

    """
    usual = Path("~/.config/llm-maint/config.toml").expanduser()
    found = usual if of_this_user and usual.exists() else Path(SYSTEM_CONFIG)
    return None if file is None or file.absolute() == found else str(file.absolute())
