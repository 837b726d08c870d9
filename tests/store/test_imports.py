"""Imports: all rows or none, in the assistant's own form, and undoable."""

import json
from datetime import datetime
from typing import Any

import pytest
from building import MORNING, NICK, day
from consolidating import NOW, applied, occasion, planned, rows_of
from databases import ATTRIBUTES, PROFILES, add_profile, dump, is_sqlite, sql

from llm_maint.domain.entity import Entity
from llm_maint.domain.transfer import NewAttribute, export_row, read_rows
from llm_maint.errors import DataError, PlanRefusedError, SchemaError
from llm_maint.store import edits, undo
from llm_maint.store.database import Database

ZOE = Entity("bot", "zoe")


def _row(key: str, value: Any = "blue", **fields: Any) -> NewAttribute:  # noqa: ANN401 any JSON
    given: dict[str, Any] = {
        "line": 1,
        "entity": NICK,
        "category": "fact",
        "confidence": None,
        "source": None,
        "source_message_id": None,
        "created_at": None,
        "updated_at": None,
        **fields,
    }
    return NewAttribute(key=key, value=value, **given)


def _import(database: Database, *rows: NewAttribute, entity: Entity = NICK) -> str:
    with database.write() as connection:
        return edits.import_rows(connection, entity, rows, occasion())


@pytest.mark.parametrize(
    "value",
    ["blue", "", 0, -1.5, True, None, [], {"a": [1, None]}, "é \U0001f600 \\ \" '", "null", "1.10"],
    ids=repr,
)
def test_a_value_comes_back_as_it_was(database: Database, value: object) -> None:
    """Any JSON value is kept, with its type: a text that looks like a number is a text."""
    _import(database, _row("key", value))
    (row,) = rows_of(database)
    assert (row.value, type(row.value)) == (value, type(value))


def test_every_field_is_kept(database: Database) -> None:
    """What the file says is what the row says, the times to the microsecond."""
    created, updated = MORNING.replace(microsecond=123_456), day(2)
    _import(
        database,
        _row(
            "key",
            category="health",
            confidence=0.1,
            source="explicit",
            source_message_id="m1",
            created_at=created,
            updated_at=updated,
        ),
    )
    (row,) = rows_of(database)
    assert (row.category, row.key, row.confidence) == ("health", "key", 0.1)
    assert (row.source, row.source_message_id) == ("explicit", "m1")
    assert (row.created_at, row.updated_at) == (created, updated)


@pytest.mark.parametrize(
    ("created", "updated", "expected"),
    [
        (None, None, (NOW, NOW)),
        (day(1), None, (day(1), day(1))),
        (None, day(2), (day(2), day(2))),
    ],
)
def test_a_missing_time_is_the_other_one_or_now(
    database: Database,
    created: datetime | None,
    updated: datetime | None,
    expected: tuple[datetime, datetime],
) -> None:
    """A row is never updated before it was created."""
    _import(database, _row("key", created_at=created, updated_at=updated))
    (row,) = rows_of(database)
    assert (row.created_at, row.updated_at) == expected


def test_an_entity_without_a_profile_gets_one(database: Database) -> None:
    """The assistant finds the entity as if it had made it: labels in upper case."""
    _import(database, _row("key", entity=ZOE), entity=ZOE)
    _import(database, _row("other", entity=ZOE), entity=ZOE)
    assert sql(database, f"SELECT CAST(entity_type AS text), entity_id FROM {PROFILES}") == [
        ("BOT", "zoe")
    ]
    assert sql(database, f"SELECT CAST(entity_type AS text), entity_id FROM {ATTRIBUTES}") == [
        ("BOT", "zoe"),
        ("BOT", "zoe"),
    ]


def test_a_profile_that_needs_more_than_we_know_is_not_made(database: Database) -> None:
    """Where a profile has required columns of its own, the rows come in without one."""
    sql(database, f"DROP TABLE {PROFILES}")
    sql(
        database,
        f"CREATE TABLE {PROFILES} "
        "(id integer, entity_type text, entity_id text, pet text NOT NULL)",
    )
    _import(database, _row("key"))
    assert sql(database, f"SELECT 1 FROM {PROFILES}") == []
    assert len(rows_of(database)) == 1


def test_an_import_is_undone_whole_and_again(database: Database) -> None:
    """Undo takes the rows and the profile away, undo of the undo brings them back to the byte."""
    empty = dump(database, ATTRIBUTES, PROFILES)
    plan_id = _import(database, _row("a"), _row("b", [1, 2.50]))
    full = dump(database, ATTRIBUTES, PROFILES)
    undone = undo.undo_plan(database, plan_id, occasion())
    assert dump(database, ATTRIBUTES, PROFILES) == empty
    undo.undo_plan(database, undone.plan_id, occasion())
    assert dump(database, ATTRIBUTES, PROFILES) == full


def test_an_import_into_a_profile_leaves_the_rest(database: Database) -> None:
    """Undo takes away what the import brought, and nothing else."""
    add_profile(database, display_name="Nick")
    _import(database, _row("old"))
    before = dump(database, ATTRIBUTES, PROFILES)
    undo.undo_plan(database, _import(database, _row("new")), occasion())
    assert dump(database, ATTRIBUTES, PROFILES) == before


def test_an_import_that_was_consolidated_since_is_not_undone_unasked(database: Database) -> None:
    """Its rows are not what it brought any more; `--force` takes away those that are left."""
    plan_id = _import(database, _row("a"), _row("a", confidence=0.5), _row("b"))
    applied(database, planned(database))
    with pytest.raises(PlanRefusedError, match="--force"):
        undo.undo_plan(database, plan_id, occasion())
    undo.undo_plan(database, plan_id, occasion(), force=True)
    assert rows_of(database) == []


def test_an_import_is_all_or_nothing(database: Database) -> None:
    """A row that the database refuses takes all others with it, those of other entities too."""
    sql(database, f"CREATE UNIQUE INDEX one_key ON {ATTRIBUTES} (entity_id, key)")
    before = dump(database)
    files = {ZOE: [_row("a", entity=ZOE)], NICK: [_row("a"), _row("b"), _row("a")]}

    def import_all() -> None:
        with database.write() as connection:
            for entity, rows in files.items():
                edits.import_rows(connection, entity, rows, occasion())

    with pytest.raises(DataError, match="refused a value"):
        import_all()
    assert dump(database) == before


def test_a_table_that_cannot_hold_a_row_is_refused(database: Database) -> None:
    """Nothing that a row says is dropped in silence."""
    sql(database, f"ALTER TABLE {ATTRIBUTES} DROP COLUMN category")
    before = dump(database)
    with pytest.raises(SchemaError, match=f"{ATTRIBUTES} has no column category"):
        _import(database, _row("a"))
    assert dump(database) == before


def test_what_is_exported_can_be_imported(database: Database) -> None:
    """Export, empty the table, import: the same rows again, but for their ids."""
    _import(database, _row("a", [1, {"b": None}], confidence=0.25), _row("b", 'a "b"', source="x"))
    rows = rows_of(database)
    exported = json.dumps([export_row(row, NICK) for row in rows])
    sql(database, f"DELETE FROM {ATTRIBUTES}")
    _import(database, *read_rows(exported, name="export.json", entity=None))
    again = rows_of(database)
    assert [{**row.image, "id": 0} for row in again] == [{**row.image, "id": 0} for row in rows]
    assert {row.id for row in again}.isdisjoint(row.id for row in rows)
    assert is_sqlite(database) == isinstance(again[0].image["id"], int)
