"""Whatever happens to the queue, in whatever order: no job is lost, and no slot fired twice."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import UUID

import pytest
from databases import Server, is_sqlite, opened
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from queue_model import LEASE, Model

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.runs import Failure, Interrupted, Outcome, Skipped, Success
from llm_maint.domain.schedule import Cron, Every, Schedule
from llm_maint.domain.settlement import MAX_ATTEMPTS
from llm_maint.store import job_edits
from llm_maint.store.database import Database

GATE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    stateful_step_count=40,
    phases=[Phase.generate],  # to make what fails shorter would take minutes
    suppress_health_check=list(HealthCheck),
)

MOST_JOBS = 4
SCHEDULES: list[Schedule] = [
    *(Every(timedelta(minutes=5)), Every(timedelta(hours=1)), Every(timedelta(hours=7))),
    *(Cron("0 * * * *"), Cron("30 2 * * *", "Europe/Berlin")),
]
TIMINGS = st.builds(
    Timing,
    schedule=st.sampled_from(SCHEDULES),
    misfire=st.sampled_from(Misfire),
    grace=st.sampled_from([None, timedelta(minutes=10), timedelta(hours=3)]),
    jitter=st.sampled_from([timedelta(0), timedelta(seconds=90), timedelta(minutes=20)]),
    priority=st.sampled_from([-1, 0, 5]),
)
OUTCOMES: list[tuple[Outcome, str]] = [
    (Success(), "success"),
    (Failure(error="the server is down", transient=True), "failed"),
    (Failure(error="the key is wrong", transient=False), "failed"),
    (Skipped("nothing to do"), "skipped"),
    (Interrupted(), "interrupted"),
]
STEPS = [
    *(timedelta(seconds=seconds) for seconds in (1, 30, 61, 125)),
    *(timedelta(minutes=minutes) for minutes in (10, 61, 300, 1440)),
]
PROCESSES = st.sampled_from("abc")


class QueueMachine(RuleBasedStateMachine):
    """Three processes, up to four jobs, a person, and a clock."""

    ids = Bundle[str]("ids")

    def __init__(self, fresh: Callable[[], AbstractContextManager[Database]]) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.model = Model(self.opened.enter_context(fresh()))

    @rule(target=ids, timing=TIMINGS)
    def add(self, timing: Timing) -> Any:  # noqa: ANN401 an id, or nothing
        """Add a job."""
        return self.model.add(timing) if len(self.model.names) < MOST_JOBS else multiple()

    @rule(job_id=ids, timing=TIMINGS, whole=st.booleans())
    def edit(self, job_id: str, timing: Timing, *, whole: bool) -> None:
        """Change the timing of a job, or all of it but the schedule."""
        self.model.edit(job_id, timing, whole=whole)

    @rule(job_id=ids, enabled=st.booleans())
    def switch(self, job_id: str, *, enabled: bool) -> None:
        """Switch a job on or off."""
        self.model.write(job_id, enabled=enabled)

    @rule(job_id=ids)
    def set_due(self, job_id: str) -> None:
        """Let a job be due now, as a person does in `psql`."""
        self.model.write(job_id, next_run_at=None)

    @rule(job_id=ids, back=st.sampled_from(STEPS))
    def set_back(self, job_id: str, back: timedelta) -> None:
        """Let a job have been due some time ago, maybe at a slot that has fired."""
        slot = self.model.slots.get(job_id, self.model.now)
        self.model.write(job_id, next_run_at=min(slot, self.model.now - back))

    @rule(by=st.sampled_from(STEPS))
    def time_passes(self, by: timedelta) -> None:
        """Let time go by, or the clock be put forward."""
        self.model.now += by

    @precondition(lambda self: is_sqlite(self.model.database))
    @rule()
    def the_clock_is_put_back(self) -> None:
        """Put the host's clock back; PostgreSQL has its own."""
        self.model.put_clock_back(timedelta(hours=1))

    @rule(name=PROCESSES)
    def claim(self, name: str) -> None:
        """Let a process claim what comes next in its tick."""
        self.model.claim(name)

    @rule(name=PROCESSES, job_id=ids)
    def run_by_hand(self, name: str, job_id: str) -> None:
        """Let a person run a job, whether it is due or not."""
        self.model.claim_now(name, job_id)

    @rule(name=PROCESSES, frozen=st.booleans())
    def renew(self, name: str, *, frozen: bool) -> None:
        """Let a process renew its lease, maybe after it was frozen for too long."""
        if frozen and self.model.claim(name) is not None:
            self.model.now += LEASE
        self.model.renew(name)

    @rule(name=PROCESSES, outcome=st.sampled_from(OUTCOMES))
    def finish(self, name: str, outcome: tuple[Outcome, str]) -> None:
        """Let a process end its job, and begin one first if it has none."""
        if self.model.claim(name) is not None:
            self.model.look()
            self.model.record(name, *outcome)

    @rule(name=PROCESSES)
    def die(self, name: str) -> None:
        """Let a process die, at work if there is some."""
        self.model.claim(name)
        del self.model.processes[name]

    @rule()
    def rescue(self) -> None:
        """Take back what dead processes hold."""
        self.model.rescue()

    @rule(job_id=ids, name=PROCESSES, times=st.integers(1, MAX_ATTEMPTS))
    def kill(self, job_id: str, name: str, times: int) -> None:
        """Let a job kill its process, and the next one, and the next."""
        for _ in range(times):
            self.model.processes.pop(name, None)
            self.model.claim(name, job_id=job_id)
            self.model.look()
            self.model.now += LEASE
            self.model.rescue()

    @invariant()
    def hold(self) -> None:
        """Look whether all holds that should."""
        self.model.look()

    def teardown(self) -> None:
        """End it all."""
        with self.opened:
            self.model.end()


Fresh = Callable[[], AbstractContextManager[Database]]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Return how to open a database that nobody has used."""
    if request.param == "sqlite":
        return partial(_sqlite, request.getfixturevalue("ready_sqlite"), tmp_path)
    server: Server = request.getfixturevalue("postgresql")
    return partial(_postgresql, server, request.getfixturevalue("ready_postgresql"))


@contextmanager
def _sqlite(ready: Path, home: Path) -> Iterator[Database]:
    with TemporaryDirectory(dir=home) as folder:
        path = shutil.copy(ready, folder)
        with _opened(f"sqlite:///{path}") as database:
            yield database


@contextmanager
def _postgresql(server: Server, template: str) -> Iterator[Database]:
    url = server.create(template=template)
    with _opened(url) as database:
        yield database
    server.drop(url)


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    numbers = count()
    database = opened(url)
    with pytest.MonkeyPatch.context() as patch:
        # Jitter, and the order of equals, follow from the ids, which must be the same each time.
        patch.setattr(job_edits, "uuid4", lambda: UUID(int=next(numbers) << 64))
        yield database
    database.close()


def test_nothing_shakes_the_queue(fresh: Fresh) -> None:
    """One live claim a job, one firing a slot, one final status a run, and no job is lost."""
    machine = cast("type[RuleBasedStateMachine]", partial(QueueMachine, fresh))
    run_state_machine_as_test(machine, settings=GATE)
