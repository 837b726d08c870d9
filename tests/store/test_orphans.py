"""Orphans: memories whose source messages are all gone from the assistant's own table."""

import json

import pytest
from consolidating import context, occasion, settings
from databases import dump, sql
from remembering import MEMORIES, NOVA, add_memory, memories_in

from llm_maint.errors import ConfigurationError
from llm_maint.fading import fade
from llm_maint.store import orphans
from llm_maint.store.database import Database
from llm_maint.store.undo import undo_plan

UUIDS = [f"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1{number}" for number in range(3)]


def _orphans(database: Database, table: str) -> set[str] | None:
    found = memories_in(database).values()
    with database.read() as connection:
        known = orphans.orphans_of(connection, found, table=table)
    return None if known is None else set(known)


def _messages(database: Database, kind: str, *ids: object, name: str = "messages") -> None:
    sql(database, f"CREATE TABLE {name} (id {kind}, body text)")
    for each in ids:
        sql(database, f"INSERT INTO {name} (id) VALUES ('{each}')")


@pytest.mark.parametrize(
    ("kind", "ids"),
    [("integer", [1, 2, 3]), ("varchar(9)", ["a", "\u00fc", "c d"]), ("uuid", UUIDS)],
)
def test_a_memory_is_an_orphan_where_all_its_messages_are_gone(
    database: Database, kind: str, ids: list[object]
) -> None:
    """It is none as long as one of them is left, or where it has never named any."""
    _messages(database, kind, *ids[:2])
    named = {"left": ids[:1], "half": ids[1:], "gone": ids[2:], "none": []}
    for row_id, messages in named.items():
        add_memory(database, id=row_id, source_message_ids=json.dumps(messages))
    add_memory(database, id="null")
    add_memory(database, id="odd", source_message_ids='{"a": 1}')
    assert _orphans(database, "messages") == {"gone"}


def test_numbers_and_their_texts_name_one_message(database: Database) -> None:
    """An assistant may have kept either."""
    _messages(database, "integer", 7)
    add_memory(database, id="number", source_message_ids="[7]")
    add_memory(database, id="text", source_message_ids='["7"]')
    add_memory(database, id="other", source_message_ids='["07"]')
    assert _orphans(database, "messages") == {"other"}


def test_without_a_table_nobody_knows(database: Database) -> None:
    """That is said as such, and not as "none"."""
    add_memory(database, source_message_ids="[7]")
    assert _orphans(database, "") is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("mesages", "memory.messages_table: no table 'mesages'; did you mean 'messages'?"),
        ("keyless", "memory.messages_table: keyless has no column id"),
    ],
)
def test_a_table_that_is_none_is_a_setting_to_mend(
    database: Database, table: str, message: str
) -> None:
    """The message names the setting, and the nearest table."""
    _messages(database, "integer")
    sql(database, "CREATE TABLE keyless (body text)")
    with pytest.raises(ConfigurationError) as raised:
        _orphans(database, table)
    assert str(raised.value) == message


def test_a_table_of_messages_may_have_an_odd_name(database: Database) -> None:
    """It is named in the settings as it is in the database."""
    _messages(database, "integer", 7, name='"Chat messages"')
    add_memory(database, id="m1", source_message_ids="[8]")
    assert _orphans(database, "Chat messages") == {"m1"}


def test_orphans_are_pruned_and_brought_back(database: Database) -> None:
    """The table of messages is read in the transaction that prunes; all comes back to the byte."""
    _messages(database, "integer", 7)
    for row_id, number in (("left", 7), ("gone", 8)):
        old = {"created_at": "2020-01-01 00:00:00", "updated_at": "2020-01-01 00:00:00"}
        ids = json.dumps([number])
        add_memory(database, id=row_id, source_message_ids=ids, importance=0.1, **old)
    before = dump(database, MEMORIES)
    prunes = {"prune": True, "prune_orphans": True, "messages_table": "messages"}
    pruned = fade(context(database, settings=settings(llm={}, memory=prunes)), NOVA)
    assert pruned["pruned"] > 0
    assert "gone" not in memories_in(database)
    undo_plan(database, str(pruned["plan_id"]), occasion())
    assert dump(database, MEMORIES) == before
