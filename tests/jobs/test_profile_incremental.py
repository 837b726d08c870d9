"""What is paid for again: rows that are new or changed with their relatives, and nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from building import NICK
from consolidating import NOW, ScriptedModel, context, ids, reply, rows_of, settings
from databases import ATTRIBUTES, add_profile, add_row, dump, records, sql

from llm_maint import applying
from llm_maint.domain.judge import Op
from llm_maint.domain.runs import Success
from llm_maint.errors import MaintError, ModelReplyError, ModelUnavailableError
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.rounds import consolidate
from llm_maint.store import plans
from llm_maint.store.database import Database

Script = Callable[[dict[str, Any]], Any]

NEWER = "2026-01-02 00:00:00"

FACTS = {
    "employer": "works at Alder",
    "former_job": "worked at Birch",
    "drink": "tea with milk",
    "other_drink": "coffee, black",
    "greeting": "good morning",
    "pet": "a cat named Tom",
    "sport": "swims on Mondays",
    "music": "plays the violin",
}


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a profile of ids 1 to 9, the last of them explicit."""
    add_profile(database, display_name="Nick")
    for key, value in FACTS.items():
        add_row(database, key, f'"{value}"')
    add_row(database, "allergy", '"peanuts"', source="explicit")
    sql(database, f"UPDATE {ATTRIBUTES} SET updated_at = '{NEWER}' WHERE id = 1")
    return database


def _tidy(asked: dict[str, Any]) -> dict[str, Any]:
    groups = {"supersede": ids(asked, "employer", "former_job")}
    return reply(asked, groups=groups, remove=ids(asked, "greeting"))


def _disputing(asked: dict[str, Any]) -> dict[str, Any]:
    return reply(asked, groups={"conflict": ids(asked, "drink", "other_drink")})


def _greedy(asked: dict[str, Any]) -> dict[str, Any]:
    return reply(asked, remove=ids(asked, *list(FACTS)[:6]))


def _refused(asked: dict[str, Any]) -> dict[str, Any]:
    groups = {"merge": ids(asked, "pet", "sport"), "supersede": [*ids(asked, "music"), "r99"]}
    return reply(asked, groups=groups, remove=ids(asked, "allergy"))


def _forgetful(asked: dict[str, Any]) -> dict[str, Any]:
    return {"groups": [], "remove": [], "reviewed": [asked["rows"][0]["id"]]}


FIRST_RUNS = [
    pytest.param(_tidy, {"plans": 1, "held": False, "conflict": 0}, id="applied"),
    pytest.param(reply, {"plans": 0, "held": False, "conflict": 0}, id="nothing to do"),
    pytest.param(_greedy, {"plans": 1, "held": True, "conflict": 0}, id="held"),
    pytest.param(_disputing, {"plans": 0, "held": False, "conflict": 2}, id="a conflict"),
    pytest.param(_refused, {"plans": 0, "held": False, "conflict": 0}, id="refused by guards"),
    pytest.param(_forgetful, {"plans": 0, "held": False, "conflict": 0}, id="says nothing"),
]


def _nobody() -> ScriptedModel:
    """Return a model that must not be asked."""

    def script(asked: dict[str, Any]) -> None:
        raise AssertionError(f"it was asked about {len(asked['rows'])} rows")

    return ScriptedModel(script)


def _judged(database: Database, script: Script = reply, **changed: Any) -> list[list[str]]:  # noqa: ANN401
    """Consolidate; return the keys of each request, in alphabetical order."""
    model = ScriptedModel(script)
    consolidate(context(database, model, **changed), NICK)
    return [sorted(keys) for keys in model.keys_asked]


