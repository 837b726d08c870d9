"""Marks that jobs leave in a file: what ran is then seen without asking any database."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "BENCH_MARKS"
"""Names the file."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`event` is `begun` or `ended`, `job` the job's own name, `moment` by the host's clock."""

    event: str
    job: str
    process: int
    moment: float


def mark(event: str, job: str) -> None:
    """Append a mark, in one write: several processes may do so at once."""
    line = f"{event} {job} {os.getpid()} {time.time()}\n"
    descriptor = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def marks_in(file: Path, event: str = "begun") -> list[Mark]:
    """Return the marks of one kind, in the order they were left."""
    if not file.exists():
        return []
    words = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    found = [Mark(each[0], each[1], int(each[2]), float(each[3])) for each in words]
    return [each for each in found if each.event == event]
