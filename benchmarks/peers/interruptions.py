"""Probes of signals: whether a worker ends when it is told to, and whether its job comes back."""

import signal
import time

from benchmarks.peers.systems import Manner, System
from benchmarks.peers.trial import Trial, trial
from benchmarks.postgres import Server
from benchmarks.processes import Started

LONG = 12
"""Seconds that the job sleeps which a signal finds at work."""

SOON = 10
"""Seconds in which the next start has to begin the job that was handed back."""

BETWEEN = 0.5
"""Seconds after a job began until the signal, and between two signals."""

LEASE = 2
"""Seconds after which a dead worker loses its job, where that can be set."""

PATIENCE = 90
"""Seconds of starts, one after the other, for a job to come back."""


def sigterm(system: System, server: Server) -> str:
    """Ask whether a SIGTERM while a job is at work ends it, and whether the job is handed back."""
    with trial(system, server) as it:
        return _interrupted(it, signals=1)


def sigterm_twice(system: System, server: Server) -> str:
    """Ask the same of two signals, half a second apart: the habit of whoever is in a hurry."""
    with trial(system, server) as it:
        return _interrupted(it, signals=2)


def sigkill(system: System, server: Server) -> str:
    """Ask whether, and when, starts that follow a SIGKILL run the job again; leases shortened."""
    told = _killed(system, server, Manner(lease=LEASE))
    if not system.rescues_by_task:
        return told
    helped = _killed(system, server, Manner(lease=LEASE, rescuing=True))
    return f"{told}; with a rescuing task every minute: {helped}"


def _interrupted(it: Trial, *, signals: int) -> str:
    worker = _at_work(it, Manner())
    told = time.monotonic()
    for number in range(signals):
        if number:
            time.sleep(BETWEEN)
        worker.send(signal.SIGTERM)
    ended = worker.ended(within=PATIENCE)
    seconds = time.monotonic() - told
    return f"exit {ended.code} after {seconds:.1f} s; {_fate(it)}"


def _at_work(it: Trial, manner: Manner) -> Started:
    it.add("sleeps", seconds=LONG)
    worker = it.start(manner)
    if not it.sees(1, within=PATIENCE):
        raise RuntimeError(f"{it.system.title} does not begin the job")
    time.sleep(BETWEEN)
    return worker


def _fate(it: Trial) -> str:
    """Return what became of the job: only another start can tell whether it was handed back."""
    if it.finished():
        return "the job came to its end"
    again = it.start()
    runs = it.sees(2, within=SOON)
    again.send(signal.SIGKILL)
    again.ended(within=SOON)
    return "the next start runs the job" if runs else "the next start does not run the job"


def _killed(system: System, server: Server, manner: Manner) -> str:
    with trial(system, server) as it:
        worker = _at_work(it, manner)
        worker.send(signal.SIGKILL)
        worker.ended(within=PATIENCE)
        died, until = time.time(), time.monotonic() + PATIENCE
        while time.monotonic() < until:
            it.run(manner, within=PATIENCE)
            if len(it.begun()) > 1:
                return f"run again after {it.begun()[1].moment - died:.1f} s"
            time.sleep(BETWEEN)
        return f"not run again within {PATIENCE} s"
