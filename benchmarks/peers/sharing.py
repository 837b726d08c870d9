"""Probes of load: several processes at one queue, and a start that finds nothing."""

import statistics
import time
from collections import Counter

from benchmarks.peers.systems import System
from benchmarks.peers.trial import trial
from benchmarks.postgres import Server

PROCESSES, JOBS = 4, 500

TICKS = 9
"""Starts that find nothing; the medians are told."""

PATIENCE = 300
"""Seconds for all jobs."""


def four_processes(system: System, server: Server) -> str:
    """Ask whether four processes run five hundred jobs once each, how soon, how evenly shared."""
    with trial(system, server) as it:
        it.add("marks", JOBS)
        begun = time.perf_counter()
        workers = [it.start() for _ in range(PROCESSES)]
        codes = {worker.ended(within=PATIENCE).code for worker in workers}
        seconds = time.perf_counter() - begun
        times = Counter(each.job for each in it.begun())
        shares = sorted(Counter(each.process for each in it.begun()).values())
    once = sum(number == 1 for number in times.values())
    each = "each once" if once == JOBS else f"{once} of {JOBS} once, {JOBS - len(times)} never"
    told = "" if codes == {0} else f"; exit codes {sorted(codes)}"
    return f"{each} in {seconds:.1f} s; shares {', '.join(map(str, shares))}{told}"


def nothing_due(system: System, server: Server) -> str:
    """Ask what a start costs that finds nothing to do."""
    with trial(system, server) as it:
        ended = [it.run().checked() for _ in range(TICKS)]
    cpu, wall = (statistics.median(getattr(each, name) for each in ended) for name in _TOLD)
    return f"{cpu * 1000:.0f} ms CPU, {wall * 1000:.0f} ms"


_TOLD = ("cpu", "wall")
