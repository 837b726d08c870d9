"""Job type `memory_decay`: it reports what has faded and, where it may, prunes within limits."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from building import day
from consolidating import NOW, ScriptedModel, context, reply, settings
from databases import dump, is_sqlite, sql
from recollecting import (
    MEMORIES,
    NOVA,
    column_of,
    memories_in,
    named,
    plans_of,
    ran,
    recalled,
    remember,
    remembering,
    texts,
)
from sqlalchemy.engine import Connection

from llm_maint.applying import occasion_for
from llm_maint.contract import JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Failure, Success
from llm_maint.errors import ExitCode, PlanRefusedError, UnknownNameError
from llm_maint.fading import fade
from llm_maint.jobs.memory_decay import JOB
from llm_maint.store import memories, pins, undo
from llm_maint.store.database import Database

PRUNES = {"prune": True}

FADED, FRESH = day(-700), day(20)


def _remember(
    database: Database,
    number: int,
    *,
    when: datetime = FADED,
    **columns: Any,  # noqa: ANN401 any column
) -> str:
    fields = {"importance": 0.5, "created_at": when, "updated_at": when, **columns}
    return remember(database, f"Saw film number {number}", **fields)


def _store(database: Database, *, faded: int, fresh: int) -> None:
    """Write memories that have faded, the first ones most, and some that have not."""
    for number in range(faded):
        _remember(database, number, when=day(-700 + number))
    for number in range(fresh):
        _remember(database, 1_000 + number, when=FRESH)


def _prunes(database: Database, **memory: Any) -> JobContext:  # noqa: ANN401 any setting
    return remembering(database, None, **{**PRUNES, **memory})


def test_a_report_is_all_there_is_by_default(database: Database) -> None:
    """Not a byte of any table is written."""
    _store(database, faded=2, fresh=3)
    before = dump(database)
    outcome, result = ran(JOB, remembering(database))
    assert isinstance(outcome, Success)
    assert dump(database) == before
    (line,) = result["bots"]
    assert (line["memories"], line["faded"], line["pruned"]) == (5, 2, 0)
    assert (line["prunes"], line["plan_id"]) == (False, None)
    assert line["accounting"] == {"kept": 0, "exempt": 3, "going": 2, "waiting": 0}
    assert (result["memories"], result["faded"], result["pruned"]) == (5, 2, 0)


def test_what_has_faded_goes_where_it_may(database: Database) -> None:
    """Other memories keep every byte: the faded value is written nowhere."""
    _store(database, faded=2, fresh=3)
    before = dump(database, MEMORIES)[MEMORIES]
    _, result = ran(JOB, _prunes(database))
    after = dump(database, MEMORIES)[MEMORIES]
    assert texts(database).keys() == {"m3", "m4", "m5"}
    assert set(after) < set(before)
    assert result["pruned"] == 2
    assert plans_of(database) == [("decay", "applied")]


def test_report_and_pruning_agree(database: Database) -> None:
    """What a report calls going, and in which order, is what goes; the numbers are the same."""
    _store(database, faded=6, fresh=30)
    dry = fade(replace(_prunes(database), dry_run=True), NOVA)
    report = fade(remembering(database), NOVA)
    there = texts(database).keys()
    done = fade(_prunes(database), NOVA)
    going = [each["id"] for each in report["prunable"] if each["fate"] == "going"]
    assert there - texts(database).keys() == set(going)
    assert done["pruned"] == len(going) == 4
    apart: dict[str, Any] = {"prunes": None, "pruned": 0, "plan_id": None, "plan_ids": []}
    assert [{**each, **apart} for each in (dry, report)] == [{**done, **apart}] * 2


def test_the_most_faded_go_first_and_no_more_than_the_loss_window_allows(
    database: Database,
) -> None:
    """12 % of the unprotected facts in seven days; the rest waits, and goes a week later."""
    _store(database, faded=10, fresh=40)
    _, result = ran(JOB, _prunes(database))
    assert result["pruned"] == 6
    assert texts(database).keys() == {f"m{number}" for number in range(7, 51)}
    (line,) = result["bots"]
    assert (line["accounting"]["going"], line["accounting"]["waiting"]) == (6, 4)
    _, result = ran(JOB, _prunes(database))
    assert (result["pruned"], result["bots"][0]["accounting"]["waiting"]) == (0, 4)
    later = replace(_prunes(database), clock=lambda: day(37))
    _, result = ran(JOB, later)
    assert result["pruned"] == 4


def test_copies_and_protected_memories_do_not_widen_what_may_go(database: Database) -> None:
    """The window is one of unprotected facts, each counted once."""
    _store(database, faded=8, fresh=0)
    for _ in range(25):
        remember(database, "Bakes bread on Sundays", importance=0.5, updated_at=FRESH)
    for number in range(25):
        _remember(database, 2_000 + number, when=FRESH, tags=["pinned"])
    _, result = ran(JOB, _prunes(database))
    assert result["pruned"] == 3


def test_consolidation_and_decay_share_one_window(database: Database) -> None:
    """What the one has lost the other may not lose as well."""
    look = column_of(database, 1, 0)
    for number in range(2):
        remember(database, f"Noise {number}", updated_at=FRESH, embedding=look)
    _store(database, faded=5, fresh=0)

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        return reply(asked, remove=named(asked, "Noise 0", "Noise 1"))

    assert recalled(remembering(database, ScriptedModel(answer))).whole.applied
    _, result = ran(JOB, _prunes(database))
    assert result["pruned"] == 1
    for number in range(2):
        remember(database, f"Noise {number}", updated_at=FRESH, embedding=look)
    held = recalled(remembering(database, ScriptedModel(answer))).whole.plan.held
    assert held is not None
    assert "after 3 in the last seven days" in held


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"tags": ["pinned"]}, "protected"),
        ({"importance": 0.9}, "important"),
        ({"tags": ["Recurring"]}, "recurring"),
        ({"last_accessed": FRESH}, "recent"),
        ({"importance": None}, "unrated"),
        ({"importance": 7.5}, "important"),
        ({"created_at": None, "updated_at": None}, "undated"),
    ],
)
def test_what_never_goes(database: Database, columns: dict[str, Any], reason: str) -> None:
    """However old it is; the report says why."""
    _remember(database, 1, **columns)
    _, result = ran(JOB, _prunes(database))
    assert len(texts(database)) == 1
    assert result["bots"][0]["exempt"][reason] == 1


def test_pins_and_columns_protect(database: Database) -> None:
    """A person's pin, and what the assistant marks itself."""
    sql(database, "ALTER TABLE memories ADD COLUMN protected boolean")
    _store(database, faded=3, fresh=0)
    sql(database, "UPDATE memories SET protected = true WHERE id = 'm2'")
    with database.write() as connection:
        pins.pin(connection, NOVA, "m3", now=NOW)
    ran(JOB, _prunes(database))
    assert texts(database).keys() == {"m2", "m3"}


