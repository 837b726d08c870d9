"""PgQueuer's side: the entrypoints, and a way to enqueue. Runs in the peers' environment.

`python pgqueuer_app.py ENTRYPOINT COUNT DELAY SECONDS` enqueues COUNT jobs.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
from marks import mark
from pgqueuer import PgQueuer
from pgqueuer.models import Job, Schedule
from pgqueuer.queries import Queries


@asynccontextmanager
async def worker() -> AsyncIterator[PgQueuer]:
    """Give a worker that knows every entrypoint."""
    connection = await asyncpg.connect(os.environ["PEER_DATABASE_URL"])
    queuer = PgQueuer.from_asyncpg_connection(connection)
    _register(queuer)
    try:
        yield queuer
    finally:
        await connection.close()


def _register(queuer: PgQueuer) -> None:
    @queuer.entrypoint("noop")
    async def noop(job: Job) -> None:
        """Do nothing."""

    @queuer.entrypoint("marks")
    async def marks(job: Job) -> None:
        mark("begun", _said(job)["name"])

    @queuer.entrypoint("raises")
    async def raises(job: Job) -> None:
        mark("begun", _said(job)["name"])
        raise RuntimeError("raised on purpose")

    @queuer.entrypoint("sleeps")
    async def sleeps(job: Job) -> None:
        said = _said(job)
        mark("begun", said["name"])
        await asyncio.sleep(said["seconds"])
        mark("ended", said["name"])

    if os.environ.get("PEER_SCHEDULE"):

        @queuer.schedule("every_minute", "* * * * *")
        async def every_minute(schedule: Schedule) -> None:
            mark("begun", f"schedule-{schedule.id}")


def _said(job: Job) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(job.payload or b"{}")
    return said


async def _enqueue(entrypoint: str, count: int, delay: float, seconds: float) -> None:
    connection = await asyncpg.connect(os.environ["PEER_DATABASE_URL"])
    payloads = [
        json.dumps({"name": f"job-{number}", "seconds": seconds}).encode()
        for number in range(count)
    ]
    await Queries.from_asyncpg_connection(connection).enqueue(
        [entrypoint] * count,
        payloads,
        [0] * count,
        [timedelta(seconds=delay)] * count,
    )
    await connection.close()


if __name__ == "__main__":
    asyncio.run(_enqueue(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
