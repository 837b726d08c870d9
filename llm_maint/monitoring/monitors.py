"""All that is told of runs while they are run, and how long a tick waits for it at its end."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from llm_maint.domain.listening import Listener
from llm_maint.domain.ping import read_addresses
from llm_maint.domain.runs import Claim, Finished
from llm_maint.monitoring import command, pings
from llm_maint.monitoring.command import FailureCommand
from llm_maint.monitoring.errands import Errands
from llm_maint.monitoring.pings import Pings
from llm_maint.monitoring.telling import Telling
from llm_maint.settings.sections import MonitoringSettings

PINGS_SECONDS = pings.TIMEOUT_SECONDS
COMMANDS_SECONDS = command.TIMEOUT_SECONDS + 2 * command.LAST_SECONDS
"""How long a tick that is done waits for either: as long as one of them may take."""

INTERRUPTED_SECONDS = 1.0
"""How long one waits that was told to stop."""


class Monitors:
    """The monitors of one tick."""

    def __init__(
        self,
        settings: MonitoringSettings,
        *,
        environment: Callable[[Mapping[str, str]], dict[str, str]],
    ) -> None:
        self._telling = Telling()
        addresses, self._wrong = read_addresses(settings.ping_url, settings.ping_urls)
        self._pings = Pings(addresses, self._telling, bodies=settings.ping_bodies)
        self._command = FailureCommand(
            settings.on_failure_command, self._telling, environment=environment
        )

    @property
    def listener(self) -> Listener:
        """What a runner tells of its runs."""
        return Listener(begun=self._begun, ended=self._ended)

    @property
    def are_at_work(self) -> bool:
        """Whether there is anything to wait for."""
        return any(errands.is_at_work for errands in self._all)

    def finish(self) -> None:
        """Wait until all is told, within limits."""
        begun = time.monotonic()
        for errands in self._all:
            errands.end()
        self._pings.errands.have_ended(within=PINGS_SECONDS)
        self._command.errands.have_ended(within=begun + COMMANDS_SECONDS - time.monotonic())
        self.leave()

    def leave(self, *, within: float = 0) -> None:
        """Give up what is not told within some seconds; a command that still runs is ended."""
        until = time.monotonic() + within
        self._command.stop()
        for errands in self._all:
            errands.end()
            errands.have_ended(within=until - time.monotonic())
        self._command.stop(signal.SIGKILL)
        is_told = all(errands.have_ended(within=0) for errands in self._all)
        silent = self._pings.asked
        why = f"{silent} gave no answer in time" if silent else "not all was told in time"
        self._telling.end("" if is_told or within else why)

    @property
    def _all(self) -> tuple[Errands, Errands]:
        return self._pings.errands, self._command.errands

    def _begun(self, claim: Claim) -> None:
        for text in self._wrong:  # not before: most commands run nothing
            self._telling.once(text, text)
        with self._failing_no_run():
            self._pings.begun(claim)

    def _ended(self, finished: Finished) -> None:
        with self._failing_no_run():
            self._pings.ended(finished)
            self._command.ended(finished)

    @contextmanager
    def _failing_no_run(self) -> Iterator[None]:
        """Tell of a bug of ours, and go on: the claim is held, and its job is to run."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 see above
            self._telling.once("bug", f"a bug ({type(error).__name__})")
