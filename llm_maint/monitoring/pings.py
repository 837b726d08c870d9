"""Pings of monitors: when a run begins and how it ends, at the address of its job."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from llm_maint import __version__
from llm_maint.domain.ping import Addresses, Event, event_of, hidden, ping_url, shown
from llm_maint.domain.runs import Claim, Finished
from llm_maint.errors import MaintError
from llm_maint.monitoring.errands import Errands
from llm_maint.monitoring.telling import Telling

TIMEOUT_SECONDS = 10.0
"""For a ping, its second try included."""

TRIES = 2
"""Of a monitor that cannot be reached or has an error of its own."""

PAUSE_SECONDS = 1.0
"""Between the two."""

REST_SECONDS = 60.0
"""How long a monitor is not asked that gave no answer; the end of a longer job may be told."""

MAX_BODY_BYTES = 10_000
"""What a ping carries of an error message."""

_ERRORS_OF_ITS_OWN = 500
_NO_SUCCESS = 300
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Ping:
    """One of them; its address is a secret."""

    job: str
    event: Event
    run_id: str
    address: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


class Pings:
    """The pings of one tick. A monitor that does not answer is left alone for a while.

    `asked` is the monitor that is being asked, as it may be shown.
    """

    def __init__(
        self,
        addresses: Addresses,
        telling: Telling,
        *,
        bodies: bool = False,
        timeout: float = TIMEOUT_SECONDS,
        pause: float = PAUSE_SECONDS,
        ticking: Callable[[], float] = time.monotonic,
    ) -> None:
        self.errands = Errands("pings", telling, last=self._close)
        self.asked = ""
        self._addresses = addresses
        self._telling = telling
        self._bodies = bodies
        self._timeout = timeout
        self._pause = pause
        self._ticking = ticking
        self._line: _Line | None = None
        self._left_alone: dict[str, float] = {}
        self._failing: set[str] = set()

    def begun(self, claim: Claim) -> None:
        """Tell the monitor of a job that it has begun."""
        self._send(claim.job_name, Event.START, claim.run_id, None)

    def ended(self, finished: Finished) -> None:
        """Tell it how the run has ended, where that is anything to tell."""
        event, run = event_of(finished), finished.run
        if event is not None:
            said = run.error_message if self._bodies else None
            self._send(run.job_name, event, run.id, said)

    def _send(self, job: str, event: Event, run_id: str, said: str | None) -> None:
        address = self._addresses.of(job)
        if address is not None:
            body = said.encode(errors="replace")[:MAX_BODY_BYTES] if said else None
            ping = Ping(job, event, run_id, address, body)
            self.errands.send(lambda: self._deliver(ping))

    def _deliver(self, ping: Ping) -> None:
        monitor = shown(ping.address)
        if self._ticking() < self._left_alone.get(monitor, -inf):
            return
        self.asked = monitor
        try:
            status, said = self._ask(ping, tries=1 if monitor in self._failing else TRIES)
        except MaintError as error:  # of the address, a proxy, the certificates
            status, said = None, str(error)
        self.asked = ""
        if said:
            self._failing.add(monitor)
            told = f"{monitor} was not told of {ping.job}: {hidden(said, ping.address)}"
            self._telling.once(f"{monitor} {status}", told)
        if status is None:
            self._left_alone[monitor] = self._ticking() + REST_SECONDS

    def _ask(self, ping: Ping, *, tries: int) -> tuple[int | None, str]:
        if self._line is None:
            self._line = _Line(self._timeout, self._pause, tls=self._addresses.use_tls)
        return self._line.ask(ping, tries=tries)

    def _close(self) -> None:
        if self._line is not None:
            self._line.close()


class _Line:
    """What it takes to ask over HTTP: an event loop of this thread, and connections.

    Made when the first ping is to be sent, and in its thread: the library takes long to import.
    """

    def __init__(self, timeout: float, pause: float, *, tls: bool) -> None:
        from llm_maint.web.resolving import DaemonResolvingLoop
        from llm_maint.web.transport import Transport

        self._timeout = timeout
        self._pause = pause
        self._transport = Transport(
            headers={"User-Agent": f"llm-maint/{__version__}"},
            timeout=timeout,
            connections=1,
            no_address="that is not the address of a web server",
            tls=tls,
        )
        self._loop = DaemonResolvingLoop()

    def ask(self, ping: Ping, *, tries: int) -> tuple[int | None, str]:
        """Send a ping; return the status of the answer, and what is wrong with it."""
        return self._loop.run_until_complete(self._asked(ping, tries))

    def close(self) -> None:
        """Close the connections."""
        self._loop.run_until_complete(self._transport.close())
        self._loop.close()

    async def _asked(self, ping: Ping, tries: int) -> tuple[int | None, str]:
        until = self._loop.time() + self._timeout
        status, said = await self._once(ping, until)
        for _ in range(tries - 1):
            is_its_own = status is None or status >= _ERRORS_OF_ITS_OWN
            if not is_its_own or self._loop.time() + self._pause >= until:
                break
            await asyncio.sleep(self._pause)
            status, said = await self._once(ping, until)
        return status, said

    async def _once(self, ping: Ping, until: float) -> tuple[int | None, str]:
        from llm_maint.web.transport import NoAnswer

        answer = await self._transport.exchange(
            "GET" if ping.body is None else "POST",
            ping_url(ping.address, ping.event, ping.run_id),
            content=ping.body,
            within=until - self._loop.time(),
        )
        if isinstance(answer, NoAnswer):
            return None, f"it {answer.reason}"
        if _NO_SUCCESS <= answer.status < _BAD_REQUEST:
            return answer.status, f"it answered {answer.status}, and redirects are not followed"
        if answer.status >= _BAD_REQUEST:
            return answer.status, f"it answered {answer.status}"
        return answer.status, _reservation(answer.body)


def _reservation(body: bytes) -> str:
    """Return what healthchecks.io says of a ping that it takes and does not count.

    It answers so with 200 where it has no check at the address, or gets too many pings.
    """
    said = next((each for each in _RESERVATIONS if body.strip() == f"OK ({each})".encode()), "")
    return said and f"it answered {said}"


_RESERVATIONS = ("not found", "rate limited")
