"""Sightings: the days of copies that went into a memory count for it, as long as that holds."""

from collections.abc import Sequence
from datetime import date

import pytest
from building import day
from consolidating import NOW, occasion
from databases import sql
from remembering import MEMORIES, NOVA, add_memory, applied, memories_in, planned

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.reply import Proposal
from llm_maint.store import history, journal, sightings, undo
from llm_maint.store.database import Database

FIRST, SECOND, THIRD, FOURTH = (date(2026, 1, number) for number in (1, 2, 3, 4))


def _add(database: Database, row_id: str, content: str, when: date | None) -> None:
    time = None if when is None else f"{when} 23:30:00"
    add_memory(database, content, id=row_id, created_at=time, updated_at=time)


def _sightings(database: Database, entity: Entity = NOVA) -> dict[str, set[date]]:
    with database.read() as connection:
        return {i: set(days) for i, days in sightings.sightings_of(connection, entity).items()}


def _plan(database: Database, *operations: tuple[Op, Sequence[str]]) -> Plan:
    """Return the plan that does what is said to rows, the first of which goes on."""
    rows = memories_in(database)
    now, made = dict(rows), []
    for op, (winner, *others) in operations:
        after = now[winner].united(now[row_id] for row_id in others)
        now[winner] = after
        made.append(Operation(op=op, reason="why", row_ids=(winner, *others), after=after))
    return Plan(entity=NOVA, rows=tuple(rows.values()), operations=tuple(made))


@pytest.fixture
def nova(database: Database) -> Database:
    """Return memories of four days, two of them copies of the same day's, one without a time."""
    _add(database, "m1", "Plays chess", FIRST)
    _add(database, "m2", "plays  chess", SECOND)
    _add(database, "m3", "Chess every week", THIRD)
    _add(database, "m4", "Works at Alder", FOURTH)
    _add(database, "m5", "Works at Birch", None)
    return database


def test_who_goes_on_was_told_on_the_days_of_all(nova: Database) -> None:
    """Of folds and merges; its own day is among them, however early the merged one is dated."""
    assert _sightings(nova) == {}
    applied(nova, _plan(nova, (Op.FOLD, ("m2", "m1"))))
    assert _sightings(nova) == {"m2": {FIRST, SECOND}}
    applied(nova, _plan(nova, (Op.MERGE, ("m5", "m4"))))
    assert _sightings(nova) == {"m2": {FIRST, SECOND}, "m5": {FOURTH}}


@pytest.mark.parametrize("op", [Op.SUPERSEDE, Op.REMOVE])
def test_what_was_no_copy_was_no_sighting(nova: Database, op: Op) -> None:
    """A fact that another one replaced, or noise, tells nothing of what stays."""
    if op is Op.SUPERSEDE:
        applied(nova, _plan(nova, (op, ("m4", "m5"))))
    else:
        applied(nova, planned(nova, Proposal("remove", "noise", ("m4",)), ids=["m4"]))
    assert _sightings(nova) == {}


def test_days_go_on_with_whoever_goes_on(nova: Database) -> None:
    """From plan to plan, and from operation to operation within one."""
    applied(nova, _plan(nova, (Op.FOLD, ("m1", "m2"))))
    applied(nova, _plan(nova, (Op.MERGE, ("m3", "m1"))))
    assert _sightings(nova)["m3"] == {FIRST, SECOND, THIRD}


def test_days_go_on_within_one_plan(nova: Database) -> None:
    """The winner of a fold that is merged has none of its own any more."""
    applied(nova, _plan(nova, (Op.FOLD, ("m1", "m2")), (Op.MERGE, ("m3", "m1"))))
    assert _sightings(nova) == {"m3": {FIRST, SECOND, THIRD}}


def test_an_undo_takes_the_days_back_and_its_undo_brings_them_again(nova: Database) -> None:
    """They hold as long as the plan is applied."""
    _, first = applied(nova, _plan(nova, (Op.FOLD, ("m1", "m2"))))
    _, second = applied(nova, _plan(nova, (Op.MERGE, ("m3", "m1"))))
    undone = undo.undo_plan(nova, second, occasion(NOW)).plan_id
    assert _sightings(nova) == {"m1": {FIRST, SECOND}}
    undo.undo_plan(nova, undone, occasion(NOW))
    assert _sightings(nova)["m3"] == {FIRST, SECOND, THIRD}
    undo.undo_plan(nova, second, occasion(NOW))
    undo.undo_plan(nova, first, occasion(NOW))
    assert _sightings(nova) == {}


def _pruned(database: Database) -> int:
    with database.write() as connection:
        return history.prune_plans(connection, before=day(60))


def test_days_outlive_the_plan_that_found_them(nova: Database) -> None:
    """What can no longer be undone holds for good, and goes on with the next plan."""
    applied(nova, _plan(nova, (Op.FOLD, ("m1", "m2"))))
    assert _pruned(nova) == 1
    assert _sightings(nova) == {"m1": {FIRST, SECOND}}
    applied(nova, _plan(nova, (Op.MERGE, ("m3", "m1"))))
    assert _sightings(nova)["m3"] == {FIRST, SECOND, THIRD}


def test_days_of_what_was_undone_go_with_its_plan(nova: Database) -> None:
    """They do not come to hold because nobody knows any more that it was undone."""
    _, plan_id = applied(nova, _plan(nova, (Op.FOLD, ("m1", "m2"))))
    applied(nova, _plan(nova, (Op.MERGE, ("m4", "m5"))))
    undo.undo_plan(nova, plan_id, occasion(NOW))
    assert _pruned(nova) == 3
    assert _sightings(nova) == {"m4": {FOURTH}}
    assert len(sql(nova, "SELECT 1 FROM maintenance_memory_sightings")) == 1


def test_days_are_those_of_their_bot(nova: Database) -> None:
    """Another's memory of the same id was told on none of them."""
    add_memory(nova, "Plays chess", id="m1", bot_id="max")
    applied(nova, _plan(nova, (Op.FOLD, ("m1", "m2"))))
    assert _sightings(nova, Entity.remembering("max")) == {}


def test_a_plan_that_waits_has_shown_nothing_yet(nova: Database) -> None:
    """Its days come when it is applied, and count once."""
    plan = _plan(nova, (Op.FOLD, ("m1", "m2")))
    with nova.write() as connection:
        plan_id = journal.hold(connection, plan, occasion(NOW))
    assert _sightings(nova) == {}
    _, same = applied(nova, plan, plan_id=plan_id)
    assert same == plan_id
    assert _sightings(nova) == {"m1": {FIRST, SECOND}}


def test_a_dropped_operation_has_shown_nothing(nova: Database) -> None:
    """Where somebody has edited a copy meanwhile, only the others count."""
    plan = _plan(nova, (Op.FOLD, ("m1", "m2")), (Op.MERGE, ("m4", "m5")))
    sql(nova, f"UPDATE {MEMORIES} SET content = 'Plays go' WHERE id = 'm2'")
    applied(nova, plan)
    assert _sightings(nova) == {"m4": {FOURTH}}
