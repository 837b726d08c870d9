"""The command that is run after each failed run: what it is given, and how long it may take."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock

from llm_maint.domain.run_document import run_document
from llm_maint.domain.runs import Finished, Status
from llm_maint.monitoring.errands import Errands
from llm_maint.monitoring.telling import Telling

TIMEOUT_SECONDS = 30.0
"""For one command; then all that it has started is ended as well."""

LAST_SECONDS = 1.0
"""Between being told to end, and being killed."""

STANDARD_ERROR = 2
"""Where its output goes, of either kind: ours may be a JSON document."""


class FailureCommand:
    """The command of the settings, if any; one that does not end is not run again in this tick.

    `environment` returns that of a process with some variables more.
    """

    def __init__(
        self,
        line: str,
        telling: Telling,
        *,
        environment: Callable[[Mapping[str, str]], dict[str, str]],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.errands = Errands("on_failure_command", telling)
        self._line = line
        self._telling = telling
        self._environment = environment
        self._timeout = timeout
        self._running: subprocess.Popen[bytes] | None = None
        self._is_stopped = False
        self._changing = Lock()

    def ended(self, finished: Finished) -> None:
        """Have it run for a run that has failed."""
        if self._line.strip() and finished.run.status == Status.FAILED:
            self.errands.send(lambda: self._run(finished))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Begin no other, and send a signal to the one that runs, and to all it has started."""
        with self._changing:
            self._is_stopped = True
            if self._running is not None:
                _send(self._running, number)

    def _run(self, finished: Finished) -> None:
        try:
            process = self._started(finished)
        except (OSError, ValueError) as error:
            # Only the program is named: its arguments may hold a secret, and so may a ValueError.
            reason = "it is no command line"
            if isinstance(error, OSError):
                reason = f"{error.filename}: {error.strerror}"
            self._tell(f"cannot be run: {reason}")
            return
        if process is None:
            return
        document = json.dumps(run_document(finished.run), ensure_ascii=True).encode()
        try:
            process.communicate(document, timeout=self._timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            _kill(process)
            self._tell(f"did not end within {self._timeout:g} s, and was ended")
        finally:
            with self._changing:
                self._running = None
                if self._is_stopped:  # and so is what it has started, whatever that makes of it
                    _send(process, signal.SIGKILL)
        if process.returncode and not self._is_stopped:
            self._tell(f"ended with exit code {process.returncode}")

    def _started(self, finished: Finished) -> "subprocess.Popen[bytes] | None":
        with self._changing:
            if self._is_stopped:
                return None
            self._running = subprocess.Popen(  # noqa: S603 the command is the user's own setting
                shlex.split(self._line),
                env=self._environment(_variables(finished)),
                stdin=subprocess.PIPE,
                stdout=STANDARD_ERROR,
                start_new_session=True,  # so that all it starts can be ended with it
            )
            return self._running

    def _tell(self, text: str) -> None:
        self._telling.once("command", f"on_failure_command {text}")


def _variables(finished: Finished) -> dict[str, str]:
    """Return what the command finds in its environment.

    Without our prefix, with which a variable that is no setting is an error to a llm-maint that the
    command may start.
    """
    run = finished.run
    return {
        "JOB_NAME": run.job_name,
        "JOB_TYPE": run.job_type,
        "RUN_ID": run.id,
        "RUN_STATUS": run.status,
        "ERROR_MESSAGE": run.error_message or "",
        "EXIT_CODE": str(int(finished.exit_code)),
    }


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(LAST_SECONDS)
    process.kill()
    process.communicate()


def _send(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(OSError):  # it has ended, or is somebody else's: sudo's, say
        os.killpg(process.pid, number)
