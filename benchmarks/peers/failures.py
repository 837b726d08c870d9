"""Probes of what goes wrong before or in a job, and of what whoever started the worker learns."""

import socket

from benchmarks.peers.systems import System
from benchmarks.peers.trial import how_it_ended, trial
from benchmarks.postgres import Server
from benchmarks.processes import Ended

PATIENCE = 90
"""Seconds after which a worker that still waits for a database is ended."""


def a_job_raises(system: System, server: Server) -> str:
    """Ask whether the exit code tells that a job raised, and what the database tells of it."""
    with trial(system, server) as it:
        it.add("raises")
        ended = it.run()
        return f"{how_it_ended(ended)}; recorded: {system.recorded(it.place)}"


def nothing_listens(system: System, server: Server) -> str:
    """Ask how long it takes to notice that nothing listens at the database's address."""
    with trial(system, server) as it, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take the port
        return _noticed(it.at(_address(taken)).run(within=PATIENCE))


def never_answers(system: System, server: Server) -> str:
    """Ask how long it takes to give up a database that accepts a connection and says nothing."""
    with trial(system, server) as it, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        return _noticed(it.at(_address(silent)).run(within=PATIENCE))


def schema_missing(system: System, server: Server) -> str:
    """Ask what it says to a database that was never prepared."""
    with trial(system, server, prepared=False) as it:
        return _noticed(it.run())


def _address(bound: socket.socket) -> str:
    return f"postgresql://postgres@127.0.0.1:{bound.getsockname()[1]}/assistant"


def _noticed(ended: Ended) -> str:
    lines = len((ended.errors + ended.out).strip().splitlines())
    return f"{how_it_ended(ended)}, {lines} line{'' if lines == 1 else 's'}"
