"""Who is asked about first: those that waited longest, and last those that nobody could serve."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from consolidating import NOW, ScriptedModel, reply, settings
from databases import add_row, schedule_all

from llm_maint.errors import ModelReplyError, ModelUnavailableError
from llm_maint.runner import Runner
from llm_maint.settings.sections import Settings
from llm_maint.store.database import Database

NAMES = ["ada", "ben", "cleo", "dora"]


@pytest.fixture
def four(database: Database) -> Database:
    """Return four users, the first in the alphabet with the oldest rows, and a job for all."""
    for number, name in enumerate(NAMES):
        updated = f"2026-01-0{number + 1} 00:00:00"
        for key in ("a", "b"):
            add_row(database, key, f'"{key} of {name}"', entity_id=name, updated_at=updated)
    schedule_all(database, now=NOW)
    return database


def _ran(
    database: Database, model: ScriptedModel, now: datetime, given: Settings | None = None
) -> list[str]:
    """Run the job; return about whom the model was asked, in order."""
    runner = Runner(
        settings=given or settings(),
        database=database,
        clock=lambda: now,
        model=lambda: model,
        host="here",
        interruptible=lambda _timeout: nullcontext(),
        end_process=lambda _code: None,
    )
    (_finished,) = runner.run_due()
    return [asked["entity"]["id"] for asked in model.asked]


def _breaking_at(*names: str) -> ScriptedModel:
    def script(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["entity"]["id"] not in names:
            return reply(asked)
        if len(names) == 1:
            raise ModelReplyError("no")
        raise ModelUnavailableError("it broke at this one")

    return ScriptedModel(script)


def test_who_failed_last_time_comes_last(four: Database) -> None:
    """An entity at which the server always breaks does not keep the others waiting for ever."""
    later = NOW + timedelta(hours=2)
    assert _ran(four, _breaking_at("ada", "dora"), NOW) == ["ada"]
    assert _ran(four, _breaking_at("ada", "dora"), later) == ["ben", "cleo", "dora"]
    add_row(four, "c", '"new"', entity_id="ben")
    assert _ran(four, _breaking_at("ada"), later + timedelta(hours=2)) == ["ben", "ada", "dora"]


def test_those_that_failed_are_asked_again_after_the_others(four: Database) -> None:
    """They are not forgotten: each run tries them once, at its end."""
    assert _ran(four, _breaking_at("ben"), NOW) == NAMES
    again = _ran(four, _breaking_at("ben"), NOW + timedelta(hours=2))
    assert again == ["ben"]  # the others are unchanged
    add_row(four, "c", '"new"', entity_id="cleo")
    assert _ran(four, ScriptedModel(reply), NOW + timedelta(hours=4)) == ["cleo", "ben"]


def test_a_budget_comes_to_everybodys_turn(four: Database) -> None:
    """One call a run: each is asked before anybody is asked again, and a large one in turns."""
    for number in range(6):
        add_row(four, f"k{number}", '"more"', entity_id="ada", updated_at="2026-01-01 00:00:00")
    small = settings(profile_maintenance={"max_calls_per_run": 1, "max_rows_per_request": 4})
    asked = []
    for hours in range(0, 12, 2):
        model = ScriptedModel(reply)
        _ran(four, model, NOW + timedelta(hours=hours), small)
        asked += [
            (each["entity"]["id"], {row["key"] for row in each["rows"]}) for each in model.asked
        ]
    assert [name for name, _ in asked] == [*NAMES, "ada", "ada"][: len(asked)]
    of_ada = [keys for name, keys in asked if name == "ada"]
    assert of_ada[1] - of_ada[0]  # what is known already is not asked about in its place
    assert set().union(*of_ada) == {"a", "b", *(f"k{number}" for number in range(6))}
