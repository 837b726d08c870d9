"""Import and export of memories: the same JSON again, and every import can be undone."""

import json
import random
import time
from typing import Any

import pytest
from building import MORNING, day
from consolidating import NOW, occasion
from databases import dump, is_sqlite, sql
from remembering import (
    MEMORIES,
    NOVA,
    add_memory,
    make_table,
    memories_in,
    statuses,
)

from llm_maint.domain.entity import Entity
from llm_maint.domain.memory_transfer import FIELDS, read_memories
from llm_maint.errors import DataError, SchemaError
from llm_maint.store import memories, plans, undo, vectors
from llm_maint.store.database import Database
from llm_maint.store.memory_edits import exported, import_memories

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

LATER = day(31)

WHOLE: dict[str, Any] = {
    "bot_id": "nova",
    "id": "m1",
    "content": "Plays chess \u2014 \u00fc \U0001f600 'quoted' \"twice\" \\ %s :x\nand more",
    "tags": ["work", "two words", 'a "quoted" one', "\u732b"],
    "importance": 0.75,
    "source_message_ids": [7, "x-8", 9007199254740993],
    "access_count": 3,
    "last_accessed": "2026-01-03T10:00:00.123456Z",
    "created_at": "2026-01-01T10:00:00Z",
    "updated_at": "2026-01-02T10:00:00Z",
    "intent": "to relax",
    "stakes": "none",
    "emotional_charge": -0.5,
    "recurrence_keywords": ["chess"],
    "meaning_updated_at": "2026-01-04T10:00:00Z",
    "embedding": [0.1, -1.5, 3.0],
    "meaning_embedding": [1e-30, 123456.79, 0.0],
}
"""A row of a file that has every field."""

BARE = {"content": "Likes tea"}


def _import(database: Database, *rows: dict[str, Any], bot: str = "nova") -> str:
    """Import rows of one bot, through a file as a person does; return the plan's id."""
    new = read_memories(json.dumps(rows), name="rows.json", bot_id=bot)
    with database.write() as connection:
        return import_memories(connection, Entity.remembering(bot), new, occasion(NOW))


def _export(database: Database, entity: Entity = NOVA) -> list[dict[str, Any]]:
    """Export a bot's memories, through a file as a person does."""
    with database.read() as connection:
        found = {
            n: dict(vectors.own_vectors(connection, entity, column=n)) for n in vectors.VECTORS
        }
        rows = [
            {
                "bot_id": entity.id,
                **exported(each, {name: of.get(each.id) for name, of in found.items()}),
            }
            for each in memories.memories_of(connection, entity, whole=True)
        ]
    read: list[dict[str, Any]] = json.loads(json.dumps(rows))
    return read


def test_every_field_comes_back_as_it_was_given(database: Database) -> None:
    """What was imported is exported as the same JSON, vectors to the last bit."""
    assert set(WHOLE) == set(FIELDS)
    _import(database, WHOLE)
    (row,) = _export(database)
    for name in vectors.VECTORS:
        assert row[name] == pytest.approx(WHOLE[name], rel=1e-7)
    assert row == {**WHOLE, **{name: row[name] for name in vectors.VECTORS}}


KINDS = [
    "vector",
    "vector(3)",
    "halfvec(3)",
    "real[]",
    "double precision[]",
    "json",
    "jsonb",
    "text",
]


def test_an_import_says_which_column_there_is_not(database: Database) -> None:
    """What a row says is kept or refused, never dropped; the time it would get can be missing."""
    make_table(database, without=["tags", "created_at", "updated_at"])
    with pytest.raises(SchemaError, match="memories has no column tags"):
        _import(database, BARE, BARE | {"tags": ["a"]})
    with pytest.raises(SchemaError, match="memories has no column intent"):
        _import(database, BARE | {"intent": "to relax"})
    assert memories_in(database) == {}
    _import(database, BARE | {"created_at": "2026-01-01"})
    assert len(memories_in(database)) == 1


def test_ids_are_kept_where_they_are_free(database: Database) -> None:
    """A row whose id the bot has already gets a new one; both are there."""
    add_memory(database, "was there", id="m1")
    add_memory(database, "of another", id="m2", bot_id="max")
    _import(database, BARE | {"id": "m1"}, BARE | {"id": "m2"}, BARE | {"id": None}, BARE)
    found = memories_in(database)
    assert (found["m1"].content, found["m2"].content) == ("was there", "Likes tea")
    new = found.keys() - {"m1", "m2"}
    assert [len(row_id) for row_id in new] == [36, 36, 36]
    other = memories_in(database, Entity.remembering("max"))
    assert [(i, row.content) for i, row in other.items()] == [("m2", "of another")]


def test_times_that_are_not_given(database: Database) -> None:
    """One stands for the other; of a row that names none it is the time of the import."""
    early = {"created_at": "2026-01-03T10:00:00Z"}
    late = {"updated_at": "2026-01-03T12:00:00+02:00"}
    _import(database, BARE | {"id": "a"} | early, BARE | {"id": "b"} | late, BARE | {"id": "c"})
    found = memories_in(database)
    times = [(found[i].created_at, found[i].updated_at) for i in "abc"]
    assert times == [(MORNING, MORNING), (MORNING, MORNING), (NOW, NOW)]


