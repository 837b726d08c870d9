"""What a person sets and removes: undone without a cascade, worn by nobody, kept by the server."""

from dataclasses import replace

import pytest
from building import NICK
from consolidating import applied, occasion, planned, rows_of
from databases import ATTRIBUTES, add_row, is_sqlite, sql

from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.transfer import NewAttribute, row_of
from llm_maint.errors import DataError, MaintError, SchemaError
from llm_maint.store import edits, undo
from llm_maint.store.database import Database
from llm_maint.store.wear import wear_of

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _new(key: str, value: str) -> NewAttribute:
    return row_of({"category": "fact", "key": key, "value": value}, NICK)


def _set(database: Database, key: str, value: str) -> str:
    before = next((row for row in rows_of(database) if row.key == key), None)
    with database.write() as connection:
        _, plan_id = edits.set_row(connection, before, _new(key, value), occasion())
    assert plan_id is not None
    return plan_id


def test_undo_of_what_was_inserted_sets_off_no_cascade(database: Database) -> None:
    """What another table would lose with the row is in no journal."""
    plan_id = _set(database, "tea", "green")
    sql(
        database,
        f"CREATE TABLE refs (attribute_id INTEGER REFERENCES {ATTRIBUTES}(id) ON DELETE CASCADE)",
    )
    sql(database, f"INSERT INTO refs SELECT id FROM {ATTRIBUTES}")
    with pytest.raises(SchemaError, match="refs"):
        undo.undo_plan(database, plan_id, occasion())
    assert len(sql(database, "SELECT * FROM refs")) == len(rows_of(database)) == 1


@pytest.mark.parametrize("what", ["insert", "update"])
def test_a_row_that_a_trigger_keeps_out_is_a_plain_error(database: Database, what: str) -> None:
    """Not a bug of ours, and not worth another try; nothing is written."""
    if what == "update":
        _set(database, "tea", "green")
    _ignoring(database, what)
    with pytest.raises(DataError, match="a trigger"):
        _set(database, "tea", "black")
    assert [row.value for row in rows_of(database)] == ["green"] * (what == "update")


def _ignoring(database: Database, what: str) -> None:
    if is_sqlite(database):
        keep = f"BEFORE {what} ON {ATTRIBUTES} BEGIN SELECT RAISE(IGNORE); END"
        sql(database, f"CREATE TRIGGER keep_out {keep}")
        return
    body = "BEGIN RETURN NULL; END"
    sql(database, f"CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
    when = f"BEFORE {what} ON {ATTRIBUTES} FOR EACH ROW EXECUTE FUNCTION nothing()"
    sql(database, f"CREATE TRIGGER keep_out {when}")


@ON_POSTGRESQL
def test_a_server_that_lets_nobody_write_is_obeyed(database: Database) -> None:
    """Also after a transaction of ours that only read."""
    name = database.engine.url.database
    sql(database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    database.engine.dispose()
    rows_of(database)
    with pytest.raises(MaintError, match="read-only"):
        _set(database, "tea", "green")


def _rewritten(database: Database) -> str:
    """Write a model's text into the rows `hobby`; return the plan's id."""
    first, second = rows_of(database)[:2]
    text = f"{first.value} and {second.value}"
    image = {**second.image, "value": f'"{text}"'}
    after = replace(second, value=text, image=image)
    op = Operation(op=Op.MERGE, reason="", row_ids=(second.id, first.id), after=after)
    _, plan_id = applied(database, replace(planned(database), operations=(op,)))
    return plan_id


def test_wear_is_undone_with_what_wore(database: Database) -> None:
    """Undo counts a text as not written, undo of undo as written; a person's text is as new."""
    add_row(database, "hobby", '"hiking"')
    add_row(database, "hobby", '"reading"')

    def wear() -> list[int]:
        with database.read() as connection:
            found = wear_of(connection, NICK, {row.id for row in rows_of(database)})
        return [times for times in found.values() if times]

    plan_id = _rewritten(database)
    assert wear() == [1]
    undone = undo.undo_plan(database, plan_id, occasion()).plan_id
    assert wear() == []
    undo.undo_plan(database, undone, occasion())
    assert wear() == [1]
    _set(database, "hobby", "chess")
    assert wear() == []


def test_a_table_without_confidence_takes_what_is_said(database: Database) -> None:
    """Only what is said and cannot be kept is refused."""
    sql(database, f"ALTER TABLE {ATTRIBUTES} DROP COLUMN confidence")
    _set(database, "tea", "green")
    (row,) = rows_of(database)
    assert (row.value, row.source, row.confidence) == ("green", "explicit", None)
    unsure = replace(_new("tea", "black"), confidence=0.5)
    with pytest.raises(SchemaError, match="no column confidence"), database.write() as connection:
        edits.set_row(connection, row, unsure, occasion())


@ON_POSTGRESQL
def test_a_dry_run_finds_what_only_the_end_would_refuse(database: Database) -> None:
    """A constraint that is checked at commit is checked before a dry run says yes."""
    plan_id = _set(database, "tea", "green")
    reference = f"REFERENCES {ATTRIBUTES}(id) DEFERRABLE INITIALLY DEFERRED"
    sql(database, f"CREATE TABLE refs (attribute_id INTEGER {reference})")
    sql(database, f"INSERT INTO refs SELECT id FROM {ATTRIBUTES}")
    with pytest.raises(MaintError, match="foreign key"):
        undo.undo_plan(database, plan_id, occasion(), dry_run=True)
