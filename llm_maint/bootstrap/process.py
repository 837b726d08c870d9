"""The process we run in: its terminal, its log, its environment."""

import copy
import logging
import os
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from llm_maint.bootstrap.terminal import is_terminal
from llm_maint.domain.progress import HEARTBEAT
from llm_maint.domain.visible import visible
from llm_maint.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the output goes: to a person or a file, in colour or not, under systemd or not."""

    terminal: bool
    error_terminal: bool
    colour: bool
    journal: bool


def surroundings(output: int = 1, errors: int = 2) -> Surroundings:
    """Return what the environment says about two streams, given as file descriptors."""
    return Surroundings(
        terminal=is_terminal(output),
        error_terminal=is_terminal(errors),
        colour=not os.environ.get("NO_COLOR"),
        journal=os.environ.get("JOURNAL_STREAM", "none") == _device(errors),
    )


def environment_with(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a process that we start; our own settings are not passed on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLM_MAINT_")}
    return {**kept, **changes}


def install_log(*, verbose: bool, quiet: bool, journal: bool) -> None:
    """Send log lines to standard error: warnings and errors, with `verbose` all there is.

    The heartbeat of long work goes to the journal in any case but `quiet`: nobody mails that.
    """
    handler = _StandardError()
    handler.setFormatter(_JournalFormatter() if journal else _Formatter(verbose=verbose))
    level = logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(handlers=[handler], level=level, force=True)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries, to their developers; not for cron's mail
    heartbeat = logging.ERROR if quiet else logging.INFO if journal else logging.NOTSET
    logging.getLogger(HEARTBEAT).setLevel(heartbeat)
    # Its request lines add nothing to ours.
    for name in ("httpx", "faiss"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if not verbose:  # how they clean up behind a signal; what ends a command, they raise
        for name in ("psycopg", "sqlalchemy.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def end_process(code: ExitCode) -> None:
    """End the process from any thread, at once, as if it were killed."""
    os._exit(code)


class _StandardError(logging.Handler):
    """Writes to standard error as it is at that moment: progress bars may stand in for it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 as every handler: a log line must not end the work
            self.handleError(record)


class _Formatter(logging.Formatter):
    """One line a record for people; tracebacks only for those who asked for more."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__("%(asctime)sZ %(levelname)s: %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
        self.converter = time.gmtime
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        if self._verbose:
            return super().format(_cleaned(record))
        return f"llm-maint: {visible(record.getMessage())}"


def _cleaned(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record whose message is one visible line: it may quote a server or a row."""
    cleaned = copy.copy(record)
    cleaned.msg, cleaned.args = visible(record.getMessage()), None
    return cleaned


class _JournalFormatter(logging.Formatter):
    """Lines with the priority prefix that systemd reads; it adds the time by itself."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES.items() if record.levelno >= level)
        text = super().format(_cleaned(record))
        return "\n".join(f"<{priority}>{line}" for line in text.splitlines())


_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, 0: 7}


def _device(stream: int) -> str | None:
    """Return a stream's device and inode, as `JOURNAL_STREAM` names the one to the journal."""
    try:
        status = os.fstat(stream)
    except OSError:
        return None
    return f"{status.st_dev}:{status.st_ino}"
