"""Plans about memories are applied as they were made, and journalled without ballast."""

import json
from datetime import timedelta
from typing import Any

import pytest
from consolidating import NOW, occasion
from databases import dump, is_sqlite, sql
from remembering import (
    MEMORIES,
    MERGED,
    NOVA,
    UNTIDY,
    applied,
    memories_in,
    tidying,
    untidy,
    use,
    vector_of,
)

from llm_maint.domain.judge import fold
from llm_maint.domain.judged import mark
from llm_maint.domain.plan import Plan
from llm_maint.domain.policy import Policy
from llm_maint.store import judgements, undo, wear
from llm_maint.store.database import Database

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def nova(database: Database) -> Database:
    """Return memories that there is something to do about, with vectors."""
    untidy(database)
    return database


def _apply(database: Database) -> str:
    return applied(database, tidying(database))[1]


def _undo(database: Database, plan_id: str, **how: bool) -> undo.Undone:
    return undo.undo_plan(database, plan_id, occasion(LATER), **how)


def _images(database: Database, plan_id: str) -> dict[str, tuple[str, Any, Any]]:
    """Return the effect and the images of each row in the journal of a plan."""
    found = sql(
        database,
        "SELECT row_id, effect, before_image, after_image FROM maintenance_journal "
        "WHERE plan_id = :plan",
        plan=plan_id,
    )
    return {
        row_id: (effect, before and json.loads(before), after and json.loads(after))
        for row_id, effect, before, after in found
    }


def test_every_operation_is_written_as_planned(nova: Database) -> None:
    """Winners are what the plan says, the others go; what is in no operation stays to the byte."""
    untouched = memories_in(nova, whole=True)["m8"]
    done, _ = applied(nova, tidying(nova))
    assert done.refused == ()
    found = memories_in(nova)
    assert {i: row.content for i, row in found.items()} == {
        "m1": "Plays chess",
        "m4": "Works at Birch",
        "m6": MERGED,
        "m8": "Likes tea",
    }
    one = found["m1"]
    assert (one.tags, one.access_count, str(one.created_at)[:10]) == (("a", "b"), 5, "2025-01-01")
    assert (found["m4"].importance, found["m4"].source_message_ids) == (0.75, (7,))
    assert (found["m6"].access_count, str(found["m6"].last_accessed)[:10]) == (1, "2026-01-02")
    assert memories_in(nova, whole=True)["m8"] == untouched


def test_the_journal_holds_what_changed_and_no_vector_twice(nova: Database) -> None:
    """Of a row that stays its name, its text and what was changed; of one that went, all of it."""
    before = memories_in(nova, whole=True)
    plan_id = _apply(nova)
    images = _images(nova, plan_id)
    assert {row_id: effect for row_id, (effect, _, _) in images.items()} == {
        "m1": "changed",
        "m2": "folded",
        "m3": "superseded",
        "m4": "changed",
        "m5": "removed",
        "m6": "rewritten",
        "m7": "merged",
    }
    telling = {"bot_id", "id", "content", "created_at"}
    for row_id, more in (
        ("m1", {"tags", "access_count"}),
        ("m4", {"importance", "source_message_ids"}),
        ("m6", {"last_accessed"}),
    ):
        _, was, then = images[row_id]
        assert was.keys() == then.keys() == telling | more
        now = memories_in(nova, whole=True)[row_id].image
        assert {name: before[row_id].image[name] for name in was} == was
        assert {name: now[name] for name in then} == then
    for row_id in ("m2", "m3", "m5", "m7"):
        assert images[row_id][1:] == (dict(before[row_id].image), None)
    written = str(sql(nova, "SELECT before_image, after_image FROM maintenance_journal"))
    document = str(sql(nova, "SELECT document FROM maintenance_plans"))
    for number in range(len(UNTIDY)):
        vector = vector_of(number)[1:-1]
        assert written.count(vector) == (number in (1, 2, 4, 6))
        assert vector not in document