def test_columns_that_we_do_not_know_get_what_the_table_gives_them(database: Database) -> None:
    """Defaults and what the database computes; one that must be given is a clear error."""
    kind = "VIRTUAL" if is_sqlite(database) else "STORED"
    computed = f"size integer GENERATED ALWAYS AS (length(content)) {kind}"
    make_table(database, mood="text NOT NULL DEFAULT 'calm'", more=computed)
    _import(database, BARE)
    assert sql(database, f"SELECT mood, size FROM {MEMORIES}") == [("calm", 9)]
    make_table(database, mood="text NOT NULL")
    with pytest.raises(DataError, match="mood"):
        _import(database, BARE)
    assert sql(database, f"SELECT 1 FROM {MEMORIES}") == []
    assert set(statuses(database).values()) == {"applied"}


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    ("column", "kind", "row", "message"),
    [
        ("content", "varchar(5)", BARE, "too long"),
        ("embedding", "vector(3)", BARE | {"embedding": [1.0, 2.0]}, "expected 3 dimensions"),
    ],
)
def test_what_a_column_cannot_hold_is_refused(
    database: Database, column: str, kind: str, row: dict[str, Any], message: str
) -> None:
    """Nothing is cut to fit, and nothing of the file is imported."""
    sql(database, "CREATE EXTENSION vector")
    make_table(database, **{column: kind})
    with pytest.raises(DataError, match=message):
        _import(database, {"content": "a"}, row)
    assert memories_in(database) == {}


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def test_an_import_is_undone_and_done_again(database: Database) -> None:
    """Undo takes away what came and nothing else; undo of that brings all back to the byte."""
    add_memory(database, id="m0")
    before = dump(database, MEMORIES)
    plan_id = _import(database, WHOLE, BARE, BARE | {"id": "m2", "tags": []})
    after = dump(database, MEMORIES)
    assert len(after[MEMORIES]) == 4
    undone = undo.undo_plan(database, plan_id, occasion(LATER))
    assert dump(database, MEMORIES) == before
    assert len(undone.row_ids) == 3
    again = undo.undo_plan(database, undone.plan_id, occasion(LATER))
    assert dump(database, MEMORIES) == after
    assert not again.altered
    undo.undo_plan(database, again.plan_id, occasion(LATER))
    assert dump(database, MEMORIES) == before


def test_an_import_is_a_plan_of_its_bot(database: Database) -> None:
    """It is found in the list of plans about memories, of this bot."""
    plan_id = _import(database, WHOLE)
    with database.read() as connection:
        (plan,) = plans.list_plans(connection, limit=9, entity=NOVA, memories=True)
        assert plans.list_plans(connection, limit=9, memories=False) == []
    assert (plan.id, plan.kind, plan.status) == (plan_id, plans.IMPORT, plans.APPLIED)
    assert (plan.created_at, plan.run_id) == (NOW, "run")
    vector = json.dumps(WHOLE["embedding"])[:9]
    assert vector not in str(sql(database, "SELECT * FROM maintenance_journal"))


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_undo_of_an_import_sets_off_no_cascade(database: Database, action: str) -> None:
    """What would go along with the rows is in no journal, so nothing goes."""
    make_table(database, more="PRIMARY KEY (id)")
    plan_id = _import(database, BARE | {"id": "m1"})
    reference = f"REFERENCES {MEMORIES} (id) ON DELETE {action}"
    sql(database, f"CREATE TABLE mentions (memory varchar(36) {reference})")
    sql(database, "INSERT INTO mentions VALUES ('m1')")
    before = dump(database)
    with pytest.raises(SchemaError, match="mentions refers to memories"):
        undo.undo_plan(database, plan_id, occasion(LATER))
    assert dump(database) == before


def test_a_bot_without_a_table_of_its_own_is_refused(database: Database) -> None:
    """Where each bot has one, none is made for a new bot: the message names it."""
    sql(database, f"DROP TABLE {MEMORIES}")
    make_table(database, "nova_memories", without=["bot_id"])
    _import(database, BARE)
    with pytest.raises(SchemaError, match="no table memories and none max_memories"):
        _import(database, BARE, bot="max")
    assert len(memories_in(database)) == 1


def test_thousands_are_imported_at_once(database: Database) -> None:
    """5,000 with vectors come in a second or two; many more than one statement names."""
    chance = random.Random(1)
    rows = [
        WHOLE | {"id": f"m{number}", "embedding": [chance.gauss(0, 1) for _ in range(64)]}
        for number in range(5_000)
    ]
    new = read_memories(json.dumps(rows), name="rows.json", bot_id=None)
    begun = time.monotonic()
    with database.write() as connection:
        import_memories(connection, NOVA, new, occasion(NOW))
    took = time.monotonic() - begun
    assert len(memories_in(database)) == 5_000
    assert sql(database, "SELECT count(*) FROM maintenance_journal") == [(5_000,)]
    assert took < 15  # on a machine that does much else
