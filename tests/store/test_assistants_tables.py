"""The tables of real assistants: columns that are missing, triggers, foreign keys, locks."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from building import MORNING, NICK, day
from claiming import claim_next
from consolidating import ScriptedModel, applied, context, ids, occasion, planned, reply, rows_of
from databases import ATTRIBUTES, PROFILES, add_profile, add_row, dump, is_sqlite, opened, sql

from llm_maint.applying import apply_held
from llm_maint.domain.entity import Entity
from llm_maint.domain.firing import Timing
from llm_maint.domain.reply import Proposal
from llm_maint.domain.runs import Success
from llm_maint.domain.schedule import Every
from llm_maint.domain.settlement import settle
from llm_maint.domain.transfer import read_rows
from llm_maint.errors import DatabaseBusyError, DataError, PlanRefusedError, SchemaError
from llm_maint.rounds import consolidate
from llm_maint.store import claims, job_edits, jobs, plans, profiles, queue, undo
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.edits import import_rows
from llm_maint.store.listing import ScheduledJob
from llm_maint.store.tables import jobs as scheduled_jobs

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LEASE = timedelta(minutes=2)


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a database with a profile of which a tidy model changes half."""
    add_row(database, "color", '"blue"')
    add_row(database, "color", '" Blue"', updated_at="2026-01-02 00:00:00")
    add_row(database, "employer", '"Alder"')
    add_row(database, "employer", '"Birch"', updated_at="2026-01-02 00:00:00")
    add_row(database, "greeting", '"good morning"')
    return database


def _tidied(database: Database) -> str:
    return applied(database, planned(database, Proposal("remove", "noise", (5,))))[1]


@pytest.mark.parametrize("column", ["updated_at", "created_at", "confidence", "source"])
def test_a_table_without_a_column_is_maintained(nick: Database, column: str) -> None:
    """An older assistant may lack a column: its rows are listed, folded and put back."""
    sql(nick, f"ALTER TABLE {ATTRIBUTES} DROP COLUMN {column}")
    before = dump(nick, ATTRIBUTES)
    with nick.read() as connection:
        assert [each.entity for each in profiles.entities(connection)] == [NICK]
    done = consolidate(context(nick), NICK)
    assert len(rows_of(nick)) == 4
    assert done.plan_id is not None
    undo.undo_plan(nick, done.plan_id, occasion(day(31)))
    assert dump(nick, ATTRIBUTES) == before


@ONLY_POSTGRESQL
@pytest.mark.parametrize("table", [ATTRIBUTES, PROFILES])
def test_a_table_without_ids_is_refused_in_a_line(nick: Database, table: str) -> None:
    """Without an id no row could be told from its copy, or put back."""
    sql(nick, f"ALTER TABLE {table} DROP COLUMN id")
    with pytest.raises(SchemaError, match="no column id"):
        _tidied(nick)


def _add_trigger(database: Database) -> None:
    if is_sqlite(database):
        sql(
            database,
            f"CREATE TRIGGER touch AFTER UPDATE OF created_at ON {ATTRIBUTES} BEGIN "
            f"UPDATE {ATTRIBUTES} SET updated_at = '2026-06-06' WHERE id = new.id; END",
        )
        return
    sql(
        database,
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.updated_at = timestamp '2026-06-06'; RETURN NEW; END $$",
    )
    sql(
        database,
        f"CREATE TRIGGER touch BEFORE UPDATE ON {ATTRIBUTES} FOR EACH ROW EXECUTE FUNCTION touch()",
    )


def test_what_a_trigger_writes_is_known_and_told(database: Database) -> None:
    """The journal holds the row as it then is, and undo says which columns are not as before."""
    add_row(database, "color", '"blue"', created_at="2025-01-01 00:00:00")
    add_row(database, "color", '"blue"', updated_at="2026-01-02 00:00:00")
    _add_trigger(database)
    plan_id = consolidate(context(database), NICK).plan_id
    assert plan_id is not None
    assert consolidate(context(database), NICK).unchanged
    undone = undo.undo_plan(database, plan_id, occasion(day(31)))
    assert undone.altered == {"2": ("updated_at",)}
    assert len(rows_of(database)) == 2


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_rows_are_not_deleted_where_that_would_change_others(nick: Database, action: str) -> None:
    """What a cascade takes along is in no journal, so nothing is deleted at all."""
    sql(
        nick,
        "CREATE TABLE mentions (id integer PRIMARY KEY, attribute integer "
        f"REFERENCES {ATTRIBUTES} (id) ON DELETE {action})",
    )
    sql(nick, "INSERT INTO mentions VALUES (1, 5)")
    before = dump(nick, ATTRIBUTES, "mentions")
    with pytest.raises(SchemaError, match="mentions refers to"):
        _tidied(nick)
    assert dump(nick, ATTRIBUTES, "mentions") == before


