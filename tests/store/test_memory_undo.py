"""What a plan did to memories is taken back whole, whatever use of them came since."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from consolidating import NOW, occasion
from databases import dump, opened, sql
from remembering import (
    MEMORIES,
    NOVA,
    UNTIDY,
    add_memory,
    applied,
    make_table,
    memories_in,
    statuses,
    tidying,
    untidy,
    use,
    vector_of,
)

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import fold
from llm_maint.domain.plan import Plan
from llm_maint.domain.policy import Policy
from llm_maint.errors import DatabaseBusyError, PlanRefusedError, SchemaError
from llm_maint.store import memories, undo
from llm_maint.store.database import Database

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

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


def test_undo_and_undo_of_it_are_to_the_byte(nova: Database) -> None:
    """Back and forth: every column of every row, vectors and what we do not know included."""
    before = dump(nova, MEMORIES)
    plan_id = _apply(nova)
    after = dump(nova, MEMORIES)
    first = _undo(nova, plan_id)
    assert dump(nova, MEMORIES) == before
    assert (set(first.row_ids), first.altered) == ({f"m{n}" for n in range(1, 8)}, {})
    second = _undo(nova, first.plan_id)
    assert dump(nova, MEMORIES) == after
    assert statuses(nova) == {
        plan_id: "applied",
        first.plan_id: "undone",
        second.plan_id: "applied",
    }
    third = _undo(nova, second.plan_id)
    assert dump(nova, MEMORIES) == before
    _undo(nova, third.plan_id)
    assert dump(nova, MEMORIES) == after


def test_a_dry_undo_writes_nothing(nova: Database) -> None:
    """It says what it would put back, and every table is as before."""
    plan_id = _apply(nova)
    before = dump(nova)
    assert len(_undo(nova, plan_id, dry_run=True).row_ids) == 7
    assert dump(nova) == before


def test_a_winner_without_a_vector_takes_one_and_gives_it_back(nova: Database) -> None:
    """The first that a copy has; undone, it has none."""
    sql(nova, f"UPDATE {MEMORIES} SET embedding = NULL WHERE id = 'm1'")
    before = dump(nova, MEMORIES)
    plan_id = _apply(nova)
    assert memories_in(nova, whole=True)["m1"].image["embedding"] == vector_of(1)
    _undo(nova, plan_id)
    assert dump(nova, MEMORIES) == before


USES: list[Any] = [
    pytest.param({"access_count": 6}, {"access_count": 3}, id="read once more"),
    pytest.param({"access_count": 0}, {"access_count": 0}, id="counted anew"),
    pytest.param({"access_count": None}, {"access_count": None}, id="not counted any more"),
    pytest.param(
        {"last_accessed": "2026-02-01 00:00:00", "updated_at": "2026-02-01 00:00:00"},
        {"last_accessed": "2026-02-01 00:00:00", "updated_at": "2026-02-01 00:00:00"},
        id="read, and dated",
    ),
    pytest.param({"tags": '["a", "b", "new"]'}, {"tags": '["a", "new"]'}, id="a tag came"),
    pytest.param({"tags": '["b"]'}, {"tags": "[]"}, id="its own tag went"),
    pytest.param({"tags": '["a"]'}, {"tags": '["a"]'}, id="a tag of the copy went"),
    pytest.param({"tags": None}, {"tags": "[]"}, id="all tags went"),
    pytest.param({"tags": '{"a": 1}'}, {"tags": '{"a": 1}'}, id="tags that nobody can read"),
    pytest.param({"mood": "happy"}, {"mood": "happy"}, id="a column that we do not know"),
    pytest.param({"importance": 0.25}, {"importance": "0.25"}, id="a column that no plan wrote"),
]


@pytest.mark.parametrize(("used", "expected"), USES)
def test_use_keeps_nobody_from_undoing(
    nova: Database, used: dict[str, Any], expected: dict[str, Any]
) -> None:
    """What the plan did is taken back, and what came by use since stays; and so on, back and forth.

    The winner m1 had ["a"] and 2 accesses, and got ["a", "b"] and 5.
    """
    was = dict(memories_in(nova, whole=True)["m1"].image)
    plan_id = _apply(nova)
    use(nova, "m1", **used)
    after = dump(nova, MEMORIES)
    undone = _undo(nova, plan_id)
    found = memories_in(nova, whole=True)
    assert len(found) == len(UNTIDY)
    image = {name: value if value is None else str(value) for name, value in expected.items()}
    now = {n: v if v is None else str(v) for n, v in found["m1"].image.items()}
    assert {name: now[name] for name in image} == image
    rest = was.keys() - image.keys()
    assert {name: found["m1"].image[name] for name in rest} == {name: was[name] for name in rest}
    assert undone.altered == {}
    _undo(nova, undone.plan_id)
    assert dump(nova, MEMORIES) == after


EDITS = [
    pytest.param("m1", "UPDATE {} SET created_at = '2024-01-01' WHERE id = 'm1'", id="its time"),
    pytest.param("m6", "UPDATE {} SET content = 'Plays' WHERE id = 'm6'", id="its text"),
    pytest.param("m4", "UPDATE {} SET importance = 0.125 WHERE id = 'm4'", id="its importance"),
    pytest.param("m4", "UPDATE {} SET source_message_ids = '[9]' WHERE id = 'm4'", id="sources"),
]


@pytest.mark.parametrize(("row_id", "edit"), EDITS)
def test_an_edit_is_not_overwritten_unasked(nova: Database, row_id: str, edit: str) -> None:
    """What the plan wrote and somebody else has written since: only by force, which is undone."""
    before = dump(nova, MEMORIES)
    plan_id = _apply(nova)
    sql(nova, f"{edit.format(MEMORIES)} AND bot_id = 'nova'")
    edited = dump(nova)
    with pytest.raises(PlanRefusedError, match=f"row {row_id}; undo what came later"):
        _undo(nova, plan_id)
    assert dump(nova) == edited
    forced = _undo(nova, plan_id, force=True)
    assert dump(nova, MEMORIES) == before
    _undo(nova, forced.plan_id)
    assert dump(nova, MEMORIES)[MEMORIES] == edited[MEMORIES]


def test_a_winner_that_is_gone_comes_back_by_force_as_far_as_it_is_known(nova: Database) -> None:
    """Its text, its time and what the plan had changed; the copy comes back whole."""
    copy = memories_in(nova, whole=True)["m2"]
    plan_id = _apply(nova)
    sql(nova, f"DELETE FROM {MEMORIES} WHERE id = 'm1' AND bot_id = 'nova'")
    with pytest.raises(PlanRefusedError, match="row m1; undo what came later"):
        _undo(nova, plan_id)
    _undo(nova, plan_id, force=True)
    found = memories_in(nova, whole=True)
    one = found["m1"]
    assert (one.content, one.tags, one.access_count) == ("Plays chess", ("a",), 2)
    assert one.image["embedding"] is None
    assert found["m2"] == copy


def test_a_row_in_the_place_of_one_that_went_stays(nova: Database) -> None:
    """An id that somebody has taken since is not overwritten, not even by force."""
    plan_id = _apply(nova)
    add_memory(nova, "mine", id="m5")
    before = dump(nova)
    for force in (False, True):
        with pytest.raises(PlanRefusedError):
            _undo(nova, plan_id, force=force)
    assert dump(nova) == before


def test_rows_that_came_back_are_used_and_go_again(nova: Database) -> None:
    """Use of what was put back stands in no way of undoing that; it comes back used, and so on."""
    plan_id = _apply(nova)
    after = dump(nova, MEMORIES)
    first = _undo(nova, plan_id).plan_id
    used = {"access_count": 9, "tags": '["b", "new"]', "updated_at": "2026-02-01 00:00:00"}
    use(nova, "m2", **used)
    as_used = dump(nova, MEMORIES)
    second = _undo(nova, first).plan_id
    assert dump(nova, MEMORIES) == after
    _undo(nova, second)
    assert dump(nova, MEMORIES) == as_used


@pytest.mark.parametrize(
    ("column", "value"), [("content", "Plays go"), ("mood", "happy"), ("embedding", "[1]")]
)
def test_a_row_that_came_back_and_was_edited_does_not_go_unasked(
    nova: Database, column: str, value: str
) -> None:
    """Any column of it: it would be lost with the row."""
    first = _undo(nova, _apply(nova)).plan_id
    use(nova, "m2", **{column: value})
    with pytest.raises(PlanRefusedError, match="row m2;"):
        _undo(nova, first)
    _undo(nova, first, force=True)
    assert "m2" not in memories_in(nova)


def test_columns_that_came_since_keep_their_values(nova: Database) -> None:
    """The images name the columns of their time."""
    plan_id = _apply(nova)
    sql(nova, f"ALTER TABLE {MEMORIES} ADD COLUMN place text DEFAULT 'here'")
    _undo(nova, plan_id)
    assert {row.image["place"] for row in memories_in(nova, whole=True).values()} == {"here"}


def test_a_column_that_went_since_is_refused(nova: Database) -> None:
    """A row that cannot be put back whole is not put back at all."""
    plan_id = _apply(nova)
    sql(nova, f"ALTER TABLE {MEMORIES} DROP COLUMN mood")
    before = dump(nova)
    with pytest.raises(PlanRefusedError, match="memories has no column mood now"):
        _undo(nova, plan_id, force=True)
    assert dump(nova) == before


def test_a_table_that_names_its_bots_since_is_refused(database: Database) -> None:
    """Nobody can say whose the rows of then are; that is said in a line."""
    make_table(database, without=["bot_id"])
    for row_id in ("m1", "m2"):
        add_memory(database, id=row_id)
    entity = Entity.remembering(memories.ONLY_BOT)
    rows = memories_in(database, entity)
    folds, _ = fold(list(rows.values()), Policy())
    plan = Plan(entity=entity, rows=tuple(rows.values()), operations=folds)
    _, plan_id = applied(database, plan)
    sql(database, f"ALTER TABLE {MEMORIES} ADD COLUMN bot_id text DEFAULT 'nova'")
    with pytest.raises(PlanRefusedError, match="named by bot_id now"):
        _undo(database, plan_id)
    sql(database, f"ALTER TABLE {MEMORIES} RENAME TO other_table")
    with pytest.raises(SchemaError, match="no table memories"):
        _undo(database, plan_id)


@ONLY_POSTGRESQL
def test_an_undo_waits_for_who_works_at_the_bot(nova: Database, database_url: str) -> None:
    """Both write down what is known of its memories; on SQLite whoever writes is alone."""
    plan_id = _apply(nova)
    impatient = replace(opened(database_url), timeout=1)
    with nova.write() as connection:
        memories.lock_bot(connection, NOVA)
        with pytest.raises(DatabaseBusyError, match="locked"):
            _undo(impatient, plan_id)
    impatient.close()
    _undo(nova, plan_id)


VECTOR_KINDS = [
    *((kind, "public") for kind in ("vector", "vector(3)", "halfvec(3)", "sparsevec(3)")),
    *((kind, "Odd one") for kind in ("vector(3)", "halfvec(3)")),
    *((kind, "") for kind in ("real[]", "double precision[]", "bytea", "json", "jsonb")),
]


@ONLY_POSTGRESQL
@pytest.mark.parametrize(("kind", "schema"), VECTOR_KINDS)
def test_vectors_of_every_type_come_back_to_the_bit(
    database: Database, kind: str, schema: str
) -> None:
    """Of rows that went, and of winners that took one; also of a type that no statement finds."""
    if schema:
        sql(database, f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        sql(database, f'CREATE EXTENSION vector SCHEMA "{schema}"')
    make_table(database, embedding=f'"{schema}".{kind}' if schema else kind)
    written = {"real[]": "{0.1,1e-30,NaN}", "double precision[]": "{0.1,3}", "bytea": "\\x00ff"}
    value = "{1:0.1,3:2}/3" if "sparse" in kind else written.get(kind, "[0.1, 0.33333334, 7e-8]")
    add_memory(database, id="m1", embedding=None, updated_at="2026-01-02")
    for row_id in ("m2", "m3"):
        add_memory(database, id=row_id, embedding=value, access_count=1)
    before = dump(database, MEMORIES)
    rows = memories_in(database)
    folds, _ = fold(list(rows.values()), Policy())
    plan = Plan(entity=NOVA, rows=tuple(rows.values()), operations=folds)
    _, plan_id = applied(database, plan)
    after = dump(database, MEMORIES)
    assert memories_in(database, whole=True)["m1"].image["embedding"] is not None
    undone = _undo(database, plan_id)
    assert dump(database, MEMORIES) == before
    _undo(database, undone.plan_id)
    assert dump(database, MEMORIES) == after
