"""Plans as they are kept: held, outdated, found, counted as losses, pruned."""

from datetime import datetime, timedelta

import pytest
from building import NICK, day
from consolidating import NOW, applied, occasion, planned
from databases import ATTRIBUTES, add_row, dump, sql

from llm_maint.domain.entity import Entity
from llm_maint.domain.plan_document import read_plan
from llm_maint.domain.reply import Proposal
from llm_maint.errors import PlanRefusedError, UnknownNameError
from llm_maint.store import history, journal, plans, undo
from llm_maint.store.database import Database
from llm_maint.store.plans import StoredPlan

ZOE = Entity("user", "zoe")


def _hold(database: Database, now: datetime = NOW, entity: Entity = NICK) -> str:
    plan = planned(database, entity=entity)
    with database.write() as connection:
        return journal.hold(connection, plan, occasion(now))


def _stored(database: Database, **filters: str) -> list[tuple[str, str]]:
    with database.read() as connection:
        found = plans.list_plans(connection, limit=9, **filters)  # type: ignore[arg-type]
    return [(plan.id, plan.status) for plan in found]


def test_a_held_plan_waits_and_changes_nothing(database: Database) -> None:
    """The plan is kept whole, to be applied later; the rows stay."""
    add_row(database, "color", '"blue"')
    add_row(database, "color", '"blue"')
    before = dump(database, ATTRIBUTES)
    plan = planned(database)
    with database.write() as connection:
        plan_id = journal.hold(connection, plan, occasion())
        held = plans.held_plan(connection, NICK)
        assert plans.held_plan(connection, ZOE) is None
    assert held is not None
    assert (held.id, held.kind, held.status) == (plan_id, "consolidation", "held")
    assert (held.created_at, held.applied_at, held.run_id) == (NOW, None, "run")
    assert read_plan(held.document) == plan
    assert dump(database, ATTRIBUTES) == before
    plans.check_held(held)


def test_a_newer_plan_outdates_the_held_one_of_its_entity(database: Database) -> None:
    """Only one plan of an entity waits for review; those of others are not touched."""
    first, other = _hold(database, day(1)), _hold(database, day(2), ZOE)
    second = _hold(database, day(3))
    assert _stored(database) == [(first, "outdated"), (other, "held"), (second, "held")]
    with database.read() as connection:
        outdated = plans.find_plan(connection, first)
    with pytest.raises(PlanRefusedError, match="is outdated: it does not wait"):
        plans.check_held(outdated)


def test_an_applied_plan_outdates_the_held_one(database: Database) -> None:
    """What was held was judged on rows that are gone."""
    held = _hold(database)
    add_row(database, "greeting", '"hi"')
    _, plan_id = applied(database, planned(database, Proposal("remove", "noise", (1,))))
    assert dict(_stored(database)) == {held: "outdated", plan_id: "applied"}


def _store(database: Database, plan_id: str, now: datetime, entity: Entity = NICK) -> None:
    plan = StoredPlan(
        id=plan_id,
        kind="consolidation",
        status="applied",
        entity=entity,
        run_id=None,
        reverts=None,
        created_at=now,
        applied_at=now,
        document={},
    )
    with database.write() as connection:
        plans.store_plan(connection, plan)


def test_plans_are_listed_newest_last(database: Database) -> None:
    """The limit keeps the newest; filters hold together."""
    for number, (plan_id, entity) in enumerate([("b", NICK), ("a", ZOE), ("c", NICK)]):
        _store(database, plan_id, day(number), entity)
    with database.read() as connection:
        assert [plan.id for plan in plans.list_plans(connection, limit=2)] == ["a", "c"]
        of_nick = plans.list_plans(connection, limit=9, entity=NICK)
        assert [plan.id for plan in of_nick] == ["b", "c"]
        assert plans.list_plans(connection, limit=9, entity=NICK, status="held") == []


