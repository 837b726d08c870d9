"""The changes of a window: newest first, of all or of some entities, each with what it did."""

from datetime import timedelta

import pytest
from building import MORNING, NICK
from consolidating import applied, planned
from databases import add_row
from recollecting import NOVA, remember

from llm_maint.domain.entity import Entity
from llm_maint.store import changes
from llm_maint.store.database import Database
from llm_maint.store.plans import APPLIED, CONSOLIDATION, HELD, StoredPlan, store_plan
from llm_maint.store.undo import undo_plan

ANNA = Entity("user", "anna")


def _keep(database: Database, name: str, entity: Entity, *, days: int, held: bool = False) -> None:
    moment = MORNING + timedelta(days=days)
    plan = StoredPlan(
        id=name,
        kind=CONSOLIDATION,
        status=HELD if held else APPLIED,
        entity=entity,
        run_id=None,
        reverts=None,
        created_at=MORNING if days > 1 and not held else moment,
        applied_at=None if held else moment,
        document={},
    )
    with database.write() as connection:
        store_plan(connection, plan)


@pytest.fixture
def kept(database: Database) -> Database:
    """Return a database with plans of three days, about two people and a bot."""
    _keep(database, "c", NOVA, days=3)
    _keep(database, "a", NICK, days=1)
    _keep(database, "old", NICK, days=-1)
    _keep(database, "b", ANNA, days=2, held=True)
    return database


def _names(database: Database, *entities: Entity) -> list[str]:
    with database.read() as connection:
        found = changes.changes_since(connection, MORNING, entities=entities or None)
    return [f"{name.plan_id}{'*' * name.is_of_memories}" for name in found]


def test_changes_come_newest_first(kept: Database) -> None:
    """By when they were applied, or held."""
    assert _names(kept) == ["c*", "b", "a"]


def test_changes_of_some_entities(kept: Database) -> None:
    """Of these alone."""
    assert _names(kept, NICK) == ["a"]
    assert _names(kept, NICK, NOVA) == ["c*", "a"]


def test_every_entity_that_was_changed_is_known(kept: Database) -> None:
    """And every one that has rows, though nothing was done to them."""
    add_row(kept, "pet", '"cat"', entity_id="carla")
    remember(kept, "bakes bread", bot_id="orla")
    with kept.read() as connection:
        known = changes.known_entities(connection)
    assert known == {NICK, ANNA, NOVA, Entity("user", "carla"), Entity.remembering("orla")}


def test_a_change_has_its_document_or_its_effects(database: Database) -> None:
    """Effects are counted beyond those that are read; a summary is no row."""
    for value in ("blue", " Blue", "BLUE"):
        add_row(database, "favorite_color", f'"{value}"')
    _, plan_id = applied(database, planned(database))
    from consolidating import occasion

    undone = undo_plan(database, plan_id, occasion())
    with database.read() as connection:
        plan, undo = (
            changes.change_of(connection, changes.Name(name, False), most=1)
            for name in (plan_id, undone.plan_id)
        )
        assert changes.change_of(connection, changes.Name("gone", False), most=1) is None
    assert plan is not None
    assert undo is not None
    assert plan.plan.document["attributes_before"] == 3
    assert (plan.effects, plan.counted) == ((), {})
    assert undo.counted == {"restored": 2}
    assert len(undo.effects) == 1
    assert undo.effects[0].before is None