@pytest.mark.parametrize(("script", "came_to"), FIRST_RUNS)
def test_the_run_after_any_other_neither_asks_nor_writes(
    nick: Database, script: Script, came_to: dict[str, Any]
) -> None:
    """Whatever the first came to, the next is free: by name, for all, and a year later."""
    summary = settings(profile_maintenance={"summary": "off"})  # a summary would be a plan too
    first = consolidate(context(nick, ScriptedModel(script), settings=summary), NICK)
    assert first.plan.accounting()["conflict"] == came_to["conflict"]
    assert first.held == came_to["held"]
    assert len(sql(nick, "SELECT id FROM maintenance_plans")) == came_to["plans"]
    before = dump(nick)
    for clock in (lambda: NOW, lambda: NOW + timedelta(days=365)):
        again = consolidate(context(nick, _nobody(), settings=summary, clock=clock), NICK)
        assert (again.unchanged, again.applied, again.held) == (True, False, came_to["held"])
        outcome = JOB.run(context(nick, _nobody(), settings=summary, clock=clock))
        assert isinstance(outcome, Success)
        assert (outcome.result["entities"], outcome.result["llm"]["calls"]) == ([], 0)
    assert dump(nick) == before


def test_a_summary_that_was_written_costs_no_second_run(nick: Database) -> None:
    """The run that only renders the summary leaves nothing to do either."""
    assert consolidate(context(nick, ScriptedModel(reply)), NICK).applied
    before = dump(nick)
    assert consolidate(context(nick, _nobody()), NICK).unchanged
    assert dump(nick) == before


def test_a_new_row_travels_with_its_relatives_only(nick: Database) -> None:
    """Not the whole profile is sent again, and the run after it is free."""
    _judged(nick)
    add_row(nick, "cat", '"a cat named Tom, grey"')
    assert _judged(nick) == [["cat", "pet"]]
    add_row(nick, "shoes", '"size 44"')
    assert _judged(nick) == [["shoes"]]
    assert _judged(nick, _nobody().script) == []


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        pytest.param(
            "value = '\"plays the violin; swims on Mondays\"'", ["music", "sport"], id="value"
        ),
        pytest.param("key = 'pet', value = '\"a dog\"'", ["pet", "pet"], id="key"),
        pytest.param("confidence = 0.3", ["music"], id="confidence"),
        pytest.param("category = 'interest'", ["music"], id="category"),
        pytest.param("source = 'explicit'", ["music"], id="source"),
        pytest.param("updated_at = '2026-01-05 00:00:00'", ["music"], id="time"),
    ],
)
def test_a_changed_row_travels_with_its_relatives_only(
    nick: Database, change: str, asked: list[str]
) -> None:
    """All that a model sees of a row counts, and nothing else is sent again."""
    _judged(nick)
    sql(nick, f"UPDATE {ATTRIBUTES} SET {change} WHERE id = 8")
    assert _judged(nick) == [asked]
    assert _judged(nick, _nobody().script) == []


def test_what_no_model_sees_is_no_change(nick: Database) -> None:
    """A column of the assistant's own that no request shows costs nothing."""
    _judged(nick)
    sql(nick, f"UPDATE {ATTRIBUTES} SET source_message_id = 'm7' WHERE id = 8")
    before = dump(nick)
    assert _judged(nick, _nobody().script) == []
    assert dump(nick) == before


def test_a_row_that_went_costs_no_call(nick: Database) -> None:
    """What an assistant deletes needs no judgement, and what stays is known."""
    _judged(nick)
    sql(nick, f"DELETE FROM {ATTRIBUTES} WHERE id = 8")
    assert _judged(nick, _nobody().script) == []
    before = dump(nick)
    assert _judged(nick, _nobody().script) == []
    assert dump(nick) == before


def _raising(error: Exception) -> Script:
    def script(_asked: dict[str, Any]) -> Any:  # noqa: ANN401 it never answers
        raise error

    return script


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(_raising(ModelReplyError("no")), id="a bad reply"),
        pytest.param(_raising(ModelUnavailableError("down")), id="no server"),
        pytest.param(_raising(KeyError("oops")), id="a bug"),
        pytest.param(lambda _: "I would rather not.", id="no JSON"),
        pytest.param(lambda asked: {**reply(asked), "nonce": "wrong"}, id="another nonce"),
    ],
)
def test_a_failure_remembers_nothing(nick: Database, broken: Script) -> None:
    """What was known stays known, what was not is asked about again: neither more nor less."""
    _judged(nick)
    add_row(nick, "cat", '"a cat named Tom, grey"')
    before = records(nick)
    for _ in range(3):
        with pytest.raises((MaintError, KeyError)):
            _judged(nick, broken)
        assert records(nick) == before
    assert _judged(nick) == [["cat", "pet"]]
    assert _judged(nick, _nobody().script) == []


