"""What waits in a held plan, and what a person undid: neither is lost, nor asked about twice."""

from collections.abc import Callable
from typing import Any

import pytest
from building import NICK
from consolidating import ScriptedModel, context, ids, reply, rows_of, settings
from databases import ATTRIBUTES, add_profile, add_row, dump, sql

from llm_maint.applying import apply_held, occasion_for
from llm_maint.contract import JobContext
from llm_maint.domain.chat import Completion, Finish, Usage
from llm_maint.domain.consolidation import Consolidation
from llm_maint.rounds import consolidate
from llm_maint.store import plans, undo
from llm_maint.store.database import Database

Script = Callable[[dict[str, Any]], Any]

NOISE = [f"noise{number}" for number in range(5)]

OLD, NEWER = "2026-01-01 00:00:00", "2026-01-02 00:00:00"

CUT = Completion(text="{", model="scripted", finish=Finish.LENGTH, usage=Usage(1, 100, 10))


@pytest.fixture
def nick(database: Database) -> Database:
    """Return five rows of noise, which are too many to remove at once, and three of facts."""
    add_profile(database, display_name="Nick")
    for key, word in zip(NOISE, ["hi", "hm", "well", "oh", "yes"], strict=True):
        add_row(database, key, f'"{word}"')
    add_row(database, "city", '"lives in Oslo"')
    add_row(database, "city", '"the user lives in Oslo"', updated_at=NEWER)
    add_row(database, "music", '"plays the violin"')
    return database


def _greedy(asked: dict[str, Any]) -> dict[str, Any]:
    return reply(asked, remove=ids(asked, *NOISE))


def _merging(asked: dict[str, Any]) -> dict[str, Any]:
    groups = {"merge": ids(asked, "city")}
    return reply(asked, groups=groups, remove=ids(asked, *NOISE[:3]))


def _nobody() -> ScriptedModel:
    """Return a model that must not be asked."""

    def script(asked: dict[str, Any]) -> None:
        raise AssertionError(f"it was asked about {len(asked['rows'])} rows")

    return ScriptedModel(script)


def _done(database: Database, model: ScriptedModel, **changed: Any) -> Consolidation:  # noqa: ANN401
    return consolidate(context(database, model, **changed), NICK)


def _statuses(database: Database) -> list[str]:
    with database.read() as connection:
        return [plan.status for plan in plans.list_plans(connection, limit=9)]


def _undone(job: JobContext, plan_id: str | None) -> str:
    assert plan_id is not None
    return undo.undo_plan(job.database, plan_id, occasion_for(job)).plan_id


def test_rows_of_a_held_plan_are_asked_about_with_what_is_new(nick: Database) -> None:
    """The next plan is in place of the held one, and wants what it wanted."""
    first = _done(nick, ScriptedModel(_greedy))
    add_row(nick, "shoes", '"size 44"')
    model = ScriptedModel(_greedy)
    second = _done(nick, model)
    assert sorted(model.keys_asked[0]) == [*NOISE, "shoes"]
    assert (first.held, second.held) == (True, True)
    assert sorted(_statuses(nick)) == ["held", "outdated"]
    before = dump(nick)
    assert _done(nick, _nobody()).plan_id == second.plan_id
    assert dump(nick) == before


def test_a_changed_row_of_a_held_plan_brings_the_others_with_it(nick: Database) -> None:
    """A person edited one of them: all of them are put to the model again, the facts are not."""
    _done(nick, ScriptedModel(_greedy))
    sql(nick, f"UPDATE {ATTRIBUTES} SET value = '\"no\"' WHERE id = 2")
    model = ScriptedModel(reply)
    assert not _done(nick, model).held
    assert [sorted(keys) for keys in model.keys_asked] == [NOISE]


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param("DELETE FROM {} WHERE id = 8", id="a fact went"),
        pytest.param("DELETE FROM {} WHERE id = 1", id="a row of the plan went"),
        pytest.param(
            "INSERT INTO {} (entity_type, entity_id, category, key, value) "
            "VALUES ('USER', 'nick', 'fact', 'music', '\"plays the violin\"')",
            id="a copy came",
        ),
    ],
)
def test_a_held_plan_outlives_a_change_that_asks_nobody(nick: Database, meanwhile: str) -> None:
    """It waits on, or its rows are asked about again: what a model wanted is not forgotten."""
    _done(nick, ScriptedModel(_greedy))
    sql(nick, meanwhile.format(ATTRIBUTES))
    model = ScriptedModel(_greedy)
    for _ in range(2):
        _done(nick, model)
    assert "held" in _statuses(nick)
    add_row(nick, "shoes", '"size 44"')
    model = ScriptedModel(_greedy)
    assert _done(nick, model).held
    assert set(model.keys_asked[0]) - {"shoes"} == {row.key for row in rows_of(nick)} & set(NOISE)


