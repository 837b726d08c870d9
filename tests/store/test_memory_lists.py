"""Lists of memories, tags above all: in JSON of any kind; what is no list is never overwritten."""

import pytest
from consolidating import occasion
from databases import dump, is_sqlite, sql
from remembering import MEMORIES, NOVA, add_memory, applied, make_table, memories_in, planned

from llm_maint.domain.policy import Policy
from llm_maint.store import holdings, journal, memories, undo
from llm_maint.store.database import Database
from llm_maint.store.plans import RECURRENCE
from llm_maint.store.recorder import Recorder

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _tagged(database: Database, tag: str) -> str | None:
    """Add a tag to every memory, as the recurrence job does; return the plan's id, if any."""
    with database.write() as connection:
        table = memories.table_of(connection, NOVA)
        recorder = Recorder(connection)
        for memory in memories.memories_of(connection, NOVA, lock=True):
            after = memory.with_tags([*memory.tags, tag])
            if after.image != memory.image:
                recorder.write(table, *holdings.narrowed(memory.image, after.image), "tagged")
        if recorder.entries:
            journal.keep(recorder, NOVA, occasion(), kind=RECURRENCE, document={})
    return recorder.plan_id if recorder.entries else None


def _tags(database: Database) -> dict[str, object]:
    """Return what the columns hold, on PostgreSQL as text."""
    shown = "tags" if is_sqlite(database) else "tags::text"
    return dict(tuple(row) for row in sql(database, f"SELECT id, {shown} FROM {MEMORIES}"))


@pytest.mark.parametrize("kind", ["json", "jsonb", "text"])
@pytest.mark.parametrize(
    ("written", "read", "tagged"),
    [
        ('["work", "fun"]', ("work", "fun"), '["work", "fun", "new"]'),
        ("[]", (), '["new"]'),
        (None, (), '["new"]'),
        ("null", (), '["new"]'),
        ('["a", "a"]', ("a", "a"), '["a", "a", "new"]'),
        ('["\u00fc \\"q\\" \\\\"]', ('\u00fc "q" \\',), '["\u00fc \\"q\\" \\\\", "new"]'),
        ("[1, 2.5, true]", ("1", "2.5", "True"), '[1, 2.5, true, "new"]'),
    ],
)
def test_a_tag_is_added_to_a_list(
    database: Database, kind: str, written: str | None, read: tuple[str, ...], tagged: str
) -> None:
    """Whatever JSON it is kept in; what was there stays as it was, and undo is to the byte."""
    make_table(database, tags=kind)
    add_memory(database, id="m1", tags=written)
    before = dump(database, MEMORIES)
    assert memories_in(database)["m1"].tags == read
    plan_id = _tagged(database, "new")
    assert plan_id is not None
    assert _tags(database) == {"m1": tagged}
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before


NO_LISTS = ('"work"', '{"a": 1}', "7", "true", '[["a"]]', '["a", null]', '["a", {"b": 1}]')
NO_JSON = ("work,home", "[work]", "{work", '["a", NaN]', '["a", 1e999]')


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        *((kind, written) for kind in ("json", "jsonb", "text") for written in NO_LISTS),
        *(("text", written) for written in NO_JSON),
    ],
)
def test_what_is_no_list_is_never_overwritten(database: Database, kind: str, written: str) -> None:
    """Neither a tag nor the tags of a copy are written over what nobody can read."""
    make_table(database, tags=kind, source_message_ids=kind)
    lists = {"tags": written, "source_message_ids": written}
    add_memory(database, id="m1", updated_at="2026-01-02", access_count=1, **lists)
    before = dump(database, MEMORIES)
    assert _tagged(database, "new") is None
    assert dump(database, MEMORIES) == before
    copies = {"tags": '["b"]', "source_message_ids": "[7]"}
    add_memory(database, id="m2", access_count=2, **copies)
    both = dump(database, MEMORIES)
    _, plan_id = applied(database, planned(database))
    (one,) = memories_in(database).values()
    assert [str(one.image[name]) for name in lists] == [written, written]
    assert one.access_count == 3
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == both