def test_a_foreign_key_that_forbids_is_obeyed(nick: Database) -> None:
    """A row that another table needs stays, and the error is one line."""
    sql(nick, f"CREATE TABLE mentions (attribute integer REFERENCES {ATTRIBUTES} (id))")
    sql(nick, "INSERT INTO mentions VALUES (5)")
    with pytest.raises(DataError, match="refused"):
        _tidied(nick)
    assert len(rows_of(nick)) == 5


@ONLY_POSTGRESQL
def test_a_view_is_maintained_as_far_as_it_can_be_written(nick: Database) -> None:
    """Undo of a view with a constant is refused in a line, and works once a trigger inserts."""
    sql(nick, f"ALTER TABLE {ATTRIBUTES} RENAME TO facts")
    names = "id, entity_id, category, key, value, confidence, source, created_at, updated_at"
    sql(nick, f"CREATE VIEW {ATTRIBUTES} AS SELECT 'user'::text AS entity_type, {names} FROM facts")
    before = dump(nick, "facts")
    plan_id = _tidied(nick)
    with pytest.raises(SchemaError, match="INSTEAD OF"):
        undo.undo_plan(nick, plan_id, occasion(day(31)))
    new = ", ".join(f"NEW.{name}" for name in names.split(", "))
    sql(
        nick,
        "CREATE FUNCTION add_fact() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"INSERT INTO facts (entity_type, {names}) VALUES ('USER', {new}); RETURN NEW; END $$",
    )
    sql(
        nick,
        f"CREATE TRIGGER add_fact INSTEAD OF INSERT ON {ATTRIBUTES} "
        "FOR EACH ROW EXECUTE FUNCTION add_fact()",
    )
    undo.undo_plan(nick, plan_id, occasion(day(31)))
    assert dump(nick, "facts") == before


@ONLY_POSTGRESQL
def test_an_import_is_never_cut_to_fit(database: Database) -> None:
    """A text longer than its column is refused, not shortened without a word."""
    sql(database, f"ALTER TABLE {ATTRIBUTES} ALTER COLUMN key TYPE varchar(20)")
    with pytest.raises(DataError, match="too long"):
        _import(database, key="a_key_that_is_longer_than_the_column")
    assert rows_of(database) == []


def test_an_import_says_which_column_there_is_not(database: Database) -> None:
    """What a row says is kept or refused, never dropped."""
    sql(database, f"ALTER TABLE {ATTRIBUTES} DROP COLUMN source_message_id")
    with pytest.raises(SchemaError, match="source_message_id"):
        _import(database, source_message_id="m1")
    _import(database)
    assert len(rows_of(database)) == 1


def _import(database: Database, **fields: str) -> None:
    import json

    row = {"category": "fact", "key": "color", "value": "blue", **fields}
    rows = read_rows(json.dumps([row]), name="rows.json", entity=NICK)
    with database.write() as connection:
        import_rows(connection, NICK, rows, occasion())


def test_an_entity_in_capitals_is_found(database: Database) -> None:
    """An id that an assistant did not lower-case is meant by its lower-case name."""
    for _ in range(2):
        add_row(database, "color", '"blue"', entity_id="Nick")
    with database.read() as connection:
        found = profiles.known_entity(connection, Entity.named("NICK"))
    assert found == Entity("user", "Nick")

    def hostile(asked: dict[str, Any]) -> dict[str, Any]:
        return reply(asked, remove=ids(asked, "hobby"))

    for number in range(4):
        add_row(database, "hobby", f'"hobby {number}"', entity_id="Nick")
    held = consolidate(context(database, ScriptedModel(hostile)), found)
    assert held.held
    with database.read() as connection:
        stored = plans.find_plan(connection, str(held.plan_id))
    assert apply_held(context(database), stored).applied
    assert sql(database, f"SELECT count(*) FROM {ATTRIBUTES}") == [(1,)]


def test_a_held_plan_whose_rows_have_all_changed_is_outdated(database: Database) -> None:
    """Nothing is left to apply: that is said, and the plan no longer waits."""
    for number in range(5):
        add_row(database, "hobby", f'"hobby {number}"')
    model = ScriptedModel(lambda asked: reply(asked, remove=ids(asked, "hobby")))
    held = consolidate(context(database, model), NICK)
    sql(database, f"UPDATE {ATTRIBUTES} SET confidence = 0.1")
    with database.read() as connection:
        stored = plans.find_plan(connection, str(held.plan_id))
    with pytest.raises(PlanRefusedError, match="outdated"):
        apply_held(context(database), stored)
    with database.read() as connection:
        assert plans.find_plan(connection, stored.id).status == plans.OUTDATED
    assert len(rows_of(database)) == 5


def test_an_import_that_is_undone_leaves_the_summary_too(nick: Database) -> None:
    """The summary says what the surviving rows say."""
    add_profile(nick)
    consolidate(context(nick), NICK)
    _import(nick, key="secret")
    consolidate(context(nick), NICK)
    with nick.read() as connection:
        imported = next(p for p in plans.list_plans(connection, limit=9) if p.kind == plans.IMPORT)
    assert "secret" in str(sql(nick, f"SELECT summary FROM {PROFILES}"))
    undo.undo_plan(nick, imported.id, occasion(day(31)))
    assert "secret" not in str(sql(nick, f"SELECT summary FROM {PROFILES}"))


