"""Plans about memories: those that wait share no rows, what faded comes back pinned."""

from collections.abc import Sequence
from typing import Any

import consolidating
import pytest
from building import day
from consolidating import NOW, context, occasion, settings
from databases import ATTRIBUTES, add_row, dump, sql
from remembering import MEMORIES, NOVA, add_memory, applied, memories_in, statuses

from llm_maint.applying import apply_held
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.judged import mark
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan
from llm_maint.domain.reply import Proposal
from llm_maint.errors import PlanRefusedError
from llm_maint.fading import fade
from llm_maint.store import effects, journal, judgements, memories, pins, plans, undo, vectors
from llm_maint.store.database import Database
from llm_maint.store.recorder import Recorder

MAX = Entity.remembering("max")


@pytest.fixture
def nova(database: Database) -> Database:
    """Return memories m0 to m7 of nova; and of max, of the same ids."""
    for number in range(8):
        for bot_id in ("nova", "max"):
            add_memory(database, f"Fact number {number}", id=f"m{number}", bot_id=bot_id)
    return database


def _plan(database: Database, ids: Sequence[str], *, entity: Entity = NOVA) -> Plan:
    """Return the plan that removes the first of some memories, and lists these alone."""
    rows = memories_in(database, entity)
    op = Operation(op=Op.REMOVE, reason="noise", row_ids=(ids[0],))
    listed = tuple(rows[row_id] for row_id in ids)
    return Plan(entity=entity, rows=listed, operations=(op,), beyond=len(rows) - len(ids))


def _held(database: Database, *ids: str, entity: Entity = NOVA) -> str:
    with database.write() as connection:
        return journal.hold(connection, _plan(database, ids, entity=entity), occasion(NOW))


def _judged(database: Database, *, entity: Entity = NOVA) -> tuple[set[str], set[str]]:
    """Return which memories are known to the judge, and which wait in a held plan."""
    rows = memories_in(database, entity).values()
    with database.read() as connection:
        judged = judgements.judged_of(connection, entity, judge="code")
    return ({r.id for r in rows if mark(r) in judged.known}, judged.waiting(rows))  # type: ignore[return-value]


def _plans_of(database: Database) -> dict[str, plans.StoredPlan]:
    """Return all plans by their ids."""
    with database.read() as connection:
        return {plan.id: plan for plan in plans.list_plans(connection, limit=None)}


def test_held_plans_about_other_rows_wait_beside_each_other(nova: Database) -> None:
    """Each portion of a bot's memories has a plan of its own; so have other bots."""
    first, second = _held(nova, "m0", "m1"), _held(nova, "m2", "m3")
    other = _held(nova, "m0", entity=MAX)
    _, done = applied(nova, _plan(nova, ["m4", "m5"]))
    assert statuses(nova) == {first: "held", second: "held", other: "held", done: "applied"}
    assert _judged(nova) == ({"m1", "m3", "m5"}, {"m0", "m2"})
    assert _judged(nova, entity=MAX) == (set(), {"m0"})


@pytest.mark.parametrize("again", ["held", "applied"])
def test_a_newer_plan_about_one_of_the_rows_outdates_one_that_waits(
    nova: Database, again: str
) -> None:
    """Be it about a row that was only listed; what waited is asked about again."""
    first, second = _held(nova, "m0", "m1"), _held(nova, "m2", "m3")
    if again == "held":
        new = _held(nova, "m4", "m1")
    else:
        _, new = applied(nova, _plan(nova, ["m4", "m1"]))
    assert statuses(nova) == {first: "outdated", second: "held", new: again}
    known, waiting = _judged(nova)
    assert known == {"m1", "m3"}
    assert waiting == ({"m2", "m4"} if again == "held" else {"m2"})


