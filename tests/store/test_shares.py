"""Entities of a shared run: each is taken by one process, and given back where that one dies."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from building import MORNING
from databases import opened, sql
from shared import ENTITIES, LEASE, claimed, finish, joined, opened_to_all, took

from llm_maint.domain.chat import Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Claim
from llm_maint.errors import ClaimLostError
from llm_maint.store import shares, workers
from llm_maint.store.database import Database

SOON = MORNING + timedelta(seconds=10)
LATE = SOON + LEASE


@pytest.fixture
def claim(database: Database) -> Claim:
    """Return a claim whose run was opened in the morning with four entities."""
    claim = claimed(database)
    opened_to_all(database, claim, now=MORNING)
    return claim


def _left(database: Database, claim: Claim) -> tuple[bool, bool]:
    with database.read() as connection:
        return shares.left(connection, claim.run_id)


def _held(database: Database) -> dict[str, str | None]:
    """Return who holds, or has done, each entity."""
    held = "SELECT entity_id, worker FROM maintenance_share_items ORDER BY position"
    return {str(name): worker for name, worker in sql(database, held)}


def _take_back(database: Database, claim: Claim) -> None:
    with database.write() as connection:
        shares.take_back(connection, claim.run_id, now=LATE)


def test_entities_are_taken_in_their_order_until_none_is_left(
    database: Database, claim: Claim
) -> None:
    """Whoever comes gets the next; after the last there is nothing, however often one asks."""
    workers = [claim.run_id, "one", "two", "one"]
    items = [took(database, claim.run_id, worker) for worker in workers]
    assert [item.entity for item in items] == ENTITIES
    assert list(_held(database).values()) == workers
    with database.write() as connection:
        assert shares.take(connection, claim.run_id, "two") is None
        assert shares.take(connection, "another run", "two") is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_another_is_just_taking_is_passed_over(database: Database, claim: Claim) -> None:
    """Nobody waits for a transaction that has not ended, and what it gives up is free again."""
    with database.write(rolls_back=True) as first, database.write() as second:
        one = shares.take(first, claim.run_id, "one")
        two = shares.take(second, claim.run_id, "two")
        assert [item and item.entity for item in (one, two)] == ENTITIES[:2]
    assert took(database, claim.run_id, "three").entity == ENTITIES[0]
    assert list(_held(database).values()) == ["three", "two", None, None]


def test_no_entity_is_taken_twice(database: Database, database_url: str, claim: Claim) -> None:
    """Four processes that take as fast as they can get each entity once."""
    entities = [*range(60)]
    with database.write() as connection:
        shares.close(connection, claim.run_id)
        rows = [Entity("user", f"{number:02}") for number in entities]
        shares.open_share(connection, claim, rows, now=MORNING)
    found: dict[str, list[int]] = {name: [] for name in "abcd"}
    begin = threading.Barrier(len(found))

    def take_all(name: str) -> None:
        apart = opened(database_url)
        begin.wait(30)
        while True:
            with apart.write() as connection:
                item = shares.take(connection, claim.run_id, name)
            if item is None:
                break
            found[name].append(item.position)
        apart.close()

    threads = [threading.Thread(target=take_all, args=(name,)) for name in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(position for each in found.values() for position in each) == entities
    assert all(each == sorted(each) for each in found.values())


def test_what_an_entity_came_to_is_noted(database: Database, claim: Claim) -> None:
    """The process that opened the run reads what others found, in order, and what all spent."""
    items = [took(database, claim.run_id, worker) for worker in ("one", claim.run_id, "two")]
    with database.write() as connection:
        finish(connection, claim.run_id, items[2], "two", Usage(2, 100, 10), now=SOON)
        finish(connection, claim.run_id, items[1], claim.run_id, Usage(1, 50, 5), now=SOON)
        finish(connection, claim.run_id, items[0], "one", Usage(3, 7), now=SOON)
        assert shares.results_of_others(connection, claim.run_id) == [{"of": "e00"}, {"of": "e02"}]
        assert shares.spent(connection, claim.run_id) == (6, 172)
        assert shares.spent(connection, "another run") == (0, 0)


def test_only_who_holds_an_entity_finishes_it_and_once(database: Database, claim: Claim) -> None:
    """A worker that lost it to another, or has closed it, must not write over what is there."""
    item = took(database, claim.run_id, "one")
    for worker in ("two", claim.run_id):
        with pytest.raises(ClaimLostError), database.write() as connection:
            finish(connection, claim.run_id, item, worker, Usage(9, 9), now=SOON)
    with database.write() as connection:
        finish(connection, claim.run_id, item, "one", Usage(1, 2), now=SOON)
    with pytest.raises(ClaimLostError), database.write() as connection:
        finish(connection, claim.run_id, item, "one", Usage(1, 2), now=SOON)
    with database.read() as connection:
        assert shares.spent(connection, claim.run_id) == (1, 2)


def test_who_leaves_hands_back_what_is_not_done(database: Database, claim: Claim) -> None:
    """Its results stay, and what others hold stays theirs."""
    leaving, staying = (joined(database, now=MORNING) for _ in range(2))
    done = took(database, claim.run_id, leaving.id)
    for worker in (staying, leaving):
        took(database, claim.run_id, worker.id)
    with database.write() as connection:
        finish(connection, claim.run_id, done, leaving.id, Usage(1, 1), now=SOON)
    with database.brief() as source:
        workers.leave(source, leaving)
    assert list(_held(database).values()) == [leaving.id, staying.id, None, None]
    assert sql(database, "SELECT id FROM maintenance_share_workers") == [(staying.id,)]
    with database.read() as connection:
        assert shares.results_of_others(connection, claim.run_id) == [{"of": "e00"}]


def test_what_the_dead_hold_is_taken_back(database: Database, claim: Claim) -> None:
    """After their lease, and from nobody else: not the living, not what is done, not our own."""
    dead, alive = joined(database, now=SOON), joined(database, now=SOON)
    done, lost, _, own = (
        took(database, claim.run_id, worker)
        for worker in (dead.id, dead.id, alive.id, claim.run_id)
    )
    with database.write() as connection:
        finish(connection, claim.run_id, done, dead.id, Usage(1, 1), now=SOON)
        shares.take_back(connection, claim.run_id, now=LATE - timedelta(seconds=1))
    assert list(_held(database).values()) == [dead.id, dead.id, alive.id, claim.run_id]
    with database.brief() as source:
        moment = LATE - timedelta(seconds=1)
        assert workers.renew(source, alive, now=moment, lease=LEASE)
    _take_back(database, claim)
    assert list(_held(database).values()) == [dead.id, None, alive.id, claim.run_id]
    assert (lost.entity, own.entity) == (ENTITIES[1], ENTITIES[3])
    with pytest.raises(ClaimLostError), database.write() as connection:
        finish(connection, claim.run_id, lost, dead.id, Usage(1, 1), now=LATE)


def test_what_is_left_is_free_or_with_others(database: Database, claim: Claim) -> None:
    """Free entities are to be taken, those of others to be waited for, one's own are neither."""
    assert _left(database, claim) == (True, False)
    item = took(database, claim.run_id, "one")
    assert _left(database, claim) == (True, True)
    for _ in range(3):
        took(database, claim.run_id, claim.run_id)
    assert _left(database, claim) == (False, True)
    with database.write() as connection:
        finish(connection, claim.run_id, item, "one", Usage(), now=SOON)
    assert _left(database, claim) == (False, False)