def test_half_a_character_in_a_tag_keeps_nobody_from_tagging(database: Database) -> None:
    """JSON can name half of a pair, which no text can hold: it is written as it was named."""
    add_memory(database, id="m1", tags='["\\ud83d", "a"]', updated_at="2026-01-02")
    add_memory(database, id="m2", tags='["\\ude00"]', source_message_ids='["\\ude00"]')
    before = dump(database, MEMORIES)
    plan_id = _tagged(database, "\u00fc")
    assert _tags(database)["m1"] == '["\\ud83d", "a", "\\u00fc"]'
    applied(database, planned(database))
    assert len(_tags(database)) == 1
    assert plan_id is not None
    assert len(before[MEMORIES]) == 2


def test_lists_of_copies_are_united(database: Database) -> None:
    """What any of them has is there once, numbers as numbers, in the order of its first place."""
    lists = {"tags": '["a", "b"]', "source_message_ids": '[7, "x"]'}
    add_memory(database, id="m1", updated_at="2026-01-02", **lists)
    add_memory(database, id="m2", tags='["b", "c"]', source_message_ids='["7", 8]')
    before = dump(database, MEMORIES)
    _, plan_id = applied(database, planned(database))
    (one,) = memories_in(database).values()
    assert (one.tags, one.source_message_ids) == (("a", "b", "c"), (7, "x", 8))
    assert one.image["source_message_ids"] == '[7, "x", 8]'
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before


ODD = r'"a b","c,d","\"q\" \\ {x}","",NULLs,"null"'


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    ("written", "read", "tagged"),
    [
        ("{work,fun}", ("work", "fun"), "{work,fun,new}"),
        ("{}", (), "{new}"),
        (None, (), "{new}"),
        (f"{{{ODD}}}", ("a b", "c,d", '"q" \\ {x}', "", "NULLs", "null"), f"{{{ODD},new}}"),
        ("{a,NULL}", ("a",), None),
        ("{{a,b},{c,d}}", (), None),
        ("[0:1]={a,b}", (), None),
    ],
)
@pytest.mark.parametrize("kind", ["text[]", "varchar(40)[]"])
def test_tags_may_be_an_array(
    database: Database, kind: str, written: str | None, read: tuple[str, ...], tagged: str | None
) -> None:
    """It is read and written as one; of one that is more than a list, what can be read is known."""
    make_table(database, tags=kind)
    add_memory(database, id="m1", tags=written)
    before = dump(database, MEMORIES)
    memory = memories_in(database)["m1"]
    assert memory.tags == read
    assert memory.is_protected(Policy(protected_tags=frozenset(read[:1]))) is bool(read)
    plan_id = _tagged(database, "new")
    assert _tags(database) == {"m1": tagged or written}
    if plan_id is not None:
        undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before


@ONLY_POSTGRESQL
def test_arrays_of_copies_are_united(database: Database) -> None:
    """Of numbers too; and a winner that has none gets those of the others."""
    make_table(database, tags="text[]", source_message_ids="bigint[]")
    add_memory(database, id="m1", source_message_ids="{7,8}", updated_at="2026-01-02")
    add_memory(database, id="m2", source_message_ids="{8,9}", tags='{"two words",b}')
    before = dump(database, MEMORIES)
    _, plan_id = applied(database, planned(database))
    (one,) = memories_in(database).values()
    assert (one.image["tags"], one.image["source_message_ids"]) == ('{"two words",b}', "{7,8,9}")
    assert one.tags == ("two words", "b")
    undo.undo_plan(database, plan_id, occasion())
    assert dump(database, MEMORIES) == before


def test_a_text_that_looks_like_an_array_stays_one(database: Database) -> None:
    """Whoever keeps tags as PostgreSQL writes arrays, in a column of text, reads them so."""
    make_table(database, tags="text")
    add_memory(database, id="m1", tags='{work,"a b"}')
    assert memories_in(database)["m1"].tags == ("work", "a b")
    _tagged(database, "new")
    assert _tags(database) == {"m1": '{"work","a b","new"}'}