def test_a_held_plan_is_applied_by_its_id(nova: Database) -> None:
    """It then waits no more, and the others still do."""
    first, second = _held(nova, "m0", "m1"), _held(nova, "m2", "m3")
    with nova.read() as connection:
        stored = plans.find_plan(connection, first)
    done = apply_held(context(nova), stored)
    assert (done.applied, done.plan_id) == (True, first)
    assert statuses(nova) == {first: "applied", second: "held"}
    assert "m0" not in memories_in(nova)
    assert _judged(nova) == ({"m1", "m3"}, {"m2"})
    with pytest.raises(PlanRefusedError, match="is applied"):
        apply_held(context(nova), _plans_of(nova)[first])


def test_use_does_not_outdate_a_plan_that_waits(nova: Database) -> None:
    """It may wait for days, and an assistant reads its memories all the time; an edit does."""
    first, second = _held(nova, "m0", "m1"), _held(nova, "m2", "m3")
    used = "access_count = 9, last_accessed = '2026-02-01', tags = '[\"a\"]'"
    sql(nova, f"UPDATE {MEMORIES} SET {used} WHERE bot_id = 'nova'")
    before = memories_in(nova, whole=True)["m0"]
    assert apply_held(context(nova), _plans_of(nova)[first]).applied
    undo.undo_plan(nova, first, occasion(NOW))
    assert memories_in(nova, whole=True)["m0"] == before
    sql(nova, f"UPDATE {MEMORIES} SET content = 'Another fact' WHERE bot_id = 'nova'")
    with pytest.raises(PlanRefusedError, match="outdated"):
        apply_held(context(nova), _plans_of(nova)[second])
    assert statuses(nova)[second] == "outdated"


def _forget(database: Database, *ids: str) -> str:
    """Prune memories as decay does; return the plan's id."""
    with database.write() as connection:
        table = memories.table_of(connection, NOVA)
        recorder = Recorder(connection)
        for memory in memories.memories_of(connection, NOVA, ids=ids, whole=True, lock=True):
            recorder.write(table, memory.image, None, plans.PRUNED)
        journal.keep(recorder, NOVA, occasion(NOW), kind=plans.DECAY, document={})
    return recorder.plan_id


def _pins(database: Database, entity: Entity = NOVA) -> set[str]:
    with database.read() as connection:
        return set(pins.pins_of(connection, entity))


def test_what_faded_comes_back_pinned(nova: Database) -> None:
    """Or it would fade again; undo of that lets it go, and so on, back and forth."""
    before = dump(nova, MEMORIES)
    plan_id = _forget(nova, "m0", "m1")
    after = dump(nova, MEMORIES)
    assert len(memories_in(nova)) == 6
    assert _pins(nova) == set()
    first = undo.undo_plan(nova, plan_id, occasion(NOW))
    assert (set(first.row_ids), dump(nova, MEMORIES)) == ({"m0", "m1"}, before)
    assert (_pins(nova), _pins(nova, MAX)) == ({"m0", "m1"}, set())
    second = undo.undo_plan(nova, first.plan_id, occasion(NOW))
    assert (_pins(nova), dump(nova, MEMORIES)) == (set(), after)
    undo.undo_plan(nova, second.plan_id, occasion(NOW))
    assert (_pins(nova), dump(nova, MEMORIES)) == ({"m0", "m1"}, before)


@pytest.mark.parametrize("kind", [plans.CONSOLIDATION, plans.RECURRENCE, plans.IMPORT])
def test_what_comes_back_for_another_reason_is_not_pinned(nova: Database, kind: str) -> None:
    """Only what had faded would do so again."""
    plan_id = _forget(nova, "m0")
    sql(nova, "UPDATE maintenance_plans SET kind = :kind", kind=kind)
    undo.undo_plan(nova, plan_id, occasion(NOW))
    assert _pins(nova) == set()


def test_a_dry_restore_pins_nothing(nova: Database) -> None:
    """As it puts nothing back."""
    plan_id = _forget(nova, "m0")
    before = dump(nova)
    undo.undo_plan(nova, plan_id, occasion(NOW), dry_run=True)
    assert dump(nova) == before