def _before_the_write(monkeypatch: pytest.MonkeyPatch, database: Database, statement: str) -> None:
    """Let something happen between the report and the transaction that deletes."""
    locked = memories.lock_bot

    def lock(connection: Connection, entity: Entity) -> None:
        if is_sqlite(database):  # where only one may write: it is as if it had been there before
            connection.exec_driver_sql(statement)
        else:
            sql(database, statement)
        locked(connection, entity)

    monkeypatch.setattr(memories, "lock_bot", lock)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE memories SET last_accessed = '2026-02-01 00:00:00' WHERE id = 'm1'",
        "UPDATE memories SET importance = 0.9 WHERE id = 'm1'",
        "UPDATE memories SET tags = '[\"pinned\"]' WHERE id = 'm1'",
        "UPDATE memories SET tags = '[\"recurring\"]' WHERE id = 'm1'",
    ],
)
def test_what_somebody_has_come_back_to_meanwhile_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """It is looked at once more in the transaction that deletes; the others go."""
    _store(database, faded=2, fresh=1)
    _before_the_write(monkeypatch, database, statement)
    _, result = ran(JOB, _prunes(database))
    assert texts(database).keys() == {"m1", "m3"}
    assert result["pruned"] == 1


def test_what_is_gone_meanwhile_is_nothing_to_prune(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plan is written for nothing."""
    _store(database, faded=1, fresh=1)
    _before_the_write(monkeypatch, database, "DELETE FROM memories WHERE id = 'm1'")
    _, result = ran(JOB, _prunes(database))
    assert (result["pruned"], result["bots"][0]["plan_id"]) == (0, None)
    assert plans_of(database) == []


def test_what_another_process_has_lost_meanwhile_counts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window is looked at in the transaction that deletes: of four three have gone by then."""
    _store(database, faded=4, fresh=1)
    writes = JobContext.write

    @contextmanager
    def write(given: JobContext) -> Iterator[Connection]:
        if given is job:
            assert fade(_prunes(database), NOVA)["pruned"] == 3
        with writes(given) as connection:
            yield connection

    job = _prunes(database)
    monkeypatch.setattr(JobContext, "write", write)
    assert fade(job, NOVA)["pruned"] == 0
    assert plans_of(database) == [("decay", "applied")]


def test_what_was_pruned_comes_back_to_the_byte_and_stays(database: Database) -> None:
    """It is pinned, and so not pruned again; an undo of that lets it go."""
    _remember(database, 1, embedding=column_of(database, 1, 0.25), tags=["a"], access_count=3)
    before = dump(database, MEMORIES)
    _, result = ran(JOB, _prunes(database))
    assert texts(database) == {}
    occasion = occasion_for(remembering(database))
    undone = undo.undo_plan(database, result["bots"][0]["plan_id"], occasion)
    assert dump(database, MEMORIES) == before
    _, result = ran(JOB, _prunes(database))
    assert (result["pruned"], result["bots"][0]["exempt"]["protected"]) == (0, 1)
    undo.undo_plan(database, undone.plan_id, occasion)
    assert texts(database) == {}
    with database.read() as connection:
        assert pins.pins_of(connection, NOVA) == frozenset()


def test_what_was_brought_back_gives_its_room_in_the_window_back(database: Database) -> None:
    """A loss that was undone is none."""
    _store(database, faded=6, fresh=0)
    _, result = ran(JOB, _prunes(database))
    assert result["pruned"] == 3
    occasion = occasion_for(remembering(database))
    undo.undo_plan(database, result["bots"][0]["plan_id"], occasion)
    _, result = ran(JOB, _prunes(database))
    assert texts(database).keys() == {"m1", "m2", "m3"}


def test_a_memory_that_came_again_is_not_overwritten(database: Database) -> None:
    """A row of the same id may say something else by now."""
    _store(database, faded=1, fresh=0)
    _, result = ran(JOB, _prunes(database))
    remember(database, "Something else", id="m1")
    with pytest.raises(PlanRefusedError, match="m1"):
        undo.undo_plan(database, result["bots"][0]["plan_id"], occasion_for(remembering(database)))
    assert texts(database) == {"m1": "Something else"}


def test_a_dry_run_prunes_nothing(database: Database) -> None:
    """It tells what would go."""
    _store(database, faded=2, fresh=1)
    before = dump(database)
    _, result = ran(JOB, replace(_prunes(database), dry_run=True))
    assert dump(database) == before
    assert (result["pruned"], result["bots"][0]["accounting"]["going"]) == (0, 2)


def _messages(database: Database, *ids: int) -> None:
    sql(database, "CREATE TABLE messages (id integer)")
    for number in ids:
        sql(database, f"INSERT INTO messages VALUES ({number})")


def test_orphans_are_reported(database: Database) -> None:
    """Memories whose every message is gone; one that names none has not lost any."""
    _messages(database, 1, 2)
    _remember(database, 1, when=FRESH, source_message_ids=[1, 9])
    _remember(database, 2, when=FRESH, source_message_ids=[8, 9])
    _remember(database, 3, when=FRESH, source_message_ids=["1"])
    _remember(database, 4, when=FRESH)
    before = dump(database)
    _, result = ran(JOB, _prunes(database, messages_table="messages"))
    assert result["bots"][0]["orphans"] == 1
    assert dump(database) == before


def test_without_a_table_of_messages_nobody_knows_of_orphans(database: Database) -> None:
    """That is not the same as none."""
    _remember(database, 1, when=FRESH, source_message_ids=[8])
    _, result = ran(JOB, _prunes(database))
    assert result["bots"][0]["orphans"] is None


def test_orphans_are_pruned_only_where_asked(database: Database) -> None:
    """As long as nothing else keeps them: neither importance nor a recent access."""
    _messages(database, 1)
    old = day(-40)
    _remember(database, 1, when=old, source_message_ids=[9])
    _remember(database, 2, when=old, source_message_ids=[9], importance=0.8)
    _remember(database, 3, when=FRESH, source_message_ids=[9])
    _remember(database, 4, when=old, source_message_ids=[1])
    ran(JOB, _prunes(database, messages_table="messages"))
    assert len(texts(database)) == 4
    ran(JOB, _prunes(database, messages_table="messages", prune_orphans=True))
    assert texts(database).keys() == {"m2", "m3", "m4"}


def test_an_unknown_table_of_messages_is_an_error_that_names_the_setting(
    database: Database,
) -> None:
    """And the nearest table; nothing goes."""
    _messages(database)
    _store(database, faded=2, fresh=0)
    before = dump(database)
    outcome, result = ran(JOB, _prunes(database, messages_table="mesages"))
    assert isinstance(outcome, Failure)
    assert outcome.exit_code is ExitCode.CONFIGURATION
    assert "memory.messages_table" in outcome.error
    assert "did you mean 'messages'" in outcome.error
    assert result["bots"] == [{"bot_id": "nova", "error": outcome.error}]
    assert dump(database) == before


def test_memories_on_which_others_depend_are_not_pruned(database: Database) -> None:
    """What a cascade takes along is in no journal: a clear error, and nothing is written."""
    _store(database, faded=2, fresh=0)
    sql(
        database,
        "CREATE TABLE notes (bot varchar(100), memory varchar(36), "
        "FOREIGN KEY (bot, memory) REFERENCES memories (bot_id, id) ON DELETE CASCADE)",
    )
    before = dump(database)
    outcome, _ = ran(JOB, _prunes(database))
    assert isinstance(outcome, Failure)
    assert "the table notes refers to memories" in outcome.error
    assert dump(database) == before


def test_every_bot_has_a_window_of_its_own(database: Database) -> None:
    """And one that fails does not stop the others."""
    for bot in ("ada", "iris", "nova"):
        for number in range(5):
            _remember(database, number, bot_id=bot, id=f"{bot}{number}")
    broken = "infinity" if not is_sqlite(database) else "no time"
    sql(database, f"UPDATE memories SET created_at = '{broken}' WHERE id = 'iris0'")
    outcome, result = ran(JOB, _prunes(database))
    assert isinstance(outcome, Failure)
    assert [line.get("pruned") for line in result["bots"]] == [3, None, 3]
    assert (result["pruned"], result["failed"]) == (6, 1)


def test_a_job_of_one_bot_leaves_the_others_alone(database: Database) -> None:
    """An unknown one is an error that names the nearest."""
    for bot in ("ada", "nova"):
        _remember(database, 1, bot_id=bot, id=bot)
    given = settings(llm={}, memory=PRUNES)
    ran(JOB, context(database, settings=given, config={"bot_id": "ada"}))
    assert texts(database).keys() == {"nova"}
    with pytest.raises(UnknownNameError, match="did you mean 'nova'"):
        JOB.run(context(database, settings=given, config={"bot_id": "nowa"}))


def test_a_half_life_that_is_none_is_a_clear_error(database: Database) -> None:
    """It names what is wrong, and nothing goes."""
    _store(database, faded=1, fresh=0)
    outcome, _ = ran(JOB, _prunes(database, half_lives=("work=often",)))
    assert isinstance(outcome, Failure)
    assert "work=often" in outcome.error
    assert len(texts(database)) == 1


def test_tags_may_have_half_lives_of_their_own(database: Database) -> None:
    """What is to last lasts."""
    _remember(database, 1, tags=["Work"])
    _remember(database, 2, tags=["play"])
    ran(JOB, _prunes(database, half_lives=("work=3650",)))
    assert texts(database).keys() == {"m1"}


def test_pruned_memories_leave_no_vector_of_ours(database: Database) -> None:
    """Nor do they look like anything any more."""
    _store(database, faded=1, fresh=1)
    model = ScriptedModel(reply, vector=lambda text: text.encode()[:4])
    recalled(remembering(database, model, embedding_model="e"))
    assert len(sql(database, "SELECT 1 FROM maintenance_memory_vectors")) == 2
    ran(JOB, _prunes(database))
    assert sql(database, "SELECT row_id FROM maintenance_memory_vectors") == [("m2",)]
    assert list(memories_in(database)) == ["m2"]


def test_nothing_is_logged_where_all_is_well(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Cron hears nothing."""
    _store(database, faded=1, fresh=1)
    with caplog.at_level(logging.WARNING):
        ran(JOB, _prunes(database))
    assert caplog.messages == []
