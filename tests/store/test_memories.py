"""Memories are found in whatever tables an assistant has, and each row is its own bot's alone."""

import pytest
import sqlalchemy as sa
from building import MORNING
from consolidating import occasion
from databases import dump, is_sqlite, sql
from remembering import MEMORIES, NOVA, add_memory, applied, make_table, memories_in, planned

from llm_maint.domain.entity import Entity
from llm_maint.domain.reply import Proposal
from llm_maint.errors import SchemaError, UnknownNameError
from llm_maint.store import memories, undo
from llm_maint.store.database import Database

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

MAX = Entity.remembering("max")


def _counted(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {each.entity.id: each.memories for each in memories.bots(connection)}


def _table_of(database: Database, entity: Entity) -> str:
    with database.read() as connection:
        return memories.table_of(connection, entity).name


def test_one_table_for_all_bots(database: Database) -> None:
    """Each bot that has rows in `memories` is one, with how many and when it was last updated."""
    add_memory(database, updated_at="2026-01-03 10:00:00")
    add_memory(database)
    add_memory(database, bot_id="max", updated_at=None)
    with database.read() as connection:
        found = [(c.entity, c.memories, c.updated_at) for c in memories.bots(connection)]
    assert found == [(MAX, 1, None), (NOVA, 2, MORNING)]
    assert len(memories_in(database)) == 2


def test_a_table_for_each_bot(database: Database) -> None:
    """`nova_memories` holds those of nova, `max_memories` those of max; one may be empty."""
    sql(database, f"DROP TABLE {MEMORIES}")
    for name in ("nova_memories", "max_memories", "zoe_memories"):
        make_table(database, name, without=["bot_id"])
    add_memory(database, "Of nova", table="nova_memories", id="same")
    add_memory(database, "Of max", table="max_memories", id="same")
    assert _counted(database) == {"max": 1, "nova": 1, "zoe": 0}
    assert _table_of(database, NOVA) == "nova_memories"
    assert [row.content for row in memories_in(database).values()] == ["Of nova"]
    assert [row.content for row in memories_in(database, MAX).values()] == ["Of max"]


def test_the_table_of_all_bots_counts_before_those_of_one(database: Database) -> None:
    """If it holds any: then an assistant has moved its rows, and the old table is no bot.

    While it is empty, as `init` makes it, a table that an assistant makes later is a bot.
    """
    make_table(database, "nova_memories", without=["bot_id"])
    add_memory(database, "old", table="nova_memories")
    assert _counted(database) == {"nova": 1}
    add_memory(database, "new", bot_id="max")
    assert _counted(database) == {"max": 1}
    assert memories_in(database) == {}
    assert _table_of(database, NOVA) == MEMORIES


def test_a_table_of_one_bot_that_names_it_too(database: Database) -> None:
    """Rows of another bot in it are nobody's: they are neither listed nor touched."""
    sql(database, f"DROP TABLE {MEMORIES}")
    make_table(database, "nova_memories")
    add_memory(database, table="nova_memories")
    add_memory(database, table="nova_memories", bot_id="max")
    assert _counted(database) == {"nova": 1}
    assert len(memories_in(database)) == 1
    with database.read() as connection, pytest.raises(UnknownNameError, match="known: nova"):
        memories.known_bot(connection, "max")


def test_memories_without_a_bot_are_the_default_ones(database: Database) -> None:
    """A table `memories` that names no bot is that of the only one."""
    make_table(database, without=["bot_id"])
    add_memory(database)
    assert _counted(database) == {memories.ONLY_BOT: 1}
    assert len(memories_in(database, Entity.remembering(memories.ONLY_BOT))) == 1


@pytest.mark.parametrize("missing", ["id", "content"])
@pytest.mark.parametrize("without", [[], ["bot_id"]])
def test_a_table_of_that_name_that_holds_no_memories(
    database: Database, missing: str, without: list[str]
) -> None:
    """It is said which column it lacks, whatever is asked; nothing is made up or altered."""
    make_table(database, without=[*without, missing])
    sql(database, f"INSERT INTO {MEMORIES} (importance) VALUES (1)")
    before = dump(database)
    for look in (
        memories.bots,
        lambda connection: memories.known_bot(connection, "nova"),
        lambda connection: memories.table_of(connection, NOVA),
        lambda connection: memories.memories_of(connection, NOVA),
    ):
        with (
            database.read() as connection,
            pytest.raises(SchemaError, match=f"table memories has no column {missing}"),
        ):
            look(connection)
    assert dump(database) == before


def test_other_tables_are_no_bots(database: Database) -> None:
    """A name that ends so makes no bot of a table without memories, and hides no other."""
    sql(database, f"DROP TABLE {MEMORIES}")
    sql(database, "CREATE TABLE photo_memories (id integer, picture text)")
    sql(database, "CREATE TABLE nova_memories (id text, content text)")
    assert _counted(database) == {"nova": 0}
    with database.read() as connection, pytest.raises(SchemaError, match="each bot has its own"):
        memories.table_of(connection, Entity.remembering("photo"))


ODD = ["Nova", "\u00fcn\u00ef", "two words", 'a "quoted" one', "o'neil", "%s :x \\", "semi;colon"]


@pytest.mark.parametrize("bot_id", ODD)
def test_a_bot_of_an_odd_name_in_the_table_of_all(database: Database, bot_id: str) -> None:
    """Its id is as the database has it, and is found in any case of letters."""
    bot = Entity.remembering(bot_id)
    for content in ("Plays chess", "plays  chess"):
        add_memory(database, content, bot_id=bot_id)
    before = dump(database, MEMORIES)
    assert _counted(database) == {bot_id: 2}
    with database.read() as connection:
        for name in (bot_id, bot_id.upper(), f" {bot_id} "):
            assert memories.known_bot(connection, name) == bot
            assert memories.bot_to_fill(connection, name) == bot
    _, plan_id = applied(database, planned(database, entity=bot))
    assert len(memories_in(database, bot)) == 1
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before


@pytest.mark.parametrize("bot_id", ODD)
def test_a_bot_of_an_odd_name_in_a_table_of_its_own(database: Database, bot_id: str) -> None:
    """The table's name is quoted wherever it stands, and hides no other."""
    sql(database, f"DROP TABLE {MEMORIES}")
    name = f"{bot_id}_memories"
    columns = [sa.Column(each, sa.Text) for each in ("id", "content", "created_at")]
    with database.write() as connection:
        sa.Table(name, sa.MetaData(), *columns).create(connection)
    bot = Entity.remembering(bot_id)
    for content in ("Plays chess", "plays  chess"):
        add_memory(database, content, table=name)
    with database.read() as connection:
        assert memories.table_of(connection, bot).name == name
    assert _counted(database) == {bot_id: 2}
    _, plan_id = applied(database, planned(database, entity=bot))
    assert len(memories_in(database, bot)) == 1
    undo.undo_plan(database, plan_id, occasion())
    assert len(memories_in(database, bot)) == 2


def test_bots_that_differ_in_case_are_two(database: Database) -> None:
    """Each is meant by its own name; by any other case nobody knows which, and no third is made."""
    add_memory(database, bot_id="nova")
    add_memory(database, bot_id="Nova")
    with database.read() as connection:
        assert memories.known_bot(connection, "Nova").id == "Nova"
        assert memories.known_bot(connection, "nova").id == "nova"
        for find in (memories.known_bot, memories.bot_to_fill):
            with pytest.raises(UnknownNameError, match="no bot 'NOVA'"):
                find(connection, "NOVA")
        assert memories.bot_to_fill(connection, " zoe ").id == "zoe"


@pytest.fixture
def twins(database: Database) -> Database:
    """Return memories of nova and of max that have the same ids and texts."""
    _fill(database)
    return database


def _fill(database: Database) -> None:
    for bot_id in ("nova", "max"):
        add_memory(database, "Plays chess", bot_id=bot_id, id="m1", tags='["a"]', access_count=1)
        add_memory(database, "plays  chess", bot_id=bot_id, id="m2", tags='["b"]', access_count=2)
        add_memory(database, "Good morning", bot_id=bot_id, id="m3")
        add_memory(database, "Likes tea", bot_id=bot_id, id="m4")
        add_memory(database, "Likes tea best", bot_id=bot_id, id="m5", updated_at="2026-01-02")


def _of(database: Database, bot_id: str) -> list[str]:
    """Return a dump of a bot's rows."""
    row = "*" if is_sqlite(database) else f"{MEMORIES}::text"
    found = sql(database, f"SELECT {row} FROM {MEMORIES} WHERE bot_id = :bot", bot=bot_id)
    return sorted(map(repr, found))


CHANGES = (Proposal("remove", "a greeting", ("m3",)), Proposal("supersede", "now", ("m4", "m5")))


def _other_bot_stays(database: Database) -> None:
    """Change, remove and put back nova's rows, and again; those of max are as they were."""
    nova, other = _of(database, "nova"), _of(database, "max")
    _, plan_id = applied(database, planned(database, *CHANGES))
    after = _of(database, "nova")
    assert len(after) == 2
    assert _of(database, "max") == other
    first = undo.undo_plan(database, plan_id, occasion())
    assert (_of(database, "nova"), _of(database, "max")) == (nova, other)
    second = undo.undo_plan(database, first.plan_id, occasion())
    assert (_of(database, "nova"), _of(database, "max")) == (after, other)
    sql(database, f"DELETE FROM {MEMORIES} WHERE bot_id = 'nova' AND id = 'm1'")
    undo.undo_plan(database, second.plan_id, occasion(), force=True)
    assert _of(database, "max") == other
    assert len(_of(database, "nova")) == 5


def test_an_id_of_two_bots_is_two_memories(twins: Database) -> None:
    """Whatever is done to nova's m1, and undone, by force too: max's m1 stays to the byte."""
    _other_bot_stays(twins)


@pytest.mark.parametrize("bot_id", ["integer", "uuid", "character(40)"])
def test_a_bot_need_not_be_named_by_text(database: Database, bot_id: str) -> None:
    """A number or a UUID is compared as what it is, and shown as text."""
    names = {"nova": "7", "max": "8"}
    if bot_id != "integer":
        names = {bot: f"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1{n}" for bot, n in names.items()}
    make_table(database, bot_id=bot_id)
    for content in ("Plays chess", "plays  chess"):
        for whose, name in names.items():
            add_memory(database, content, bot_id=name, id=f"{whose} {content}")
    assert _counted(database) == {names["nova"]: 2, names["max"]: 2}
    bot = Entity.remembering(names["nova"])
    before = dump(database, MEMORIES)
    _, plan_id = applied(database, planned(database, entity=bot))
    assert _counted(database) == {names["nova"]: 1, names["max"]: 2}
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before


def _partitioned(database: Database) -> None:
    make_table(database, more="PRIMARY KEY (bot_id, id)", end="PARTITION BY LIST (bot_id)")
    for name, values in (("nova_memories", "IN ('nova')"), ("max_memories", "IN ('max')")):
        sql(database, f"CREATE TABLE {name} PARTITION OF {MEMORIES} FOR VALUES {values}")
    sql(database, f"CREATE TABLE other_memories PARTITION OF {MEMORIES} DEFAULT")


@ONLY_POSTGRESQL
def test_partitions_are_no_bots(database: Database) -> None:
    """Of a table that is partitioned by bots, the whole is read and written; its parts follow."""
    _partitioned(database)
    for bot_id in ("nova", "max", "zoe"):
        add_memory(database, bot_id=bot_id, id="m1")
    assert _counted(database) == {"max": 1, "nova": 1, "zoe": 1}
    assert _table_of(database, NOVA) == MEMORIES
    assert _table_of(database, Entity.remembering("new")) == MEMORIES


@ONLY_POSTGRESQL
def test_rows_of_partitions_come_back_where_they_were(database: Database) -> None:
    """Changed, removed and put back, each row is in the partition of its bot."""
    _partitioned(database)
    _fill(database)
    parts = ("nova_memories", "max_memories", "other_memories")
    before = dump(database, *parts)
    _other_bot_stays(database)
    assert {name: len(rows) for name, rows in dump(database, *parts).items()} == {
        "nova_memories": 5,
        "max_memories": 5,
        "other_memories": 0,
    }
    assert dump(database, "max_memories")["max_memories"] == before["max_memories"]


@ONLY_POSTGRESQL
def test_a_table_of_another_schema_on_the_search_path(database: Database) -> None:
    """What a statement finds without naming a schema is what is read, written and put back."""
    name = database.engine.url.database
    sql(database, "CREATE SCHEMA assistant")
    sql(database, f"ALTER TABLE {MEMORIES} SET SCHEMA assistant")
    assert _counted(database) == {}
    with database.read() as connection, pytest.raises(SchemaError, match="no table nova_memories"):
        memories.table_of(connection, NOVA)
    sql(database, f'ALTER DATABASE "{name}" SET search_path = public, assistant')
    database.engine.dispose()
    for row_id in ("m1", "m2"):
        add_memory(database, id=row_id)
    before = sql(database, f"SELECT {MEMORIES}::text FROM assistant.{MEMORIES}")
    _, plan_id = applied(database, planned(database))
    assert len(sql(database, f"SELECT 1 FROM assistant.{MEMORIES}")) == 1
    undo.undo_plan(database, plan_id, occasion())
    after = sql(database, f"SELECT {MEMORIES}::text FROM assistant.{MEMORIES}")
    assert sorted(after) == sorted(before)
