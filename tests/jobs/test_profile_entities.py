"""The job of every entity: oldest first, each by itself, and what fails stops nobody else."""

from typing import Any

import pytest
from building import NICK
from consolidating import ScriptedModel, context, ids, reply, rows_of
from databases import ATTRIBUTES, add_profile, add_row, dump, sql

from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.errors import (
    ConfigurationError,
    ExitCode,
    MaintError,
    ModelReplyError,
    ModelUnavailableError,
)
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.store.database import Database

NAMES = ("ada", "ben", "cleo", "dora")


@pytest.fixture
def four(database: Database) -> Database:
    """Return a database of three users and a bot, each with duplicates; the last waits longest."""
    for number, name in enumerate(NAMES):
        kind = "BOT" if name == "cleo" else "USER"
        for _ in range(2):
            add_row(
                database,
                "color",
                '"blue"',
                entity_type=kind,
                entity_id=name,
                updated_at=f"2026-01-0{9 - number} 00:00:00",
            )
    add_profile(database, entity_id="empty")
    return database


def _result(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Success | Failure)
    assert outcome.result is not None
    return dict(outcome.result)


def _lines(outcome: Outcome) -> dict[str, Any]:
    return {line["entity_id"]: line for line in _result(outcome)["entities"]}


def _counts(database: Database) -> dict[str, int]:
    return {
        name: sql(database, f"SELECT count(*) FROM {ATTRIBUTES} WHERE entity_id = :n", n=name)[0][0]
        for name in NAMES
    }


def test_every_entity_is_reached_the_oldest_first(four: Database) -> None:
    """`*` means users and bots, in the order in which they have waited."""
    model = ScriptedModel(reply)
    outcome = JOB.run(context(four, model, config={"entity_id": "*"}))
    assert isinstance(outcome, Success)
    assert [asked["entity"]["id"] for asked in model.asked] == ["dora", "cleo", "ben", "ada"]
    assert list(_lines(outcome)) == ["dora", "cleo", "ben", "ada"]
    assert set(_counts(four).values()) == {1}
    assert _result(outcome)["attributes_before"] == 8
    assert _result(outcome)["attributes_after"] == 4
    assert _result(outcome)["accounting"]["merged"] == 4


def test_entities_of_one_type_can_be_asked_for(four: Database) -> None:
    """`entity_type` narrows `*` down."""
    JOB.run(context(four, config={"entity_id": "*", "entity_type": "bot"}))
    assert _counts(four) == {"ada": 2, "ben": 2, "cleo": 1, "dora": 2}


def test_only_changed_entities_are_reported(four: Database) -> None:
    """After everyone was judged, a change of one row reaches one entity."""
    model = ScriptedModel(reply)
    JOB.run(context(four, model))
    assert _result(JOB.run(context(four, model)))["entities"] == []
    add_row(four, "hobby", '"chess"', entity_id="ben")
    before = len(model.asked)
    assert list(_lines(JOB.run(context(four, model)))) == ["ben"]
    assert len(model.asked) == before + 1


@pytest.mark.parametrize(
    ("error", "message", "transient"),
    [
        pytest.param(ModelReplyError("no JSON"), "no JSON", True, id="a bad reply"),
        pytest.param(KeyError("oops"), "a bug of ours: KeyError('oops')", False, id="a bug"),
    ],
)
def test_one_entitys_failure_stops_nobody(
    four: Database, error: Exception, message: str, *, transient: bool
) -> None:
    """The others are done and committed; the failed one is as it was, and listed."""

    def script(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        if asked["entity"]["id"] == "cleo":
            raise error
        return reply(asked)

    before = [row.image for row in rows_of(four, Entity("bot", "cleo"))]
    outcome = JOB.run(context(four, ScriptedModel(script)))
    assert isinstance(outcome, Failure)
    assert (outcome.error, outcome.transient) == (message, transient)
    assert outcome.exit_code == ExitCode.JOB_FAILED
    assert _counts(four) == {"ada": 1, "ben": 1, "cleo": 2, "dora": 1}
    assert {name: line["error"] for name, line in _lines(outcome).items()} == {
        "dora": None,
        "cleo": message,
        "ben": None,
        "ada": None,
    }
    assert [row.image for row in rows_of(four, Entity("bot", "cleo"))] == before


def test_each_entity_commits_by_itself(four: Database) -> None:
    """While the second entity is judged, the first is already written."""
    seen: list[dict[str, int]] = []

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        seen.append(_counts(four))
        return reply(asked)

    JOB.run(context(four, ScriptedModel(script)))
    assert [sum(each.values()) for each in seen] == [8, 7, 6, 5]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelUnavailableError("connection refused"), ExitCode.UNAVAILABLE),
        (ConfigurationError("no such model"), ExitCode.CONFIGURATION),
    ],
)
def test_a_model_that_is_down_is_asked_once(
    four: Database, error: MaintError, code: ExitCode
) -> None:
    """What fails for one would fail for all: the rest waits, and is counted, not asked."""
    done: list[str] = []

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        if done:
            raise error
        done.append(asked["entity"]["id"])
        return reply(asked)

    model = ScriptedModel(script)
    outcome = JOB.run(context(four, model))
    assert isinstance(outcome, Failure)
    assert (len(model.asked), done) == (2, ["dora"])
    assert (outcome.exit_code, outcome.error) == (code, f"{error}; 2 more wait for the next run")
    assert [line["error"] for line in _lines(outcome).values()] == [None, str(error)]
    assert _result(outcome)["deferred"] == 2
    assert _counts(four) == {"ada": 2, "ben": 2, "cleo": 2, "dora": 1}


