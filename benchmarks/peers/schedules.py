"""Probes of time: whether a worker that is started every minute runs what is due, and only that."""

import time

from benchmarks.peers.systems import Manner, System
from benchmarks.peers.trial import how_it_ended, trial
from benchmarks.postgres import Server

MINUTES = 4
"""How many starts, each at the beginning of a real minute, as cron's are."""

LATER = 12
"""Seconds until the job of the future is due."""

PATIENCE = 40
"""Seconds that a worker may wait for it."""


def every_minute(system: System, server: Server) -> str:
    """Ask whether a job for every minute runs once a start, where cron starts one every minute."""
    with trial(system, server) as it:
        system.schedule(it.place)
        runs = []
        for _ in range(MINUTES):
            before = len(it.begun())
            time.sleep(60 - time.time() % 60)
            it.run(Manner(scheduled=True), within=50)
            runs.append(len(it.begun()) - before)
        return f"{' + '.join(map(str, runs))} runs in {MINUTES} starts"


def due_later(system: System, server: Server) -> str:
    """Ask whether a start waits for a job that is due in twelve seconds: the next one would do."""
    with trial(system, server) as it:
        it.add("marks", delay=LATER)
        ended = it.run(within=PATIENCE)
        ran = "the job was run" if it.begun() else "the job is left for later"
        return f"{how_it_ended(ended)}; {ran}"
