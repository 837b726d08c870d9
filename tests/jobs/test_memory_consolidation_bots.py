"""Which bots a run is about, what it may spend, and what a broken server means for each."""

from dataclasses import replace
from typing import Any

import pytest
from building import day
from consolidating import ScriptedModel, context, reply, settings
from databases import dump, sql
from recollecting import (
    MEMORIES,
    ran,
    recalled,
    remember,
    remember_all,
    remembering,
    seen,
    texts,
)

from llm_maint import portioning
from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Failure, Success
from llm_maint.domain.settlement import exit_code_of
from llm_maint.errors import (
    BudgetSpentError,
    ConfigurationError,
    ExitCode,
    MaintError,
    ModelReplyError,
    ModelUnavailableError,
    SchemaError,
    UnknownNameError,
)
from llm_maint.jobs.memory_consolidation import JOB
from llm_maint.store.database import Database

CHESS, CLUB = "Plays chess on Tuesdays", "Plays chess on Tuesdays at the club"
BOTS = ("ada", "iris", "nova")


def _told(database: Database, *bots: str) -> None:
    for bot in bots:
        remember(database, f"{CHESS} with {bot}", bot_id=bot, id="a")
        remember(database, f"{CLUB} with {bot}", bot_id=bot, id="b", updated_at=day(1))


def _merging(**fails: MaintError) -> ScriptedModel:
    """Return a model that merges all it sees, and fails at some bots."""

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["entity"]["id"] in fails:
            raise fails[asked["entity"]["id"]]
        return reply(asked, groups={"merge": [row["id"] for row in asked["rows"]]})

    return ScriptedModel(answer)


def _left(database: Database) -> dict[str, int]:
    return {bot: len(texts(database, Entity.remembering(bot))) for bot in BOTS}


def test_a_table_named_so_that_holds_something_else_is_of_no_bot(database: Database) -> None:
    """The jobs that `init` adds have nothing to do there; whoever names a bot is told why."""
    sql(database, f"DROP TABLE {MEMORIES}")
    sql(database, f"CREATE TABLE {MEMORIES} (id integer, photo text)")
    outcome, result = ran(JOB, remembering(database))
    assert (isinstance(outcome, Success), result["bots"]) == (True, [])
    named = replace(remembering(database), config={"bot_id": "nova"})
    with pytest.raises(SchemaError, match="no column content"):
        JOB.run(named)


def test_a_star_is_every_bot(database: Database) -> None:
    """A job without a bot, or with `*`, is about all that remember anything; sums are of all."""
    _told(database, *BOTS)
    outcome, result = ran(JOB, remembering(database, _merging()))
    assert isinstance(outcome, Success)
    assert [line["bot_id"] for line in result["bots"]] == ["ada", "iris", "nova"]
    assert (result["memories_before"], result["memories_after"]) == (6, 3)
    assert result["accounting"]["merged"] == 3
    assert result["llm"]["calls"] == 3
    assert _left(database) == {"ada": 1, "iris": 1, "nova": 1}
    again, result = ran(JOB, remembering(database, _merging()))
    assert isinstance(again, Success)
    assert result["bots"] == []


@pytest.mark.parametrize("name", ["iris", " IRIS "])
def test_a_job_of_one_bot_leaves_the_others_alone(database: Database, name: str) -> None:
    """Its name is as people write it."""
    _told(database, *BOTS)
    ran(JOB, context(database, _merging(), config={"bot_id": name}))
    assert _left(database) == {"ada": 2, "iris": 1, "nova": 2}


def test_an_unknown_bot_is_an_error_that_names_the_nearest(database: Database) -> None:
    """Nothing is done about any other."""
    _told(database, *BOTS)
    before = dump(database)
    with pytest.raises(UnknownNameError, match="did you mean 'nova'") as caught:
        JOB.run(context(database, _merging(), config={"bot_id": "nowa"}))
    assert "\n" not in str(caught.value)
    assert dump(database) == before


@pytest.mark.parametrize("config", [{"bot": "nova"}, {"bot_id": 7}, {"entity_id": "nova"}])
def test_a_job_has_no_other_configuration(config: dict[str, Any]) -> None:
    """What it does not know it refuses, when the job is added."""
    with pytest.raises((ConfigurationError, UnknownNameError)):
        JOB.check(config)


