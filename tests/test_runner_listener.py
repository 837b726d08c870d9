"""Whoever watches the runner hears of each run that begins, and of its end once it is recorded."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from claiming import claim_next
from databases import sql
from running import START, World

from llm_maint.contract import JobContext
from llm_maint.domain.listening import Listener
from llm_maint.domain.runs import Claim, Failure, Finished, Outcome
from llm_maint.domain.settlement import MAX_ATTEMPTS
from llm_maint.errors import ExitCode, InterruptedRunError
from llm_maint.runner import Runner


@dataclass
class Watcher:
    """Notes what it is told of, and what the database says at that moment."""

    world: World
    heard: list[tuple[str, str]] = field(default_factory=list)
    ends: list[Finished] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @property
    def runner(self) -> Runner:
        """The runner that it watches."""
        return replace(self.world.runner(), listener=Listener(self._begun, self._ended))

    def _begun(self, claim: Claim) -> None:
        self.heard.append((claim.job_name, self._recorded(claim.run_id)))
        self.ids.append(claim.run_id)

    def _ended(self, finished: Finished) -> None:
        run = finished.run
        assert self._recorded(run.id) == run.status
        self.heard.append((run.job_name, run.status))
        self.ends.append(finished)
        self.ids.append(run.id)

    def _recorded(self, run_id: str) -> str:
        ((status,),) = sql(
            self.world.database, "SELECT status FROM job_runs WHERE id = :id", id=run_id
        )
        return str(status)


def _failing(_context: JobContext) -> Outcome:
    return Failure(error="no", transient=False, exit_code=ExitCode.UNAVAILABLE)


def _stopped(_context: JobContext) -> Outcome:
    raise InterruptedRunError(15)


def test_each_run_is_told_from_its_beginning_to_its_end(world: World) -> None:
    """One after the other, under the id under which it is recorded."""
    world.add("a")
    world.add("b", _failing)
    world.schedule("nobody_knows")
    watcher = Watcher(world)
    assert [each.exit_code for each in watcher.runner.run_due()] == [0, 69, 0]
    assert watcher.heard == [
        *(("a", "running"), ("a", "success")),
        *(("b", "running"), ("b", "failed")),
        *(("nobody_knows", "running"), ("nobody_knows", "skipped")),
    ]
    assert watcher.ids[::2] == watcher.ids[1::2]
    assert [end.exit_code for end in watcher.ends] == [0, 69, 0]


def test_an_interrupted_run_is_told_and_the_next_is_not(world: World) -> None:
    """No run is told to have begun whose job has not."""
    world.add("a", _stopped)
    world.add("b")
    watcher = Watcher(world)
    with pytest.raises(InterruptedRunError):
        list(watcher.runner.run_due())
    assert watcher.heard == [("a", "running"), ("a", "interrupted")]


def test_a_run_that_was_claimed_and_not_begun_is_not_told(world: World) -> None:
    """Whoever asked for runs wants no more: the next claim is handed back."""
    world.add("a")
    world.add("b")
    watcher = Watcher(world)
    runs = watcher.runner.run_due()
    next(runs)
    runs.close()
    assert watcher.heard == [("a", "running"), ("a", "success")]


def test_a_run_by_hand_is_a_run_and_a_dry_one_is_none(world: World) -> None:
    """Nothing is told of what is written nowhere."""
    job = world.add("a")
    watcher = Watcher(world)
    watcher.runner.preview_now(job.id)
    assert len(list(watcher.runner.preview())) == 1
    assert watcher.heard == []
    watcher.runner.run_now(job.id)
    assert watcher.heard == [("a", "running"), ("a", "success")]


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize(
    ("deaths", "heard"),
    [(1, [("a", "running"), ("a", "success")]), (MAX_ATTEMPTS, [("a", "failed")])],
)
def test_what_is_given_up_for_a_dead_process_is_told(
    world: World, deaths: int, heard: list[tuple[str, str]], *, by_hand: bool
) -> None:
    """Nobody else can tell it. What is only abandoned runs again, and has an end of its own."""
    world.add("a")
    sql(world.database, "UPDATE scheduled_jobs SET attempt = :n", n=deaths - 1)
    with world.database.write() as connection:
        lease = timedelta(minutes=2)
        claim_next(connection, now=START, due_by=START, lease=lease, host="dead")
    world.now += 2 * lease
    watcher = Watcher(world)
    if by_hand:
        world.add("b")
        watcher.runner.run_now(world.jobs()["b"].id)
        of_b = [("b", "running"), ("b", "success")]
        assert watcher.heard == [*heard, *of_b][0 if deaths == MAX_ATTEMPTS else 2 :]
    else:
        list(watcher.runner.run_due())
        assert watcher.heard == heard
