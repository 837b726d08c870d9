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


@ONLY_POSTGRESQL
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_of_every_type_come_back(database: Database, kind: str) -> None:
    """As far as the type can hold them: one of 16 bits gives the same again and again."""
    sql(database, "CREATE EXTENSION vector")
    make_table(database, embedding=kind)
    row = {"id": "m1", "content": "a", "embedding": [0.1, -1.5, 3.0]}
    _import(database, row)
    (first,) = _export(database)
    assert first["embedding"] == pytest.approx(row["embedding"], rel=1e-3)
    sql(database, f"DELETE FROM {MEMORIES}")
    _import(database, first)
    assert _export(database) == [first]


@pytest.mark.parametrize("kind", ["json", "jsonb", "text"])
def test_an_export_imports_to_the_same_rows(database: Database, kind: str) -> None:
    """Into an empty table of the same shape; also where much is NULL."""
    vector = "blob" if is_sqlite(database) else "real[]"
    make_table(database, embedding=vector, tags=kind, source_message_ids=kind)
    extra = {"intent", "stakes", "emotional_charge", "recurrence_keywords"}
    extra |= {"meaning_updated_at", "meaning_embedding"}
    rows = [{n: v for n, v in WHOLE.items() if n not in extra} | {"id": f"m{i}"} for i in range(3)]
    times = {name: WHOLE[name] for name in ("created_at", "updated_at")}
    _import(database, *rows, BARE | {"id": "m4"} | times)
    found, before = _export(database), dump(database, MEMORIES)
    assert len(found) == 4
    sql(database, f"DELETE FROM {MEMORIES}")
    _import(database, *found)
    assert _export(database) == found
    assert dump(database, MEMORIES)[MEMORIES][:3] == before[MEMORIES][:3]


def test_an_export_of_a_lean_table_imports_again(database: Database) -> None:
    """What its table has no column for is empty in the file, and is asked of none."""
    lean = ("tags", "source_message_ids", "importance", "access_count", "last_accessed")
    make_table(database, without=lean)
    add_memory(database, id="m1")
    (row,) = _export(database)
    sql(database, f"DELETE FROM {MEMORIES}")
    _import(database, row)
    assert _export(database) == [row]


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


@pytest.mark.parametrize("key", ["PRIMARY KEY (id)", "UNIQUE (id)"])
def test_an_id_that_another_bot_has_is_free_only_where_both_may(
    database: Database, key: str
) -> None:
    """Where the id alone names a row, the one of another bot is taken as well."""
    make_table(database, more=key)
    add_memory(database, "of another", id="m1", bot_id="max")
    _import(database, BARE | {"id": "m1"}, BARE | {"id": "m2"})
    found = memories_in(database)
    assert "m2" in found
    assert len(found.keys() - {"m2"}) == 1
    assert [row.content for row in memories_in(database, Entity.remembering("max")).values()] == [
        "of another"
    ]


@pytest.mark.parametrize("kind", ["serial", "integer GENERATED ALWAYS AS IDENTITY", "bigserial"])
def test_ids_that_are_numbers_are_given_by_the_database(database: Database, kind: str) -> None:
    """Also where a row brings one along: the database would give it to another one, later."""
    kind = "integer" if is_sqlite(database) else kind
    make_table(database, id=f"{kind} PRIMARY KEY")
    plan_id = _import(database, BARE, BARE | {"id": "7"})
    assert set(memories_in(database)) == {"1", "2"}
    _import(database, *_export(database))
    sql(database, f"INSERT INTO {MEMORIES} (bot_id, content) VALUES ('nova', 'of its own')")
    assert set(memories_in(database)) == {"1", "2", "3", "4", "5"}
    before = dump(database, MEMORIES)
    undone = undo.undo_plan(database, plan_id, occasion(LATER))
    assert set(memories_in(database)) == {"3", "4", "5"}
    undo.undo_plan(database, undone.plan_id, occasion(LATER))
    assert dump(database, MEMORIES) == before


def test_ids_may_be_uuids(database: Database) -> None:
    """One is made where none is given, or the one that is given is taken."""
    make_table(database, id="uuid PRIMARY KEY")
    _import(database, BARE, BARE)
    found = _export(database)
    _import(database, *found)
    assert len(memories_in(database)) == 4
    sql(database, f"DELETE FROM {MEMORIES}")
    _import(database, *found)
    assert _export(database) == found


@ONLY_POSTGRESQL
def test_lists_may_be_arrays(database: Database) -> None:
    """They are imported into arrays, and exported from them, as lists."""
    make_table(database, tags="text[]", source_message_ids="bigint[]")
    row = {"id": "m1", "content": "a", "tags": ["two words", 'q"'], "source_message_ids": [7, 8]}
    _import(database, row)
    (found,) = _export(database)
    assert (found["tags"], found["source_message_ids"]) == (row["tags"], ["7", "8"])
    sql(database, f"DELETE FROM {MEMORIES}")
    _import(database, found)
    assert _export(database) == [found]


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


def test_a_row_that_a_trigger_keeps_out_fails_the_import(database: Database) -> None:
    """What did not come is not said to have come."""
    if is_sqlite(database):
        when = f"BEFORE INSERT ON {MEMORIES} WHEN new.content = 'secret'"
        sql(database, f"CREATE TRIGGER keep_out {when} BEGIN SELECT RAISE(IGNORE); END")
    else:
        body = "BEGIN IF NEW.content = 'secret' THEN RETURN NULL; END IF; RETURN NEW; END"
        sql(database, f"CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS '{_quoted(body)}'")
        when = f"BEFORE INSERT ON {MEMORIES} FOR EACH ROW EXECUTE FUNCTION no()"
        sql(database, f"CREATE TRIGGER keep_out {when}")
    with pytest.raises(DataError, match="a trigger"):
        _import(database, BARE, {"content": "secret"})
    assert memories_in(database) == {}
    assert statuses(database) == {}


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
    with pytest.raises(SchemaError, match="there is no table max_memories; each bot has its own"):
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
