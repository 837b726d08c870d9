"""The past in numbers: the runs of a window, and what became of rows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from building import MORNING, NICK
from databases import is_sqlite, sql

from llm_maint.domain.run_facts import RunFacts, Size
from llm_maint.store import past
from llm_maint.store.database import Database
from llm_maint.store.past import HEADS
from llm_maint.store.plans import APPLIED, CONSOLIDATION, UNDONE, StoredPlan, store_plan
from llm_maint.store.profiles import PROFILES

RESULT = {
    "entities": [
        {"entity_type": "user", "entity_id": "nick", "attributes_after": 13, "error": None},
        {"entity_type": "bot", "entity_id": "nova", "attributes_after": None, "error": "no"},
    ],
    "accounting": {"kept": 13, "merged": 1, "removed": 0},
    "llm": {"calls": 3, "prompt_tokens": 100, "completion_tokens": 20},
}


def _run(database: Database, number: int, *, hours: float, **columns: Any) -> None:  # noqa: ANN401
    moment = MORNING + timedelta(hours=hours)
    text = moment.strftime("%Y-%m-%d %H:%M:%S.%f") + ("" if is_sqlite(database) else "+00")
    values = {"id": f"{number:04}", "job_id": "j", "status": "success", "at": text, **columns}
    cast = "CAST(:result AS jsonb)" if not is_sqlite(database) else ":result"
    sql(
        database,
        "INSERT INTO job_runs (id, job_id, job_name, status, started_at, duration_ms, result_json) "
        f"VALUES (:id, :job_id, 'nightly', :status, :at, 7, {cast})",
        **{"result": None, **values},
    )


def _facts(database: Database, *, hours: float) -> list[RunFacts]:
    with database.brief(writes=False) as source:
        return list(past.facts_since(source, MORNING + timedelta(hours=hours)))


def test_a_run_is_told_in_numbers(database: Database) -> None:
    """Tokens, rows by operation, and how large each entity was left."""
    _run(database, 1, hours=0, result=json.dumps(RESULT))
    (facts,) = _facts(database, hours=0)
    assert (facts.job_name, facts.status, facts.duration_ms) == ("nightly", "success", 7)
    assert (facts.calls, facts.tokens, facts.rows) == (3, 120, {"merged": 1})
    assert facts.sizes == (Size(entity_type="user", entity_id="nick", rows=13),)


@pytest.mark.parametrize(
    "result",
    [
        None,
        "{}",
        "[]",
        '"text"',
        '{"llm": 7, "entities": 7, "accounting": []}',
        '{"llm": {"calls": "many", "prompt_tokens": -1, "completion_tokens": true}}',
        '{"entities": [1, {"entity_id": 7, "attributes_after": 1}, {"attributes_after": 1}]}',
    ],
)
def test_a_result_of_any_shape_has_facts(database: Database, result: str | None) -> None:
    """A brought job type, or a person, wrote it: what is no number is passed over."""
    _run(database, 1, hours=0, result=result)
    (facts,) = _facts(database, hours=0)
    assert (facts.calls, facts.tokens, facts.rows, facts.sizes) == (0, 0, {}, ())


def test_the_window_begins_where_it_is_said(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every run since then comes once, oldest first, however many a batch has at one moment."""
    monkeypatch.setattr(past, "BATCH", 2)
    for number, hours in enumerate((-1, 0, 0, 0, 0, 0, 1, 2)):
        _run(database, number, hours=hours)
    sql(database, "INSERT INTO job_runs (id, job_id, status) VALUES ('odd', 'j', 'pending')")
    assert [facts.id for facts in _facts(database, hours=0)] == [f"{n:04}" for n in range(1, 8)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_times_of_any_form_come_to_an_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote them by hand: each run comes once."""
    monkeypatch.setattr(past, "BATCH", 2)
    for number in range(5):
        _run(database, number, hours=0, at="2026-01-03T10:00:00Z")
    assert [facts.id for facts in _facts(database, hours=-1)] == [f"{n:04}" for n in range(5)]


def test_rows_are_counted_by_what_became_of_them(database: Database) -> None:
    """Of applied plans alone, within the window."""
    with database.write() as connection:
        for name, status, hours in (("a", APPLIED, 1), ("b", UNDONE, 1), ("c", APPLIED, -1)):
            moment = MORNING + timedelta(hours=hours)
            plan = StoredPlan(
                id=name,
                kind=CONSOLIDATION,
                status=status,
                entity=NICK,
                run_id=None,
                reverts=None,
                created_at=moment,
                applied_at=moment,
                document={"rows": []},
            )
            store_plan(connection, plan)
    for plan_id in "abc":
        for position, effect in enumerate(("removed", "removed", "rewritten")):
            sql(
                database,
                "INSERT INTO maintenance_journal (plan_id, position, table_name, row_id, effect) "
                "VALUES (:plan_id, :position, 't', '1', :effect)",
                plan_id=plan_id,
                position=position,
                effect=effect,
            )
    sql(
        database, "UPDATE maintenance_journal SET table_name = :name WHERE position = 1", name=HEADS
    )
    with database.brief(writes=False) as source:
        assert past.rows_changed(source, MORNING) == {"removed": 1, "rewritten": 1}
    assert HEADS == PROFILES