def test_a_plan_is_found_by_the_start_of_its_id(database: Database) -> None:
    """A unique start is enough, a whole id goes before it, anything else is an error."""
    for plan_id in ("ab", "abc", "d"):
        _store(database, plan_id, day(1))
    with database.write() as connection:
        for name, found in (("abc", "abc"), ("ab", "ab"), ("d", "d")):
            assert plans.find_plan(connection, name, lock=True).id == found
        for name, message in (("a", "more than one plan"), ("x", "known: ab, abc"), ("", "plan")):
            with pytest.raises(UnknownNameError, match=message):
                plans.find_plan(connection, name)


WEEK = timedelta(days=7)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def lossy(database: Database) -> Database:
    """Return a database where a plan of `NOW` folded, superseded and removed a row each of Nick."""
    for key, value, minute in (
        ("color", '"blue"', 0),
        ("color", '"blue"', 1),
        ("employer", '"Alder"', 0),
        ("employer", '"Birch"', 1),
        ("greeting", '"hi"', 0),
    ):
        add_row(database, key, value, updated_at=f"2026-01-02 00:0{minute}:00")
    superseded, removed = Proposal("supersede", "", (3, 4)), Proposal("remove", "", (5,))
    applied(database, planned(database, superseded, removed))
    return database


def _lost(database: Database, now: datetime, entity: Entity = NICK) -> int:
    with database.read() as connection:
        return plans.recent_losses(connection, entity, now=now).lost


@pytest.mark.parametrize(
    ("now", "entity", "lost"),
    [
        pytest.param(NOW, NICK, 2, id="at once"),
        pytest.param(NOW + WEEK - MOMENT, NICK, 2, id="within the week"),
        pytest.param(NOW + WEEK, NICK, 0, id="a week later"),
        pytest.param(NOW, ZOE, 0, id="of another"),
        pytest.param(NOW, Entity("bot", "nick"), 0, id="of a bot of the name"),
    ],
)
def test_losses_are_counted_over_a_week(
    lossy: Database, now: datetime, entity: Entity, lost: int
) -> None:
    """What was removed or superseded is a loss; a fold is none."""
    assert _lost(lossy, now, entity) == lost


def test_what_was_undone_is_no_loss_until_it_is_done_again(lossy: Database) -> None:
    """The count follows the plan that stands."""
    ((plan_id, _),) = _stored(lossy)
    undone = undo.undo_plan(lossy, plan_id, occasion())
    assert _lost(lossy, NOW) == 0
    undo.undo_plan(lossy, undone.plan_id, occasion())
    assert _lost(lossy, NOW) == 2


def test_losses_of_several_plans_add_up(lossy: Database) -> None:
    """A slow leak is counted as a flood is, until its first drops are a week old."""
    row_id = add_row(lossy, "hello", '"hi"')
    removal = planned(lossy, Proposal("remove", "", (row_id,)))
    applied(lossy, removal, NOW + timedelta(days=3))
    assert _lost(lossy, NOW + timedelta(days=6)) == 3
    assert _lost(lossy, NOW + timedelta(days=8)) == 1


def test_pruned_plans_go_with_their_journal(lossy: Database) -> None:
    """Plans older than the limit go, at most so many at once; younger ones can still be undone."""
    for number in range(3):
        _store(lossy, f"old-{number}", day(number))
    with lossy.write() as connection:
        assert history.prunable_plans(connection, before=NOW) == 3
        assert history.prune_plans(connection, before=NOW, limit=2) == 2
        assert history.prune_plans(connection, before=NOW, limit=2) == 1
        assert history.prune_plans(connection, before=NOW, limit=2) == 0
    assert len(sql(lossy, "SELECT 1 FROM maintenance_journal")) > 0
    with lossy.write() as connection:
        assert history.prune_plans(connection, before=NOW + MOMENT) == 1
    assert sql(lossy, "SELECT 1 FROM maintenance_journal") == []
    assert _stored(lossy) == []
