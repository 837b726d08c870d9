"""A world for the runner: job types of a test's own, a clock that the test sets, one database."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from building import day
from consolidating import settings
from databases import sql

import llm_maint.jobs
from llm_maint.contract import Clock, Job, JobContext
from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import Outcome, Success
from llm_maint.domain.schedule import Every
from llm_maint.errors import ExitCode
from llm_maint.runner import Runner
from llm_maint.store import job_edits, jobs
from llm_maint.store.database import Database
from llm_maint.store.listing import ScheduledJob

START = day(10)


@dataclass
class World:
    """All that the runner works with; `ran` lists the scripted jobs in the order they ran."""

    database: Database
    monkeypatch: pytest.MonkeyPatch
    now: datetime = START
    ran: list[str] = field(default_factory=list)

    def add(self, name: str, run: Callable[[JobContext], Outcome] | None = None) -> ScheduledJob:
        """Add a job, and the job type of its name: it succeeds, or does what `run` does."""

        def noted(context: JobContext) -> Outcome:
            self.ran.append(name)
            return run(context) if run else Success({"by": name})

        module = ModuleType(f"scripted_{name}")
        vars(module)["JOB"] = Job(
            type=name, summary="scripted", run=noted, check=_anything_goes, default_config={}
        )
        self.monkeypatch.setitem(sys.modules, module.__name__, module)
        types = {**llm_maint.jobs.BUILT_IN, name: module.__name__}
        self.monkeypatch.setattr(llm_maint.jobs, "BUILT_IN", types)
        return self.schedule(name)

    def schedule(self, job_type: str, **config: Any) -> ScheduledJob:  # noqa: ANN401 any JSON
        """Add a job of any type, known or not; jobs are due in the order of their making."""
        with self.database.write() as connection:
            job = job_edits.add_job(
                connection,
                job_type=job_type,
                name=job_type,
                timing=Timing(schedule=Every(timedelta(hours=1))),
                bot_id="*",
                config=config,
                now=self.now,
            )
        number = len(self.jobs())
        sql(
            self.database,
            "UPDATE scheduled_jobs SET id = :new WHERE id = :old",
            new=f"{number:02}",
            old=job.id,
        )
        return self.jobs()[job.name]

    def runner(self, clock: Clock | None = None, *, lease_seconds: int = 120) -> Runner:
        """Return the runner."""
        return Runner(
            settings=settings(llm={}, scheduler={"lease_seconds": lease_seconds}),
            database=self.database,
            clock=clock or (lambda: self.now),
            model=lambda: None,
            host="here",
            interruptible=_never_interrupted,
            end_process=_never_ended,
        )

    def tick(self, **limits: Any) -> dict[str, str]:  # noqa: ANN401 any argument
        """Run what is due; return the status of each job that ran, in order."""
        return {each.run.job_name: each.run.status for each in self.runner().run_due(**limits)}

    def jobs(self) -> Mapping[str, ScheduledJob]:
        """Return all jobs by name."""
        with self.database.read() as connection:
            return {job.name: job for job in jobs.all_jobs(connection)}


def _anything_goes(_config: Mapping[str, Any]) -> None:
    """Refuse nothing."""


@contextmanager
def _never_interrupted(_timeout: timedelta | None) -> Iterator[None]:
    yield


def _never_ended(_code: ExitCode) -> None:
    raise AssertionError("no test here has a job that cannot be interrupted")
