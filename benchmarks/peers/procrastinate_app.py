"""Procrastinate's side: the tasks, and a way to defer them. Runs in the peers' environment.

`python procrastinate_app.py TASK COUNT DELAY SECONDS` defers COUNT jobs.
"""

import asyncio
import os
import sys
from typing import Any

import procrastinate
from marks import mark

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["PEER_DATABASE_URL"])
)


@app.task(name="noop")
async def noop(name: str, seconds: float) -> None:
    """Do nothing."""


@app.task(name="marks")
async def marks(name: str, seconds: float) -> None:  # noqa: ARG001 every task takes the same
    """Leave a mark."""
    mark("begun", name)


@app.task(name="raises")
async def raises(name: str, seconds: float) -> None:  # noqa: ARG001 every task takes the same
    """Raise."""
    mark("begun", name)
    raise RuntimeError("raised on purpose")


@app.task(name="sleeps")
async def sleeps(name: str, seconds: float) -> None:
    """Sleep."""
    mark("begun", name)
    await asyncio.sleep(seconds)
    mark("ended", name)


if os.environ.get("PEER_SCHEDULE"):

    @app.periodic(cron="* * * * *")
    @app.task(name="every_minute")
    async def every_minute(timestamp: int) -> None:
        """Leave a mark that names the slot."""
        mark("begun", str(timestamp))


if stale_after := os.environ.get("PEER_RESCUE_SECONDS"):

    @app.periodic(cron="* * * * *")
    @app.task(queueing_lock="rescue", pass_context=True)
    async def rescue(_context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
        """Take back the jobs of dead workers: what its manual advises, which runs only as a job."""
        manager = app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=float(stale_after)):
            await manager.retry_job(job)


async def _defer(task: str, count: int, delay: float, seconds: float) -> None:
    async with app.open_async():
        later: dict[str, Any] = {"schedule_in": {"seconds": delay}} if delay else {}
        deferrer = app.configure_task(task, **later)
        named = [{"name": f"job-{number}", "seconds": seconds} for number in range(count)]
        await deferrer.batch_defer_async(*named)


if __name__ == "__main__":
    asyncio.run(_defer(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
