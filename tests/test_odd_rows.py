"""Odd rows, tables and results: each stops nobody but itself, and undo copes with it."""

import math
from datetime import timedelta
from typing import Any

import pytest
from building import MORNING, NICK, day
from consolidating import ScriptedModel, applied, context, ids, occasion, planned, reply, rows_of
from databases import ATTRIBUTES, PROFILES, add_profile, add_row, dump, is_sqlite, opened, sql
from running import START, World

from llm_maint.contract import JobContext
from llm_maint.domain.reply import Proposal
from llm_maint.domain.runs import Outcome, Success
from llm_maint.errors import SchemaError
from llm_maint.jobs.profile_maintenance import JOB, consolidate
from llm_maint.store import history, plans, queue, undo
from llm_maint.store.database import Database
from llm_maint.store.tables import runs

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@ONLY_POSTGRESQL
def test_nothing_of_ours_is_left_beside_existing_profiles(database_url: str) -> None:
    """An assistant that keeps entity types as text gets no enum type that nobody uses."""
    theirs = opened(database_url)
    for table in (ATTRIBUTES, PROFILES):
        sql(theirs, f"CREATE TABLE {table} (id serial PRIMARY KEY, entity_type text)")
    ours = opened(database_url, schema="llm_maint")
    ours.upgrade(now=MORNING)
    enums = sql(theirs, "SELECT typname FROM pg_type WHERE typtype = 'e'")
    for each in (ours, theirs):
        each.close()
    assert enums == []


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a database with a profile of five rows."""
    add_profile(database, display_name="Nick", summary="as it was")
    add_row(database, "color", '"blue"', confidence=0.9)
    add_row(database, "color", '" Blue"', updated_at="2026-01-02 00:00:00")
    add_row(database, "employer", '"Alder"', confidence=0.9)
    add_row(database, "employer", '"Birch"', updated_at="2026-01-02 00:00:00")
    add_row(database, "greeting", '"good morning"')
    return database


def _apply(database: Database) -> str:
    changes = (Proposal("supersede", "moved", (3, 4)), Proposal("remove", "noise", (5,)))
    return applied(database, planned(database, *changes))[1]


def test_a_summary_written_since_is_rendered_from_the_rows(nick: Database) -> None:
    """Neither the old nor the new text fits, so the summary follows the rows as they are."""
    plan_id = _apply(nick)
    sql(nick, f"UPDATE {PROFILES} SET summary = 'written since'")
    undo.undo_plan(nick, plan_id, occasion(day(31)))
    (summary,) = sql(nick, f"SELECT summary FROM {PROFILES}")[0]
    assert summary == "Nick: color, color, employer, employer, greeting"


def _tidy(asked: dict[str, Any]) -> dict[str, Any]:
    groups = {"supersede": ids(asked, "employer")}
    return reply(asked, groups=groups, remove=ids(asked, "greeting"))


def test_two_at_one_entity_hold_nothing(nick: Database) -> None:
    """A plan whose rows were all changed meanwhile loses nothing, so it is not held."""

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        consolidate(context(nick, ScriptedModel(_tidy)), NICK)
        return _tidy(asked)

    second = consolidate(context(nick, ScriptedModel(script)), NICK)
    assert not second.held
    with nick.read() as connection:
        assert plans.held_plan(connection, NICK) is None


def test_generated_columns_do_not_stop_an_undo(nick: Database) -> None:
    """A column that the database computes follows by itself."""
    kind = "VIRTUAL" if is_sqlite(nick) else "STORED"
    sql(
        nick,
        f"ALTER TABLE {ATTRIBUTES} ADD COLUMN sure boolean "
        f"GENERATED ALWAYS AS (confidence > 0.85) {kind}",
    )
    before = dump(nick, ATTRIBUTES)
    plan_id = _apply(nick)
    undo.undo_plan(nick, plan_id, occasion(day(31)))
    assert dump(nick, ATTRIBUTES) == before


@ONLY_POSTGRESQL
def test_identity_columns_do_not_stop_an_undo(nick: Database) -> None:
    """An id that is GENERATED ALWAYS AS IDENTITY is put back as well."""
    sql(nick, f"ALTER TABLE {ATTRIBUTES} ALTER COLUMN id DROP DEFAULT")
    sql(nick, f"ALTER TABLE {ATTRIBUTES} ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY")
    before = dump(nick, ATTRIBUTES)
    plan_id = _apply(nick)
    undo.undo_plan(nick, plan_id, occasion(day(31)))
    assert dump(nick, ATTRIBUTES) == before


@pytest.mark.parametrize("value", ['"half \\ud800"', '"nul \\u0000"'])
def test_text_that_no_summary_can_hold_stops_nothing(database: Database, value: str) -> None:
    """Such a value in one row does not keep the profile from being consolidated."""
    add_profile(database)
    add_row(database, "odd", value)
    add_row(database, "color", '"blue"')
    add_row(database, "color", '"blue"')
    assert consolidate(context(database), NICK).applied
    assert len(rows_of(database)) == 2


@pytest.mark.parametrize("microsecond", [600, 999])
def test_a_rescued_job_is_due_in_this_very_tick(world: World, microsecond: int) -> None:
    """SQLite compares milliseconds with microseconds, so the rescued job is not due yet."""
    world.add("a")
    with world.database.write() as connection:
        queue.claim_next(connection, now=START, due_by=START, lease=timedelta(minutes=2), host="x")
    world.now = START + timedelta(minutes=2, microseconds=microsecond)
    assert world.tick() == {"a": "success"}


@pytest.mark.parametrize(
    "result",
    [{"at": START}, {"rows": {1, 2}}, {"share": math.nan}, {b"x": 1}],
    ids=["a time", "a set", "NaN", "a key of bytes"],
)
def test_a_result_that_cannot_be_stored_stops_nobody(
    world: World,
    result: Any,  # noqa: ANN401 what a package may return
) -> None:
    """What is no JSON becomes text; the claim is given back, and the next job runs."""
    world.add("a", lambda _: Success(result))
    world.add("b")
    statuses = world.tick()
    assert statuses["b"] == "success"
    assert world.jobs()["a"].claim_run_id is None


def test_a_job_that_returns_no_outcome_stops_nobody(world: World) -> None:
    """A job type whose `run` forgets to return fails alone."""

    def nothing(_: JobContext) -> Outcome:
        return None  # type: ignore[return-value]

    world.add("a", nothing)
    world.add("b")
    assert world.tick() == {"a": "failed", "b": "success"}


def test_a_schema_that_cannot_be_made_is_explained(database_url: str) -> None:
    """Another table of ours made by somebody else is refused like `scheduled_jobs`."""
    fresh = opened(database_url)
    sql(fresh, "CREATE TABLE maintenance_plans (id integer PRIMARY KEY)")
    try:
        with pytest.raises(SchemaError, match="maintenance_plans"):
            fresh.upgrade(now=MORNING)
    finally:
        fresh.close()


def test_a_row_of_an_odd_interval_stops_nobody(world: World) -> None:
    """A hand-written interval that is no number does not end every tick."""
    world.add("a")
    world.add("b")
    if is_sqlite(world.database):
        sql(world.database, "UPDATE scheduled_jobs SET interval_minutes = 'often' WHERE id = '01'")
    assert world.tick()["b"] == "success"


def test_a_row_of_an_odd_time_stops_nobody(world: World) -> None:
    """A hand-written time that is none does not end every tick."""
    world.add("a")
    world.add("b")
    if is_sqlite(world.database):
        sql(world.database, "UPDATE scheduled_jobs SET last_run_at = 'yesterday' WHERE id = '01'")
        sql(world.database, "UPDATE scheduled_jobs SET next_run_at = 'soon' WHERE id = '01'")
    assert world.tick()["b"] == "success"
    with world.database.read() as connection:
        queue.next_due_at(connection)


@ONLY_SQLITE
def test_bytes_that_are_no_utf8_are_read(nick: Database) -> None:
    """A text column of SQLite may hold bytes that are no UTF-8; the row is served all the same."""
    sql(nick, f"UPDATE {ATTRIBUTES} SET source_message_id = CAST(x'ff41' AS text) WHERE id = 5")
    assert len(rows_of(nick)) == 5


@ONLY_POSTGRESQL
def test_an_infinite_time_fails_its_own_entity(database: Database) -> None:
    """One row with `infinity` must not stop the entities beside it."""
    add_row(database, "a", '"x"', updated_at="infinity")
    for _ in range(2):
        add_row(database, "color", '"blue"', entity_id="zoe")
    JOB.run(context(database))
    assert sql(database, f"SELECT count(*) FROM {ATTRIBUTES} WHERE entity_id = 'zoe'") == [(1,)]


@ONLY_SQLITE
def test_an_odd_time_fails_its_own_entity(database: Database) -> None:
    """The same on SQLite, where any text may stand in a time column."""
    add_row(database, "a", '"x"', updated_at="zzz")
    for _ in range(2):
        add_row(database, "color", '"blue"', entity_id="zoe")
    JOB.run(context(database))
    assert sql(database, f"SELECT count(*) FROM {ATTRIBUTES} WHERE entity_id = 'zoe'") == [(1,)]


def test_a_run_is_found_among_many_of_one_start(database: Database) -> None:
    """A whole id is found although two others begin with it."""
    with database.write() as connection:
        for run_id in ("100", "10", "101", "1"):
            connection.execute(
                runs.insert().values(
                    id=run_id,
                    job_id="a",
                    status="success",
                    started_at=START,
                    attempt=1,
                    trigger="due",
                )
            )
    with database.read() as connection:
        assert history.find_run(connection, "1").id == "1"


def test_runs_without_a_start_do_not_hide_the_newest(database: Database) -> None:
    """A hand-made run without a time is not the newest on one database and oldest on the other."""
    with database.write() as connection:
        connection.execute(
            runs.insert().values(id="none", job_id="a", status="success", attempt=1, trigger="due")
        )
        connection.execute(
            runs.insert().values(
                id="dated", job_id="a", status="success", started_at=START, attempt=1, trigger="due"
            )
        )
    with database.read() as connection:
        assert [run.id for run in history.tail(connection, limit=1)] == ["dated"]
