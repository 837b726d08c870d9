"""Hosts that share a run and break: what they held is not lost, nobody breaks with them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from claiming import claim_next
from crowd import NOW, SECONDS, Crowd, MakeCrowd, Script, greetings_go, together
from databases import sql
from shared import LEASE, finish, joined, opened_to_all, took

from llm_maint.domain.chat import Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.runs import Claim
from llm_maint.errors import ExitCode, ModelFailedError, ModelUnavailableError
from llm_maint.store import shares
from llm_maint.store import workers as store_workers
from llm_maint.store.shares import Item
from llm_maint.store.workers import Worker

PAST = "2020-01-01 00:00:00"


def _dies(crowd: Crowd, *workers: str) -> None:
    """Let the leases of processes run out: of some that take part, or of who holds the job."""
    ended = "SET lease_expires_at = :past"
    for worker in workers:
        sql(
            crowd.database,
            f"UPDATE maintenance_share_workers {ended} WHERE id = :id",
            past=PAST,
            id=worker,
        )
    if not workers:
        sql(crowd.database, f"UPDATE scheduled_jobs {ended}", past=PAST)


def _leads(crowd: Crowd, entities: Sequence[str]) -> Claim:
    """Let a process claim the job and open its run, and then do nothing more."""
    with crowd.database.write() as connection:
        claim = claim_next(connection, now=NOW, due_by=NOW, lease=LEASE, host="leader")
    assert claim is not None
    opened_to_all(crowd.database, claim, [Entity("user", name) for name in entities], now=NOW)
    return claim


def _raising(error: Callable[[], Exception]) -> Script:
    def script(_asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        raise error()

    return script


def test_what_a_dead_host_held_is_done_by_another(
    make_crowd: MakeCrowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened the run does all the rest, waits, and does what the lease has set free."""
    crowd, held, waited = make_crowd(5), list[tuple[Worker, Item]](), list[int]()

    def script(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        if not held:
            worker = joined(crowd.database, now=NOW)
            held.extend(
                (worker, took(crowd.database, worker.claim.run_id, worker.id)) for _ in "ab"
            )
        return greetings_go(asked)

    host = crowd.host(script)

    def waits(_seconds: float) -> None:
        assert crowd.greeted() == ["e01", "e02"]
        waited.append(1)
        assert len(waited) == 1
        _dies(crowd, held[0][0].id)

    monkeypatch.setattr("llm_maint.sharing.time.sleep", waits)
    (finished,) = host.tick()
    assert [item.entity.id for _, item in held] == ["e01", "e02"]
    assert host.asked == ["e00", "e03", "e04", "e01", "e02"]
    assert finished.run.result is not None
    assert finished.run.result["llm"]["calls"] == 5
    assert (finished.run.status, crowd.greeted(), crowd.is_tidy()) == ("success", [], True)


def test_a_host_that_is_slow_is_waited_for(
    make_crowd: MakeCrowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it lives nobody else asks about what it holds; its result is reported."""
    crowd, waited = make_crowd(2), list[float]()
    spent = Usage(3, 20, 10)
    result = EntityResult(deferred=None, line={"entity_id": "e01", **_NOTHING})

    def script(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        worker = joined(crowd.database, now=NOW)
        slow.append((worker, took(crowd.database, worker.claim.run_id, worker.id)))
        return greetings_go(asked)

    slow: list[tuple[Worker, Item]] = []
    host = crowd.host(script)

    def waits(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            worker, item = slow[0]
            with crowd.database.write() as connection:
                shares.finish(
                    connection,
                    worker.claim.run_id,
                    item.position,
                    worker=worker.id,
                    document=result.document(spent=spent),
                    spent=spent,
                    now=NOW,
                )

    monkeypatch.setattr("llm_maint.sharing.time.sleep", waits)
    (finished,) = host.tick()
    assert host.asked == ["e00"]
    assert len(waited) == 3
    assert finished.run.result is not None
    assert [line["entity_id"] for line in finished.run.result["entities"]] == ["e00", "e01"]
    assert finished.run.result["llm"]["calls"] == 4


_NOTHING = {"attributes_before": 1, "attributes_after": 1, "held": False, "error": None}


def test_hosts_stop_when_the_one_that_leads_is_gone(make_crowd: MakeCrowd) -> None:
    """What they were at stays as it was, what they did stays done; the next run does the rest."""
    crowd = make_crowd(5)
    first = _leads(crowd, crowd.names)

    def script(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        if len(helper.asked) == 3:
            _dies(crowd)
        return greetings_go(asked)

    helper = crowd.host(script)
    assert helper.tick() == []
    assert helper.asked == ["e00", "e01", "e02"]
    assert crowd.greeted() == ["e02", "e03", "e04"]
    plans = "SELECT entity_id, run_id FROM maintenance_plans ORDER BY entity_id"
    done = [("e00", first.run_id), ("e01", first.run_id)]
    assert sql(crowd.database, plans) == done
    (finished,) = crowd.host().tick()
    assert (finished.run.status, finished.run.attempt) == ("success", 2)
    assert finished.run.result is not None
    again = sorted(line["entity_id"] for line in finished.run.result["entities"])
    assert again == ["e02", "e03", "e04"]
    assert sql(crowd.database, plans) == [*done, *((name, finished.run.id) for name in again)]
    assert (crowd.greeted(), crowd.is_tidy()) == ([], True)


def test_a_model_that_breaks_ends_the_asking_of_all(make_crowd: MakeCrowd) -> None:
    """No host bears more than two failures; all others wait, and the tick says why."""
    crowd = make_crowd(20)
    for script in together(3, _raising(lambda: ModelFailedError("it keeps failing"))):
        crowd.host(script)
    (finished,) = crowd.tick()
    asked = crowd.asked
    assert max(asked.values()) == 1
    assert max(len(host.asked) for host in crowd.hosts) == 2
    result = finished.run.result
    assert result is not None
    assert (finished.run.status, finished.exit_code) == ("failed", ExitCode.UNAVAILABLE)
    assert (result["failed"], result["deferred"]) == (asked.total(), 20 - asked.total())
    assert len(crowd.greeted()) == 20


def test_a_server_that_is_not_there_is_asked_once_by_each(make_crowd: MakeCrowd) -> None:
    """One of them reports it, once; the other hosts hand back what they took."""
    crowd = make_crowd(20)
    for script in together(3, _raising(lambda: ModelUnavailableError("nobody answers"))):
        crowd.host(script)
    (finished,) = crowd.tick()
    assert crowd.asked.total() == 3
    result = finished.run.result
    assert result is not None
    assert (finished.run.status, finished.exit_code) == ("failed", ExitCode.UNAVAILABLE)
    assert (result["failed"], result["deferred"]) == (1, 19)
    assert finished.run.error_message == "nobody answers; 19 more wait for the next run"


@pytest.mark.parametrize(
    ("error", "failed"),
    [(lambda: ModelUnavailableError("nobody"), 0), (lambda: ModelFailedError("boom"), 2)],
    ids=["not reached", "fails"],
)
def test_a_host_that_reaches_no_model_leaves_the_others_theirs(
    make_crowd: MakeCrowd, error: Callable[[], Exception], failed: int
) -> None:
    """It hands back what it took and takes no more: only entities that it was refused fail."""
    crowd = make_crowd(12)
    crowd.host(lambda asked: helper.ended.wait(SECONDS) and greetings_go(asked))
    helper = crowd.host(_raising(error))
    (finished,) = crowd.tick(led=True)
    assert len(helper.asked) == max(1, failed)
    result = finished.run.result
    assert result is not None
    assert result["failed"] == failed
    assert "deferred" not in result
    assert len(crowd.greeted()) == failed


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_run_that_is_opened_while_one_looks_is_joined(
    make_crowd: MakeCrowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for open runs waits for those that may be opened yet, and misses none."""
    crowd = make_crowd(3)
    with crowd.database.write() as connection:
        claim = claim_next(connection, now=NOW, due_by=NOW, lease=LEASE, host="leader")
    assert claim is not None
    look, looks = store_workers.under_way, []

    def looked(*arguments: Any, **named: Any) -> list[store_workers.UnderWay]:  # noqa: ANN401
        found = look(*arguments, **named)
        looks.append([run.is_open for run in found])
        if len(looks) == 1:
            rows = [Entity("user", each) for each in crowd.names]
            opened_to_all(crowd.database, claim, rows, now=NOW)
        return found

    monkeypatch.setattr(store_workers, "under_way", looked)
    helper = crowd.host()
    assert helper.tick() == []
    assert looks[:2] == [[False], [True]]
    assert helper.asked == crowd.names
    assert crowd.greeted() == []


def test_an_entity_that_was_taken_away_is_not_reported_twice(make_crowd: MakeCrowd) -> None:
    """A host whose entity was taken back, though it lives, stops; it counts for who has it now."""
    crowd = make_crowd(3)
    claim = _leads(crowd, crowd.names)

    def script(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        if len(helper.asked) == 2:
            taken = "UPDATE maintenance_share_items SET worker = 'another' WHERE position = 1"
            sql(crowd.database, taken)
        return greetings_go(asked)

    helper = crowd.host(script)
    assert helper.tick() == []
    assert helper.asked == ["e00", "e01"]
    with crowd.database.write() as connection:
        assert len(shares.results_of_others(connection, claim.run_id)) == 1
        item = Item(1, Entity("user", "e01"))
        finish(connection, claim.run_id, item, "another", Usage(1, 1), now=NOW)
        assert len(shares.results_of_others(connection, claim.run_id)) == 2