def test_one_request_that_fails_forgets_the_others(nick: Database) -> None:
    """Nothing is judged by half without a word: all rows of the profile are asked about again."""
    few = settings(profile_maintenance={"max_rows_per_request": 3})
    before = records(nick)

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        if ids(asked, "allergy"):
            raise ModelReplyError("no")
        return reply(asked, remove=ids(asked, "greeting"))

    with pytest.raises(ModelReplyError):
        _judged(nick, script, settings=few)
    assert records(nick) == before
    assert sum(map(len, _judged(nick, settings=few))) == 9


def test_a_spent_budget_leaves_only_what_it_did_not_reach(nick: Database) -> None:
    """Runs of one call each ask about every row once, and then about none."""
    small = settings(profile_maintenance={"max_rows_per_request": 3, "max_calls_per_run": 1})
    runs = [_judged(nick, settings=small) for _ in range(3)]
    assert [len(asked) for asked in runs] == [1, 1, 1]
    asked = [key for (keys,) in runs for key in keys]
    assert sorted(asked) == sorted([*FACTS, "allergy"])
    before = dump(nick)
    assert _judged(nick, _nobody().script, settings=small) == []
    assert dump(nick) == before


def test_another_judge_asks_about_everything(
    nick: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model, or another version of the rules, may see more in the same rows."""
    everything = [sorted([*FACTS, "allergy"])]
    assert _judged(nick) == everything
    for named in (
        {"llm": {"base_url": "http://x", "model": "n"}},
        {"profile_maintenance": {"model": "o"}},
    ):
        assert _judged(nick, settings=settings(**named)) == everything
        assert _judged(nick, _nobody().script, settings=settings(**named)) == []
    monkeypatch.setattr(applying, "PROMPT_VERSION", "profile-next")
    assert _judged(nick, settings=settings(**named)) == everything
    elsewhere = settings(llm={"base_url": "http://elsewhere", "model": "o"})
    assert _judged(nick, _nobody().script, settings=elsewhere) == []


def test_a_conflict_is_told_until_its_rows_change(nick: Database) -> None:
    """Each run reports it without a call; a change of one of its rows puts it to the model."""
    _judged(nick, _disputing)
    add_row(nick, "shoes", '"size 44"')
    for script in (reply, _nobody().script, _nobody().script):
        done = consolidate(context(nick, ScriptedModel(script)), NICK)
        assert [(op.op, op.row_ids) for op in done.plan.operations] == [(Op.CONFLICT, (3, 4))]
    sql(nick, f"UPDATE {ATTRIBUTES} SET value = '\"tea, no milk\"' WHERE id = 3")
    (asked,) = _judged(nick)
    assert "drink" in asked
    assert consolidate(context(nick, _nobody()), NICK).plan.operations == ()


def test_a_conflict_of_which_a_row_went_is_none(nick: Database) -> None:
    """Nobody is asked, and nothing is told of a row that is not there."""
    _judged(nick, _disputing)
    sql(nick, f"DELETE FROM {ATTRIBUTES} WHERE id = 3")
    for _ in range(2):
        assert consolidate(context(nick, _nobody()), NICK).plan.operations == ()
    assert 4 in [row.id for row in rows_of(nick)]


def test_plans_are_none_where_nothing_happened(nick: Database) -> None:
    """A run that only looks leaves no plan to undo."""
    _judged(nick, _disputing, settings=settings(profile_maintenance={"summary": "off"}))
    with nick.read() as connection:
        assert plans.list_plans(connection, limit=9) == []
