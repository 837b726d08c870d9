"""Job types of an installed package: one that behaves, and those that every scheduler meets."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from llm_maint.contract import Job, JobContext
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.errors import ConfigurationError

NOTES = Path("notes")
"""In the directory of the process: a line for each time that a job has begun."""


def note(context: JobContext) -> Outcome:
    """Take note, think for `seconds` or until there is a file of the name `until`."""
    _begin(context)
    time.sleep(context.config.get("seconds", 0))
    _wait_for(context.config.get("until"))
    return Success({"by": os.getpid()})


def write(context: JobContext) -> Outcome:
    """Do the same, and then add one to a column of a user's row."""
    import sqlalchemy as sa  # only here: who takes notes has no need of it

    note(context)
    with context.write() as connection:
        statement = "UPDATE entity_profile_attributes SET confidence = confidence + 1"
        connection.execute(sa.text(statement))
    return Success({"by": os.getpid()})


def fail_by_a_bug(context: JobContext) -> Outcome:
    """Raise, with so many characters of text."""
    _begin(context)
    raise RuntimeError("x" * context.config.get("characters", 1))


def tell(context: JobContext) -> Outcome:
    """Say with so many characters why it failed."""
    _begin(context)
    return Failure(error="x" * context.config["characters"], transient=False)


def leave(context: JobContext) -> NoReturn:
    """End the process at once, as a crash in a library does."""
    _begin(context)
    os._exit(9)


def die(context: JobContext) -> Outcome:
    """Succeed; the first time the process is killed that many milliseconds later."""
    if not _begin(context):
        killer = threading.Timer(
            context.config["milliseconds"] / 1_000, os.kill, (os.getpid(), signal.SIGKILL)
        )
        killer.daemon = True
        killer.start()
    return Success()


def hang(context: JobContext) -> NoReturn:
    """Never end: asleep, at work, or at work and not to be told anything."""
    _begin(context)
    how = {"asleep": _sleep, "busy": _spin, "stubborn": _spin_on}
    how[context.config["how"]]()
    raise AssertionError("unreachable")


def _sleep() -> None:
    time.sleep(3_600)


def _spin() -> None:
    while True:
        pass


def _spin_on() -> None:
    while True:
        with suppress(Exception):  # a bad habit, and a common one
            _spin()


def _begin(context: JobContext) -> bool:
    """Take note that a job began; return whether it had done so before."""
    assert context.claim is not None
    name = context.claim.job_name
    began = NOTES.exists() and name in NOTES.read_text(encoding="utf-8").splitlines()
    with NOTES.open("a", encoding="utf-8") as notes:
        notes.write(f"{name}\n")
    return began


def _wait_for(name: str | None) -> None:
    while name is not None and not Path(name).exists():
        time.sleep(0.01)


def _check_nothing(_config: Mapping[str, Any]) -> None:
    """Refuse no configuration."""


def _check_all(_config: Mapping[str, Any]) -> None:
    raise ConfigurationError("nothing is good enough")


def _job(
    name: str,
    run: Callable[[JobContext], Outcome],
    check: Callable[[Mapping[str, Any]], None] = _check_nothing,
) -> Job:
    return Job(type=name, summary="for tests", run=run, check=check, default_config={})


NOTING = _job("noting", note)
WRITING = _job("writing", write)
RAISING = _job("raising", fail_by_a_bug)
TELLING = _job("telling", tell)
EXITING = _job("exiting", leave)
DYING = _job("dying", die)
HANGING = _job("hanging", hang)
PICKY = _job("picky", note, _check_all)