@ONLY_POSTGRESQL
def test_a_lock_is_not_waited_for_without_end(database: Database, database_url: str) -> None:
    """Another session that holds a row costs the time-out, then the error of a busy database."""
    add_row(database, "color", '"blue"')
    add_row(database, "color", '"blue"')
    impatient = Database.at(database_url, place="here", schema="", timeout=1)
    engine = sa.create_engine(database.engine.url)
    with engine.connect() as other:
        other.execute(sa.text(f"UPDATE {ATTRIBUTES} SET confidence = 0.5"))
        with pytest.raises(DatabaseBusyError, match="locked"):
            consolidate(context(impatient), NICK)
    engine.dispose()
    impatient.close()
    assert len(rows_of(database)) == 2


@ONLY_POSTGRESQL
def test_the_isolation_is_ours_whatever_the_server_prefers(database: Database) -> None:
    """Under a server's stricter default two ticks at once would be told to try again."""
    name = sql(database, "SELECT current_database()")[0][0]
    sql(database, f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    fresh = opened(database.engine.url.render_as_string(hide_password=False))
    with fresh.write() as connection:
        level = connection.execute(sa.text("SHOW transaction_isolation")).scalar_one()
    fresh.close()
    assert level == "read committed"


@ONLY_POSTGRESQL
@pytest.mark.parametrize(("time", "claimed"), [("-infinity", True), ("infinity", False)])
def test_a_job_of_an_infinite_time_hides_no_other(
    database: Database, time: str, *, claimed: bool
) -> None:
    """`infinity` is never, `-infinity` is now; both are listed, and a run mends the second."""
    _add_job(database)
    sql(database, "UPDATE scheduled_jobs SET next_run_at = CAST(:time AS timestamptz)", time=time)
    with database.write() as connection:
        claim = claim_next(connection, now=MORNING, due_by=MORNING, lease=LEASE, host="here")
        assert (claim is not None) == claimed
        assert len(jobs.all_jobs(connection)) == 1
        if claim is not None:
            claims.record(
                source_of(connection), claim, settle(claim, Success(), now=MORNING), now=MORNING
            )
            assert jobs.all_jobs(connection)[0].next_run_at == MORNING + timedelta(hours=1)


def _add_job(database: Database) -> ScheduledJob:
    with database.write() as connection:
        return job_edits.add_job(
            connection,
            job_type="history_pruning",
            name="nightly",
            timing=Timing(schedule=Every(timedelta(hours=1))),
            bot_id=None,
            config={},
            now=MORNING,
        )


def test_a_time_that_is_set_while_the_job_runs_is_kept(database: Database) -> None:
    """Who wants the job run again says so by its time, and is not overwritten at the end."""
    _add_job(database)
    with database.write() as connection:
        claim = claim_next(connection, now=MORNING, due_by=MORNING, lease=LEASE, host="here")
    assert claim is not None
    wanted = MORNING - timedelta(minutes=1)
    with database.write() as connection:
        connection.execute(sa.update(scheduled_jobs).values(next_run_at=wanted))
    with database.write() as connection:
        claims.record(
            source_of(connection), claim, settle(claim, Success(), now=MORNING), now=MORNING
        )
        assert jobs.all_jobs(connection)[0].next_run_at == wanted


def test_an_interval_beyond_the_calendar_ends_well(database: Database) -> None:
    """A job of an absurd interval runs once, and no tick after it stumbles over it."""
    _add_job(database)
    most = 5_000_000_000 if is_sqlite(database) else 2_000_000_000
    sql(database, f"UPDATE scheduled_jobs SET interval_minutes = {most}")
    with database.write() as connection:
        claim = claim_next(connection, now=MORNING, due_by=MORNING, lease=LEASE, host="here")
        assert claim is not None
        claims.record(
            source_of(connection), claim, settle(claim, Success(), now=MORNING), now=MORNING
        )
        assert queue.next_due_at(source_of(connection)) is not None


def test_ids_that_are_digits_stay_apart(database: Database) -> None:
    """Ids of text may look like one number and be two."""
    sql(database, f"DROP TABLE {ATTRIBUTES}")
    sql(
        database,
        f"CREATE TABLE {ATTRIBUTES} (id varchar(9) PRIMARY KEY, entity_type text, entity_id text, "
        "category text, key text, value text)",
    )
    for row_id in ("007", "7"):
        sql(
            database,
            f"INSERT INTO {ATTRIBUTES} VALUES (:id, 'USER', 'nick', 'fact', 'color', '\"blue\"')",
            id=row_id,
        )
    assert consolidate(context(database), NICK).plan.accounting()["merged"] == 1