def test_a_held_plan_is_told_and_stops_nobody(four: Database) -> None:
    """The run succeeds, says that a plan waits, and the others are done."""
    for number in range(6):
        add_row(four, f"k{number}", f'"{number}"', entity_id="ben")

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        return reply(asked, remove=ids(asked, *(f"k{number}" for number in range(6))))

    outcome = JOB.run(context(four, ScriptedModel(script)))
    assert isinstance(outcome, Success)
    assert outcome.held
    assert _result(outcome)["held"] == 1
    assert _lines(outcome)["ben"]["held"]
    assert _counts(four) == {"ada": 1, "ben": 8, "cleo": 1, "dora": 1}


def test_a_dry_run_of_all_writes_nothing(four: Database) -> None:
    """It reports what the real run then does."""
    before = dump(four)
    dry = _lines(JOB.run(context(four, ScriptedModel(reply), dry_run=True)))
    assert dump(four) == before
    real = _lines(JOB.run(context(four, ScriptedModel(reply))))
    same = ("attributes_before", "attributes_after", "accounting", "categories_updated")
    assert [{name: line[name] for name in same} for line in dry.values()] == [
        {name: line[name] for name in same} for line in real.values()
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"entity_di": "nick"}, "did you mean 'entity_id'"),
        ({"entity_id": 7}, "entity_id of a profile job is a text"),
        ({"entity_id": None}, "entity_id of a profile job is a text"),
        ({"entity_type": "cat"}, "no entity type 'cat'; known: user, bot"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: dict[str, Any], message: str) -> None:
    """Refused before anything runs, with what would be right."""
    with pytest.raises(MaintError, match=message):
        JOB.check(config)


@pytest.mark.parametrize(
    "config", [{}, {"entity_id": "*"}, {"entity_id": NICK.id, "entity_type": "USER"}]
)
def test_a_configuration_that_works_is_not(config: dict[str, Any]) -> None:
    """The default, one entity, and a type in any case."""
    JOB.check(config)


@pytest.mark.parametrize("value", ['"half \\ud800"', '"nul \\u0000"'])
def test_text_that_no_summary_can_hold_stops_nothing(database: Database, value: str) -> None:
    """JSON holds characters that no text column can: the profile is consolidated all the same."""
    add_profile(database)
    add_row(database, "odd", value)
    for _ in range(2):
        add_row(database, "color", '"blue"')
    assert isinstance(JOB.run(context(database)), Success)
    assert [row.image["value"] for row in rows_of(database)] == [value, '"blue"']
    assert "color: blue" in sql(database, "SELECT summary FROM entity_profiles")[0][0]


def test_a_time_that_is_none_fails_its_own_entity(four: Database) -> None:
    """`infinity` is a time to PostgreSQL and any text is one to SQLite: the others are done."""
    add_row(four, "odd", '"x"', entity_id="dora", updated_at="infinity")
    outcome = JOB.run(context(four))
    assert isinstance(outcome, Failure)
    assert "updated_at: 'infinity' is not a time" in outcome.error
    assert _counts(four) == {"ada": 1, "ben": 1, "cleo": 1, "dora": 3}
