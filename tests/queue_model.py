"""The queue beside what it promises: whatever is done to it here is looked at afterwards.

Time is its own, and processes are values: one that dies is one that is forgotten.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa
from building import MORNING

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.runs import Claim, Outcome, Success, Trigger
from llm_maint.domain.schedule import Every
from llm_maint.domain.settlement import MAX_ATTEMPTS, settle
from llm_maint.store import claims, job_edits, queue
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.jobs import find_job
from llm_maint.store.tables import jobs, runs

LEASE = timedelta(minutes=2)
TINY = timedelta(microseconds=1)
A_MILLISECOND = timedelta(milliseconds=1)  # SQLite compares no finer


@dataclass
class Process:
    """A process at its tick, and the claim that it works at."""

    name: str
    tick: queue.Tick | None = None
    claim: Claim | None = None


@dataclass
class Model:
    """What is noted beside the database.

    `ended` are the runs that have ended, as they were first seen so. `loose` are the jobs that a
    person, or a clock that was put back, may bring back to a slot that has been; `touched` those
    that a person has changed since they were claimed. `slots` is a slot of each job's grid.
    """

    database: Database
    now: datetime = MORNING
    processes: dict[str, Process] = field(default_factory=dict)
    ended: dict[str, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    slots: dict[str, datetime] = field(default_factory=dict)
    put_back: bool = False

    def add(self, timing: Timing) -> str:
        """Add a job; return its id."""
        name = f"job {len(self.names)}"
        self.names.add(name)
        with self.database.write() as connection:
            job = job_edits.add_job(
                connection,
                job_type="any",
                name=name,
                timing=timing,
                bot_id=None,
                config={},
                now=self.now,
            )
        return job.id

    def edit(self, job_id: str, timing: Timing, *, whole: bool) -> None:
        """Change the timing of a job, or all of it but the schedule."""
        with self.database.write() as connection:
            job = find_job(connection, job_id)
            timing = timing if whole else replace(timing, schedule=job.timing.schedule)
            job_edits.edit_job(connection, job, timing=timing, now=self.now)
        self.touched.add(job_id)
        if timing.schedule != job.timing.schedule:
            self.slots.pop(job_id, None)

    def write(self, job_id: str, **columns: Any) -> None:  # noqa: ANN401 any column
        """Write columns of a job by hand."""
        with self.database.write() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**columns))
        self.touched.add(job_id)
        if "next_run_at" in columns:
            self.loose.add(job_id)
            self.slots.pop(job_id, None)

    def put_clock_back(self, by: timedelta) -> None:
        """Put the host's clock back: what has been may come again."""
        self.now -= by
        self.put_back = True
        self.loose |= {job.id for job in self.jobs()}

    def process(self, name: str) -> Process:
        """Return a process; one that ended is followed by another."""
        return self.processes.setdefault(name, Process(name))

    def claim(self, name: str, *, job_id: str | None = None) -> Claim | None:
        """Let a process claim what comes next in its tick, or begin one; of one job a new one."""
        process = self.process(name)
        if process.claim is None:
            if process.tick is None or job_id is not None:
                process.tick = queue.Tick(due_by=self.now, lease=LEASE, host=name, job_id=job_id)
            with self.database.brief() as source:
                process.claim = process.tick.claim_next(source, now=self.now)
            if process.claim is None:
                process.tick = None
            else:
                self._begun(process.claim)
        return process.claim

    def claim_now(self, name: str, job_id: str) -> None:
        """Let a person run a job; nobody can where it is held."""
        process, held = self.process(name), self.job(job_id).claim_run_id is not None
        if process.claim is None:
            with self.database.brief() as source:
                process.claim = queue.claim_now(
                    source, job_id, now=self.now, lease=LEASE, host=name
                )
            assert (process.claim is None) == held
            if process.claim is not None:
                self._begun(process.claim)

    def _begun(self, claim: Claim) -> None:
        """Look at a run that begins: a slot that has fired fires again for no reason of ours."""
        self.touched.discard(claim.job_id)
        (run,) = [run for run in self.runs() if run.id == claim.run_id]
        assert (run.job_id, run.status, run.attempt) == (claim.job_id, "running", claim.attempt)
        if claim.trigger is Trigger.MANUAL:
            assert run.scheduled_for is None
            return
        assert run.scheduled_for is not None or claim.job_id in self.loose
        slot, schedule = claim.slot or claim.due_slot, claim.timing.schedule
        before = self.slots.setdefault(claim.job_id, slot)
        if isinstance(schedule, Every):
            assert (slot - before) % schedule.interval == timedelta(0)
        elif slot != before:
            assert schedule.next(min(before, slot) - TINY, after=slot - TINY) == slot

    def renew(self, name: str) -> None:
        """Let a lease begin anew: as long as it holds it can be renewed, and not after that."""
        claim = self.process(name).claim
        if claim is not None:
            job = self.job(claim.job_id)
            holds = job.claim_run_id == claim.run_id and job.lease_expires_at > self.now
            with self.database.brief() as source:
                assert claims.renew(source, claim, now=self.now, lease=LEASE) == holds

    def record(self, name: str, outcome: Outcome, status: str) -> None:
        """Let a process record what came of its claim."""
        claim = self.process(name).claim
        assert claim is not None
        self.processes[name].claim = None
        held = self.job(claim.job_id).claim_run_id == claim.run_id
        with self.database.brief() as source:
            settlement = settle(claim, outcome, now=self.now)
            run = claims.record(source, claim, settlement, now=self.now)
        assert run is not None
        if not held:
            assert run.status in ("abandoned", "failed")
            return
        assert run.status == status
        job = self.job(claim.job_id)
        if status == "interrupted" and claim.due_at is None:
            self.slots.pop(claim.job_id, None)  # it is due "now" again, whenever that will be
        if claim.job_id in self.touched:
            return
        if status == "interrupted":
            assert (job.attempt, job.next_run_at) == (claim.attempt - 1, claim.due_at)
        if status == "success":
            assert job.attempt == 0
            each = claim.timing.misfire is Misfire.ALL
            assert job.next_run_at > (min(claim.due_slot, self.now) if each else self.now)

    def rescue(self) -> None:
        """Take back what has run out, and nothing else."""
        lost = {
            job.claim_run_id: job
            for job in self.jobs()
            if job.claim_run_id is not None and job.lease_expires_at <= self.now
        }
        with self.database.brief() as source:
            rescued = claims.rescue_expired(source, now=self.now)
        assert {run.id for run in rescued} == set(lost)
        for run in rescued:
            before, after = lost[run.id], self.job(run.job_id)
            if run.status == "failed":
                assert before.attempt == MAX_ATTEMPTS
                assert before.misfire == Misfire.ALL or after.next_run_at > self.now
            else:
                assert run.status == "abandoned"
                settled = run.trigger == Trigger.MANUAL or run.job_id in self.touched
                assert settled or self.put_back or after.next_run_at <= self.now

    def look(self) -> None:
        """Look at what holds at any time, whatever happened."""
        all_jobs, all_runs = self.jobs(), self.runs()
        assert {job.name for job in all_jobs} == self.names
        held = {job.claim_run_id: job.id for job in all_jobs if job.claim_run_id is not None}
        assert held == {run.id: run.job_id for run in all_runs if run.status == "running"}
        for run in all_runs:
            assert 1 <= run.attempt <= MAX_ATTEMPTS
            assert (run.status == "running") == (run.finished_at is None)
            if run.status != "running":
                assert self.ended.setdefault(run.id, run) == run
        assert self.ended.keys() <= {run.id for run in all_runs}
        self._look_at_slots(all_runs)
        self._look_at_what_is_due(all_jobs)

    def _look_at_slots(self, all_runs: list[Any]) -> None:
        fired, tried = Counter[Any](), Counter[Any]()
        for run in all_runs:
            if run.scheduled_for is not None:
                slot = (run.job_id, run.scheduled_for)
                fired[slot] += run.status in ("running", "success", "skipped")
                tried[slot] += run.status != "interrupted" and run.job_id not in self.loose
        assert max(fired.values(), default=0) <= 1
        assert max(tried.values(), default=0) <= MAX_ATTEMPTS

    def _look_at_what_is_due(self, all_jobs: list[Any]) -> None:
        free = [job for job in all_jobs if job.enabled and job.claim_run_id is None]
        soon = {job.id for job in free if (job.next_run_at or MORNING) < self.now + A_MILLISECOND}
        with self.database.read() as connection:
            found = {claim.job_id for claim in queue.due(source_of(connection), now=self.now)}
        due = {job.id for job in free if job.next_run_at is None or job.next_run_at <= self.now}
        assert due <= found <= soon | due

    def end(self) -> None:
        """Let all processes die, and run each job once more: none is lost, and none runs on."""
        self.processes.clear()
        self.now += LEASE + timedelta(days=1)
        self.put_back = False
        self.rescue()
        for job in self.jobs():
            self.write(job.id, enabled=True, next_run_at=None, slot_at=None, attempt=0)
        ran = Counter[str]()
        for _ in count():
            claim = self.claim("last")
            if claim is None:
                break
            self.record("last", Success(), "success")
            ran[claim.job_id] += 1
        assert ran == {job.id: 1 for job in self.jobs()}
        assert not [run for run in self.runs() if run.status == "running"]

    def job(self, job_id: str) -> Any:  # noqa: ANN401 a row
        """Return the row of a job."""
        (found,) = [job for job in self.jobs() if job.id == job_id]
        return found

    def jobs(self) -> list[Any]:
        """Return the rows of all jobs."""
        with self.database.read() as connection:
            return list(connection.execute(sa.select(jobs)).all())

    def runs(self) -> list[Any]:
        """Return the rows of all runs."""
        with self.database.read() as connection:
            return list(connection.execute(sa.select(runs)).all())