def test_the_rest_is_taken_at_once_and_for_good(database: Database, claim: Claim) -> None:
    """What nobody has counts as done, in its order; what another holds is left to it."""
    took(database, claim.run_id, "one")
    with database.write() as connection:
        assert shares.take_rest(connection, claim.run_id, now=SOON) == ENTITIES[1:]
        assert shares.take_rest(connection, claim.run_id, now=SOON) == []
        assert shares.results_of_others(connection, claim.run_id) == []
    assert _left(database, claim) == (False, True)
    _take_back(database, claim)
    assert list(_held(database).values()) == [None, *[claim.run_id] * 3]


@pytest.mark.parametrize("entities", [ENTITIES[:1], []])
def test_a_new_run_clears_away_what_an_earlier_one_left(
    database: Database, claim: Claim, entities: list[Entity]
) -> None:
    """A process that was killed leaves its entities and workers behind; another job's stay."""
    joined(database, now=MORNING)
    sql(database, "UPDATE scheduled_jobs SET name = 'first'")
    other = claimed(database)
    opened_to_all(database, other, ENTITIES[2:], now=MORNING)
    opened_to_all(database, replace(claim, run_id="the next"), entities, now=SOON)
    count = "SELECT run_id, count(*) FROM maintenance_{} GROUP BY run_id"
    assert dict(sql(database, count.format("shares"))) == {"the next": 1, other.run_id: 1}
    assert dict(sql(database, count.format("share_items"))) == {
        **({"the next": 1} if entities else {}),
        other.run_id: 2,
    }
    assert sql(database, count.format("share_workers")) == []