def _dates_every_update(database: Database) -> None:
    if is_sqlite(database):
        then = f"UPDATE {MEMORIES} SET updated_at = '2026-06-06 00:00:00' WHERE id = new.id"
        when = f"AFTER UPDATE OF content, tags ON {MEMORIES}"
        sql(database, f"CREATE TRIGGER dated {when} BEGIN {then}; END")
        return
    body = "BEGIN NEW.updated_at = timestamp ''2026-06-06''; RETURN NEW; END"
    sql(database, f"CREATE FUNCTION dated() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
    when = f"BEFORE UPDATE ON {MEMORIES} FOR EACH ROW EXECUTE FUNCTION dated()"
    sql(database, f"CREATE TRIGGER dated {when}")


def test_what_a_trigger_changes_is_known_and_told(nova: Database) -> None:
    """The journal has it too, though the plan wrote another column; undo says what it cannot do."""
    sql(nova, f"DELETE FROM {MEMORIES} WHERE id NOT IN ('m1', 'm2') OR bot_id = 'max'")
    was = memories_in(nova)["m1"].image["updated_at"]
    _dates_every_update(nova)
    rows = memories_in(nova)
    folds, _ = fold(list(rows.values()), Policy())
    plan = Plan(entity=NOVA, rows=tuple(rows.values()), operations=folds)
    _, plan_id = applied(nova, plan)
    _, before, after = _images(nova, plan_id)["m1"]
    assert (before["updated_at"], after["updated_at"]) == (was, "2026-06-06 00:00:00")
    assert _undo(nova, plan_id).altered == {"m1": ("updated_at",)}


def test_rows_used_while_a_model_thinks_are_merged_as_they_then_are(nova: Database) -> None:
    """Counts and tags of the moment are united, and that is what undo goes back to."""
    plan = tidying(nova)
    use(nova, "m1", access_count=4, tags='["a", "c"]')
    use(nova, "m2", access_count=5)
    before = dump(nova, MEMORIES)
    done, plan_id = applied(nova, plan)
    assert done.refused == ()
    one = memories_in(nova)["m1"]
    assert (one.access_count, one.tags) == (9, ("a", "c", "b"))
    _undo(nova, plan_id)
    assert dump(nova, MEMORIES) == before


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("UPDATE {} SET content = 'Plays go' WHERE id = 'm2' AND bot_id = 'nova'", 5),
        ("DELETE FROM {} WHERE id = 'm1' AND bot_id = 'nova'", 4),
        ("UPDATE {} SET bot_id = 'zoe' WHERE id = 'm2' AND bot_id = 'nova'", 4),
    ],
)
def test_a_row_edited_meanwhile_drops_its_operation(nova: Database, change: str, left: int) -> None:
    """What somebody else did to a text stands; the other operations stand too."""
    plan = tidying(nova)
    sql(nova, change.format(MEMORIES))
    done, _ = applied(nova, plan)
    assert [(each.guard, each.row_ids) for each in done.refused] == [
        ("changed_meanwhile", ("m1", "m2"))
    ]
    assert len(memories_in(nova)) == left


def test_a_rewritten_memory_is_worn_until_that_is_undone(nova: Database) -> None:
    """And again when it is done again."""

    def worn() -> dict[Any, int]:
        with nova.read() as connection:
            return dict(wear.wear_of(connection, NOVA, {"m1", "m4", "m6"}))

    plan_id = _apply(nova)
    assert {i: times for i, times in worn().items() if times} == {"m6": 1}
    first = _undo(nova, plan_id).plan_id
    assert {i: times for i, times in worn().items() if times} == {}
    _undo(nova, first)
    assert {i: times for i, times in worn().items() if times} == {"m6": 1}


def test_what_a_person_put_back_counts_as_judged(nova: Database) -> None:
    """The next run asks about none of it, and folds no copies that somebody wants apart."""
    _undo(nova, _apply(nova))
    rows = list(memories_in(nova).values())
    with nova.read() as connection:
        judged = judgements.judged_of(connection, NOVA, judge="code")
    assert {mark(row) for row in rows} <= judged.known
    folds, survivors = fold(rows, Policy(), settled=judged.settled(rows))
    assert (folds, judged.new_among(rows, folds, survivors)) == ((), set())


def test_rows_of_other_bots_are_in_no_journal(nova: Database) -> None:
    """Their ids are the same, and they are never touched."""
    other = sql(nova, f"SELECT * FROM {MEMORIES} WHERE bot_id = 'max'")
    first = _undo(nova, _apply(nova)).plan_id
    _undo(nova, first)
    assert sql(nova, f"SELECT * FROM {MEMORIES} WHERE bot_id = 'max'") == other
    assert "max" not in str(sql(nova, "SELECT * FROM maintenance_journal"))


def test_memories_leave_the_summary_of_a_profile_alone(nova: Database) -> None:
    """They are no attributes, and the bot may have a profile of its own."""
    sql(
        nova,
        "INSERT INTO entity_profiles (entity_type, entity_id, summary) VALUES ('BOT', 'nova', 's')",
    )
    before = dump(nova, "entity_profiles")
    _undo(nova, _apply(nova))
    assert dump(nova, "entity_profiles") == before