def test_a_reviewed_plan_is_at_rest(nick: Database) -> None:
    """After it was applied by a person, the next run asks about nothing."""
    job = context(nick, ScriptedModel(_greedy))
    held = consolidate(job, NICK)
    assert held.plan_id is not None
    with nick.read() as connection:
        stored = plans.find_plan(connection, held.plan_id)
    apply_held(job, stored)
    before = dump(nick)
    assert _done(nick, _nobody()).unchanged
    assert dump(nick) == before


@pytest.mark.parametrize("updated_at", [OLD, "2026-02-02 09:59:00"], ids=["all old", "one young"])
def test_what_a_held_plan_could_not_judge_does_not_outdate_it(
    nick: Database, updated_at: str
) -> None:
    """A row whose reply is always cut, and a young one: the plan is still held in the next run."""
    add_row(nick, "shoes", '"size 44"', updated_at=updated_at)
    aged = settings(profile_maintenance={"min_age_minutes": 60, "max_rows_per_request": 3})

    def script(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        return CUT if ids(asked, "music") else _greedy(asked)

    held = _done(nick, ScriptedModel(script), settings=aged)
    assert (held.held, held.plan.partial) == (True, True)
    again = _done(nick, ScriptedModel(script), settings=aged)
    assert (again.plan_id, again.unchanged) == (held.plan_id, True)


@pytest.mark.parametrize("script", [_merging, None], ids=["a model", "code"])
def test_an_undone_plan_is_not_made_again(nick: Database, script: Script | None) -> None:
    """Rows are put back to the byte, and the next run neither asks nor writes."""
    add_row(nick, "music", '"Plays the  violin"', updated_at=NEWER)  # a copy, which code folds
    before = dump(nick, ATTRIBUTES, "entity_profiles")
    images = [row.image for row in rows_of(nick)]
    job = context(nick, ScriptedModel(script) if script else None)
    done = consolidate(job, NICK)
    assert done.applied
    assert dump(nick, ATTRIBUTES, "entity_profiles") != before
    _undone(job, done.plan_id)
    assert dump(nick, ATTRIBUTES, "entity_profiles") == before
    everything = dump(nick)
    assert consolidate(context(nick, script and _nobody()), NICK).unchanged
    assert dump(nick) == everything
    add_row(nick, "shoes", '"size 44"')
    consolidate(context(nick, script and ScriptedModel(reply)), NICK)
    assert [row.image for row in rows_of(nick)[:-1]] == images


def test_what_was_put_back_stays_where_something_new_comes(nick: Database) -> None:
    """Only the new row is asked about, unless a row that was put back changes."""
    job = context(nick, ScriptedModel(_merging))
    _undone(job, consolidate(job, NICK).plan_id)
    add_row(nick, "shoes", '"size 44"')
    model = ScriptedModel(_merging)
    _done(nick, model)
    assert model.keys_asked == [["shoes"]]
    sql(nick, f"UPDATE {ATTRIBUTES} SET confidence = 0.5 WHERE id = 6")
    _done(nick, model)
    assert [sorted(keys) for keys in model.keys_asked[1:]] == [["city", "city"]]
    assert len(rows_of(nick)) == 8


def test_a_row_that_came_before_the_undo_is_still_new(nick: Database) -> None:
    """An undo settles what it puts back, and nothing that nobody has looked at."""
    job = context(nick, ScriptedModel(_merging))
    done = consolidate(job, NICK)
    add_row(nick, "shoes", '"size 44"')
    _undone(job, done.plan_id)
    model = ScriptedModel(_merging)
    _done(nick, model)
    assert model.keys_asked == [["shoes"]]


def test_an_undo_that_is_undone_is_at_rest(nick: Database) -> None:
    """The rows are as the plan made them, and nobody is asked about them."""
    job = context(nick, ScriptedModel(_merging))
    done = consolidate(job, NICK)
    after = dump(nick, ATTRIBUTES)
    _undone(job, _undone(job, done.plan_id))
    assert dump(nick, ATTRIBUTES) == after
    before = dump(nick)
    assert _done(nick, _nobody()).unchanged
    assert dump(nick) == before


def test_an_undo_forgets_no_conflict(nick: Database) -> None:
    """What was told with a plan is told after its undo, with no call."""

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        groups = {"conflict": ids(asked, "city", "music")}
        return reply(asked, groups=groups, remove=ids(asked, *NOISE[:2]))

    job = context(nick, ScriptedModel(script))
    _undone(job, consolidate(job, NICK).plan_id)
    again = _done(nick, _nobody())
    assert [op.row_ids for op in again.plan.operations] == [(6, 7, 8)]
