"""What `status` shows beside the vitals: read by the database itself, and little of it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from building import MORNING, NICK
from databases import is_sqlite, sql

from llm_maint.domain.overview import TOKEN_DAYS
from llm_maint.store import overview, past
from llm_maint.store.database import Database
from llm_maint.store.plans import APPLIED, CONSOLIDATION, HELD, StoredPlan, store_plan
from llm_maint.store.vitals import vitals


def _run(database: Database, number: int, *, hours: float = 0, **columns: Any) -> None:  # noqa: ANN401
    text = (MORNING + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S.%f")
    values: dict[str, Any] = {
        "id": f"{number:04}",
        "job_id": "j",
        "status": "success",
        "at": text + ("" if is_sqlite(database) else "+00"),
        "result": None,
        **columns,
    }
    cast = ":result" if is_sqlite(database) else "CAST(:result AS jsonb)"
    sql(
        database,
        "INSERT INTO job_runs (id, job_id, status, started_at, result_json) "
        f"VALUES (:id, :job_id, :status, :at, {cast})",
        **values,
    )


def _spent(prompt: Any, completion: Any) -> str:  # noqa: ANN401 any JSON
    return json.dumps({"llm": {"prompt_tokens": prompt, "completion_tokens": completion}})


def _days(database: Database, job_id: str | None = None) -> list[tuple[int, int]]:
    with database.brief(writes=False) as source:
        days = overview.tokens_by_day(source, now=MORNING, job_id=job_id)
    assert len(days) == TOKEN_DAYS
    return [(day.prompt, day.completion) for day in days]


def test_tokens_are_added_up_by_the_day(database: Database) -> None:
    """By UTC, from the first moment of the first day on; of one job where that is asked."""
    _run(database, 1, result=_spent(100, 10))
    _run(database, 2, hours=-9, result=_spent(30, 3), job_id="k")
    _run(database, 3, hours=-10.1, result=_spent(7, 1))
    _run(database, 4, hours=-10 - 24 * 13, result=_spent(5, 5))
    _run(database, 5, hours=-10.1 - 24 * 13, result=_spent(1000, 1000))
    _run(database, 6, hours=1, result=_spent(1000, 1000))
    assert _days(database)[-2:] == [(7, 1), (130, 13)]
    assert _days(database)[0] == (5, 5)
    assert _days(database, "k")[-2:] == [(0, 0), (30, 3)]


@pytest.mark.parametrize(
    "result",
    [
        *(None, "{}", "[]", '"text"', "7", '{"llm": 7}', '{"llm": [1]}', '{"llm": null}'),
        *(_spent("many", None), _spent(True, [1]), _spent(-5, {"a": 1}), _spent(0, 0)),
    ],
)
def test_a_result_of_any_shape_has_no_tokens(database: Database, result: str | None) -> None:
    """A brought job type, or a person, wrote it; those beside it count all the same."""
    _run(database, 1, result=result)
    _run(database, 2, result=_spent(3, 4))
    assert _days(database)[-1] == (3, 4)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_sqlite_a_result_need_not_be_json(database: Database) -> None:
    """There any text can stand in the column, and anything in that of a time."""
    _run(database, 1, result="{")
    _run(database, 2, result=_spent(3, 4))
    sql(database, "INSERT INTO job_runs (id, job_id, status, started_at) VALUES ('x','j','x','x')")
    assert _days(database)[-1] == (3, 4)


def test_the_last_statuses_of_a_job_come_oldest_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many of each as are shown, of however many jobs; none of a job that never ran."""
    monkeypatch.setattr(overview, "LAST_RUNS", 3)
    monkeypatch.setattr(overview, "BATCH", 2)
    for number, status in enumerate(("success", "failed", "skipped", "success", "running")):
        _run(database, number, hours=number, status=status)
    _run(database, 9, status="abandoned", job_id="k")
    with database.brief(writes=False) as source:
        assert overview.last_statuses(source, ["k", "none", "j"]) == {
            "k": ["abandoned"],
            "none": [],
            "j": ["skipped", "success", "running"],
        }
        assert overview.last_statuses(source, []) == {}


def test_the_last_failures_are_among_the_last_runs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newest first, what a dead process left included; older ones are not looked for."""
    monkeypatch.setattr(overview, "LOOKED_THROUGH", 6)
    statuses = ("failed", "failed", "success", "abandoned", "failed", "success", "failed")
    for number, status in enumerate(statuses):
        _run(database, number, hours=number, status=status, job_id="jk"[number % 2])
    with database.brief(writes=False) as source:
        found = overview.last_failures(source, limit=3)
        assert [run.id for run in found] == ["0006", "0004", "0003"]
        assert [run.id for run in overview.last_failures(source, limit=9)][-1] == "0001"
        of_job = overview.last_failures(source, limit=3, job_id="j")
        assert [run.id for run in of_job] == ["0006", "0004", "0000"]


def test_plans_are_told_of_one_job(database: Database) -> None:
    """Those that its runs made: held ones, and what became of rows."""
    _run(database, 1)
    _run(database, 2, job_id="k")
    for job_id in "jk":
        sql(
            database,
            "INSERT INTO scheduled_jobs (id, job_type, name) VALUES (:id, 'any', :id)",
            id=job_id,
        )
    with database.write() as connection:
        for name, status, run_id in (
            *(("a", APPLIED, "0001"), ("b", APPLIED, "0002"), ("c", APPLIED, None)),
            *(("d", HELD, "0001"), ("e", HELD, "0002"), ("f", HELD, None)),
        ):
            store_plan(connection, _plan(name, status, run_id))
    for plan_id in "abc":
        sql(
            database,
            "INSERT INTO maintenance_journal (plan_id, position, table_name, row_id, effect) "
            "VALUES (:id, 0, 't', '1', :id)",
            id=plan_id,
        )
    with database.brief(writes=False) as source:
        assert past.rows_changed(source, MORNING) == {"a": 1, "b": 1, "c": 1}
        assert past.rows_changed(source, MORNING, job_id="j") == {"a": 1}
        found = vitals(source, now=MORNING, job_id="j")
        assert [plan.id for plan in found.held] == ["d"]
        assert [job.name for job in found.jobs] == ["j"]
        assert found.journal is None


def _plan(plan_id: str, status: str, run_id: str | None) -> StoredPlan:
    return StoredPlan(
        id=plan_id,
        kind=CONSOLIDATION if status == APPLIED else "decay",
        status=status,
        entity=NICK,
        run_id=run_id,
        reverts=None,
        created_at=MORNING,
        applied_at=MORNING if status == APPLIED else None,
        document={"rows": []},
    )
