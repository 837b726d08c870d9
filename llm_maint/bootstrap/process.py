"""The process we run in: its terminal, its log, its signals, its environment."""

import copy
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING

from llm_maint.domain.visible import visible
from llm_maint.errors import ExitCode, InterruptedRunError, JobTimedOutError

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the output goes: to a person or a file, in colour or not, under systemd or not."""

    terminal: bool
    error_terminal: bool
    colour: bool
    journal: bool


def surroundings(output: int = 1, errors: int = 2) -> Surroundings:
    """Return what the environment says about two streams, given as file descriptors."""
    dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    return Surroundings(
        terminal=not dumb and _is_terminal(output),
        error_terminal=not dumb and _is_terminal(errors),
        colour=not os.environ.get("NO_COLOR"),
        journal=os.environ.get("JOURNAL_STREAM", "none") == _device(errors),
    )


def environment_with(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a process that we start; our own settings are not passed on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLM_MAINT_")}
    return {**kept, **changes}


def install_log(*, verbose: bool, quiet: bool, journal: bool) -> None:
    """Send log lines to standard error: warnings and errors, with `verbose` all there is."""
    handler = _StandardError()
    handler.setFormatter(_JournalFormatter() if journal else _Formatter(verbose=verbose))
    level = logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(handlers=[handler], level=level, force=True)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries, to their developers; not for cron's mail
    # Its request lines add nothing to ours.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def install_signals() -> None:
    """Let SIGINT and SIGTERM end what is being done, cleanly, however often they come."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, SIGNALS.arrived)
    signal.signal(signal.SIGALRM, SIGNALS.rang)
    sys.unraisablehook = SIGNALS.was_swallowed


def end_process(code: ExitCode) -> None:
    """End the process from any thread, at once, as if it were killed."""
    os._exit(code)


def ignore_signals() -> None:
    """Let nothing interrupt the end of the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@dataclass(slots=True)
class Signals:
    """The signal that came, and whether it may raise where it arrives."""

    deferred: bool = False
    pending: int | None = None

    def arrived(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal; raise where that tears nothing."""
        if self.pending is not None:
            return  # the first is being seen to; a second must not tear what it cleans up
        self.pending = number
        if not self.deferred:
            raise InterruptedRunError(number)

    def rang(self, _number: int, _frame: FrameType | None) -> None:
        """Raise what the alarm was set for: a time-out, or a signal that was swallowed."""
        if self.deferred:
            return
        if self.pending is not None:
            raise InterruptedRunError(self.pending)
        raise JobTimedOutError

    def was_swallowed(self, unraisable: "UnraisableHookArgs") -> None:
        """Raise once more what came while Python was in a destructor, where nothing gets out."""
        if unraisable.exc_type in (InterruptedRunError, JobTimedOutError):
            signal.setitimer(signal.ITIMER_REAL, _SOON_SECONDS)
        else:
            sys.__unraisablehook__(unraisable)

    @contextmanager
    def interruptible(self, timeout: timedelta | None = None) -> Iterator[None]:
        """Let signals raise within; one that came before raises at once.

        Raises:
            JobTimedOutError: what is within takes longer than the time-out.

        """
        try:
            self.deferred = False
            if self.pending is not None:
                raise InterruptedRunError(self.pending)
            if timeout is not None:
                signal.setitimer(signal.ITIMER_REAL, timeout.total_seconds())
            yield
        finally:
            self.deferred = True
            signal.setitimer(signal.ITIMER_REAL, 0)


_SOON_SECONDS = 0.01


SIGNALS = Signals()
"""Of this process: signals have no other home than the process itself."""


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


def _is_terminal(stream: int) -> bool:
    try:
        return os.isatty(stream)
    except OSError:
        return False


def _device(stream: int) -> str | None:
    """Return a stream's device and inode, as `JOURNAL_STREAM` names the one to the journal."""
    try:
        status = os.fstat(stream)
    except OSError:
        return None
    return f"{status.st_dev}:{status.st_ino}"