@pytest.mark.parametrize("config", [{}, {"bot_id": "*"}, {"bot_id": "nova"}])
def test_a_bot_is_all_that_can_be_configured(config: dict[str, Any]) -> None:
    """One, or all of them."""
    JOB.check(config)


def test_one_bot_that_fails_does_not_stop_the_others(database: Database) -> None:
    """It stays as it was; the run has failed, and says at what."""
    _told(database, *BOTS)
    outcome, result = ran(JOB, remembering(database, _merging(iris=ModelReplyError("no answer"))))
    assert exit_code_of(outcome) is ExitCode.JOB_FAILED
    assert _left(database) == {"ada": 1, "iris": 2, "nova": 1}
    assert [line["error"] for line in result["bots"]] == [None, "no answer", None]
    assert result["failed"] == 1
    ran(JOB, remembering(database, _merging()))
    assert _left(database) == {"ada": 1, "iris": 1, "nova": 1}


def test_several_bots_that_fail_are_counted(database: Database) -> None:
    """The message of the run names the last error, and how many there were."""
    _told(database, *BOTS)
    gone = ModelReplyError("no answer")
    outcome, _ = ran(JOB, remembering(database, _merging(iris=gone, ada=gone)))
    assert isinstance(outcome, Failure)
    assert outcome.error == "2 bots failed; the last: no answer"


def test_a_bot_whose_memories_cannot_be_read_does_not_stop_the_others(database: Database) -> None:
    """What is wrong with it is told on one line, with the row that is meant."""
    _told(database, *BOTS)
    sql(
        database,
        "UPDATE memories SET created_at = :time WHERE bot_id = 'ada' AND id = 'a'",
        time="infinity",
    )
    outcome, result = ran(JOB, remembering(database, _merging()))
    assert isinstance(outcome, Failure)
    assert _left_of(database, "iris", "nova") == [1, 1]
    assert "memory a" in result["bots"][0]["error"]


def _left_of(database: Database, *bots: str) -> list[int]:
    return [len(texts(database, Entity.remembering(bot))) for bot in bots]


def test_a_bot_that_failed_comes_last_next_time_until_it_is_judged(database: Database) -> None:
    """It must not keep the others from their turn for ever."""
    _told(database, *BOTS)
    ran(JOB, remembering(database, _merging(ada=ModelReplyError("no answer"))))
    _told_more(database)
    model = _merging()
    ran(JOB, remembering(database, model))
    assert [asked["entity"]["id"] for asked in model.asked] == ["iris", "nova", "ada"]
    _told_more(database, "noon")
    model = _merging()
    ran(JOB, remembering(database, model))
    assert [asked["entity"]["id"] for asked in model.asked] == ["ada", "iris", "nova"]


def _told_more(database: Database, when: str = "dawn") -> None:
    for bot in BOTS:
        text = f"{CLUB} with {bot} at {when}"
        remember(database, text, bot_id=bot, id=when, updated_at=day(9))


def test_a_server_that_breaks_ends_the_asking_and_not_the_folding(database: Database) -> None:
    """Every bot stays as it was, but for duplicates of which nobody need be asked."""
    _told(database, "ada", "iris")
    remember(database, "Sings alto", bot_id="nova", id="a")
    remember(database, "sings ALTO", bot_id="nova", id="b")
    before = dump(database, MEMORIES)
    model = _merging(ada=ModelUnavailableError("it is gone"))
    outcome, result = ran(JOB, remembering(database, model))
    assert exit_code_of(outcome) is ExitCode.UNAVAILABLE
    assert len(model.asked) == 1
    assert _left(database) == {"ada": 2, "iris": 2, "nova": 1}
    assert len(set(before[MEMORIES]) & set(dump(database, MEMORIES)[MEMORIES])) >= 4
    assert result["deferred"] == 1
    assert "it is gone" in str(result["bots"][0]["error"])