def test_what_was_restored_does_not_fade_again(database: Database) -> None:
    """Through the whole of it: prune, restore, and a second run that prunes nothing."""
    old: dict[str, Any] = {"created_at": "2020-01-01", "updated_at": "2020-01-01"}
    for number in range(3):
        add_memory(database, f"Old fact {number}", id=f"m{number}", importance=0.1, **old)
    with database.write() as connection:
        rows = memories.memories_of(connection, NOVA)
        vectors.keep_vectors(connection, NOVA, [(row, b"1234") for row in rows], model="e")
    before = dump(database, MEMORIES)
    job = context(database, settings=settings(llm={}, memory={"prune": True}))
    done = fade(job, NOVA)
    assert (done["pruned"], len(memories_in(database))) == (3, 0)
    with database.read() as connection:
        assert vectors.kept_vectors(connection, NOVA, model="e") == {}
        assert plans.recent_losses(connection, NOVA, now=NOW).lost == 3
    undo.undo_plan(database, str(done["plan_id"]), occasion(NOW))
    assert dump(database, MEMORIES) == before
    with database.read() as connection:
        assert plans.recent_losses(connection, NOVA, now=NOW).lost == 0
    assert fade(job, NOVA)["pruned"] == 0
    assert dump(database, MEMORIES) == before


def test_the_history_tells_what_became_of_memories(nova: Database) -> None:
    """What was pruned, and restored; each as a memory, of its bot alone, and found by its id."""
    plan_id = _forget(nova, "m0", "m1")
    applied(nova, _plan(nova, ["m2", "m3"]))
    undone = undo.undo_plan(nova, plan_id, occasion(day(31))).plan_id
    with nova.read() as connection:
        found = effects.effects_of(connection, NOVA)
        of_one = effects.effects_of(connection, NOVA, row_id="m2")
        assert effects.effects_of(connection, MAX) == []
        assert len(effects.effects_of(connection, NOVA, plan_id=undone)) == 2
    told = {(each.row_id, each.effect, each.kind, each.status) for each in found}
    assert told == {
        ("m0", "pruned", "decay", "undone"),
        ("m1", "pruned", "decay", "undone"),
        ("m2", "removed", "consolidation", "applied"),
        ("m0", "restored", "undo", "applied"),
        ("m1", "restored", "undo", "applied"),
    }
    (one,) = of_one
    assert isinstance(one.before, Memory)
    assert (one.before.content, one.after, one.reason) == ("Fact number 2", None, "noise")


def test_lists_of_plans_tell_memories_from_profiles(nova: Database) -> None:
    """Each by its kind, and by whose it is."""
    faded = _forget(nova, "m0")
    held = _held(nova, "m2")
    with nova.read() as connection:

        def listed(**wanted: Any) -> set[str]:  # noqa: ANN401 any argument
            return {plan.id for plan in plans.list_plans(connection, limit=9, **wanted)}

        assert listed(memories=True) == listed(entity=NOVA) == {faded, held}
        assert listed(memories=False) == listed(entity=MAX) == set()
        assert listed(entity=NOVA, kind=plans.DECAY, status=plans.APPLIED) == {faded}


def test_an_attribute_with_a_column_of_that_name_is_no_memory(database: Database) -> None:
    """What was lost of a profile is counted by key and value, whatever else a row has."""
    sql(database, f"ALTER TABLE {ATTRIBUTES} ADD COLUMN content text")
    for number in range(3):
        add_row(database, f"hobby_{number}", f'"chess {number}"')
    proposals = [Proposal("remove", "noise", (number,)) for number in (1, 2, 3)]
    consolidating.applied(database, consolidating.planned(database, *proposals))
    with database.read() as connection:
        lost = plans.recent_losses(connection, Entity.named("nick"), now=NOW)
    assert (lost.lost, len(lost.facts)) == (3, 3)