def test_folds_that_were_applied_before_a_server_breaks_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come first, in portions of their own."""
    monkeypatch.setattr(portioning, "PORTION", 2)
    remember_all(database, "Sings alto", "sings  alto", CHESS, CLUB)
    model = ScriptedModel(_broken)
    result = recalled(remembering(database, model))
    assert [type(error) for error in result.wrong] == [ModelUnavailableError]
    assert texts(database).keys() == {"m2", "m3", "m4"}
    line = result.result().line
    assert line is not None
    assert (line["applied"], line["error"]) == (True, "it is gone")


def _broken(_asked: dict[str, Any]) -> dict[str, Any]:
    raise ModelUnavailableError("it is gone")


def test_a_budget_defers_what_it_does_not_cover(database: Database) -> None:
    """That is no failure: the next run goes on with the rest."""
    _told(database, *BOTS)
    outcome, result = ran(JOB, remembering(database, _merging(), max_calls_per_run=2))
    assert exit_code_of(outcome) is ExitCode.OK
    assert _left(database) == {"ada": 1, "iris": 1, "nova": 2}
    assert (result["deferred"], result["failed"], result["llm"]["calls"]) == (1, 0, 2)
    outcome, result = ran(JOB, remembering(database, _merging(), max_calls_per_run=2))
    assert _left(database) == {"ada": 1, "iris": 1, "nova": 1}
    assert "deferred" not in result


def test_a_budget_that_ends_between_two_portions_is_no_failure(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was applied is told; the bot waits with the rest, and has not failed."""
    monkeypatch.setattr(portioning, "PORTION", 2)
    pairs = ("Grows tomatoes on the roof", "Grows tomatoes on the flat roof")
    remember_all(database, CHESS, CLUB, *pairs)
    outcome, result = ran(JOB, remembering(database, _merging(), max_calls_per_run=1))
    assert isinstance(outcome, Success)
    assert len(texts(database)) == 3
    assert (result["failed"], result["deferred"]) == (0, 1)
    (line,) = result["bots"]
    assert (line["applied"], line["partial"], line["error"]) == (True, True, None)
    outcome, result = ran(JOB, remembering(database, _merging(), max_calls_per_run=1))
    assert len(texts(database)) == 2
    assert "deferred" not in result


def test_tokens_are_a_budget_too(database: Database) -> None:
    """A call costs 110 of them here; the one under way is ended."""
    _told(database, *BOTS)
    _, result = ran(JOB, remembering(database, _merging(), max_tokens_per_run=200))
    assert (result["llm"]["calls"], result["deferred"]) == (2, 1)


def test_the_limits_of_profiles_are_none_of_memories(database: Database) -> None:
    """Each job has its own."""
    _told(database, *BOTS)
    given = settings(profile_maintenance={"max_calls_per_run": 1})
    _, result = ran(JOB, context(database, _merging(), settings=given))
    assert result["llm"]["calls"] == 3


def test_a_dry_run_of_every_bot_writes_nothing(database: Database) -> None:
    """Also where one fails: not even that it was tried."""
    _told(database, *BOTS)
    before = dump(database)
    model = _merging(iris=ModelReplyError("no answer"))
    given = remembering(database, model)
    _, result = ran(JOB, context(database, model, settings=given.settings, dry_run=True))
    assert dump(database) == before
    assert (result["memories_before"], result["memories_after"]) == (4, 2)


def test_what_failed_is_told_before_what_waits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portion that cannot be written is a failure, though another one waits for the budget."""
    monkeypatch.setattr(portioning, "PORTION", 2)
    pairs = ("Grows tomatoes on the roof", "Grows tomatoes on the flat roof")
    remember_all(database, CHESS, CLUB, *pairs)
    result = recalled(remembering(database, _merging(), max_calls_per_run=1))
    (waits,) = result.wrong
    assert isinstance(waits, BudgetSpentError)
    result.wrong.append(ModelReplyError("no answer"))
    assert str(result.error) == "no answer"
    assert str(result.result().failure) == "no answer"


def test_nobody_remembers_anything(database: Database) -> None:
    """A fresh database is no error."""
    outcome, result = ran(JOB, remembering(database, ScriptedModel(seen)))
    assert isinstance(outcome, Success)
    assert (result["bots"], result["memories_before"]) == ([], 0)
