"""Memories that change while a model thinks: what a plan rests on may not, all else may."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from building import day
from consolidating import NOW, ScriptedModel, reply
from databases import dump, opened, sql
from recollecting import (
    MEMORIES,
    NOVA,
    memories_in,
    recalled,
    remember,
    remember_all,
    remembering,
    seen,
    texts,
    values_asked,
)

from llm_maint.store import pins
from llm_maint.store.database import Database

CHESS, CLUB = "Plays chess on Tuesdays", "Plays chess on Tuesdays at the club"
TOMATOES = ("Grows tomatoes on the roof", "Grows tomatoes on the flat roof")


def _while_thinking(*does: Callable[[], object]) -> ScriptedModel:
    """Return a model that merges each pair, while other things happen; the first time alone."""
    left = list(does)

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        while left:
            left.pop()()
        said: dict[str, list[str]] = {}
        for row in asked["rows"]:
            said.setdefault(row["value"].split()[0], []).append(row["id"])
        answered = reply(asked)
        answered["groups"] = [
            {"reason": word, "op": "merge", "ids": ids}
            for word, ids in said.items()
            if len(ids) > 1
        ]
        return answered

    return ScriptedModel(answer)


def _remembered(database: Database) -> None:
    remember_all(database, CHESS, CLUB, *TOMATOES, access_count=1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE memories SET content = 'Plays chess no more' WHERE id = 'm1'",
        "UPDATE memories SET content = 'Plays chess no more' WHERE id = 'm2'",
        "UPDATE memories SET created_at = '2020-01-01 00:00:00' WHERE id = 'm1'",
        "DELETE FROM memories WHERE id = 'm1'",
        "DELETE FROM memories WHERE id = 'm2'",
    ],
)
def test_a_row_that_changed_drops_its_group_alone(database: Database, statement: str) -> None:
    """The other group stands, what somebody wrote stays, and is judged again next time."""
    _remembered(database)
    model = _while_thinking(lambda: sql(database, statement))
    done = recalled(remembering(database, model)).whole
    assert [refused.guard for refused in done.plan.refused] == ["changed_meanwhile"]
    left = texts(database)
    assert left.keys() >= ({"m1", "m2"} if "UPDATE" in statement else set())
    assert "m4" in left
    assert "m3" not in left
    again = recalled(remembering(database, model)).whole
    assert not again.unchanged


@pytest.mark.parametrize("touched", ["m1", "m2"])
def test_accesses_and_tags_meanwhile_drop_nothing(database: Database, touched: str) -> None:
    """An assistant reads memories all day: what it notes of that goes into who goes on."""
    _remembered(database)
    model = _while_thinking(
        lambda: sql(
            database,
            "UPDATE memories SET access_count = 40, last_accessed = '2026-02-02 00:00:00', "
            "tags = '[\"club\"]', importance = 0.9, source_message_ids = '[7]', "
            f"updated_at = '2026-01-20 00:00:00' WHERE id = '{touched}'",
        )
    )
    done = recalled(remembering(database, model)).whole
    assert done.plan.refused == ()
    row = memories_in(database)["m2"]
    assert (row.access_count, row.tags, row.source_message_ids) == (41, ("club",), (7,))
    assert (row.importance, str(row.last_accessed)[:10]) == (0.9, "2026-02-02")
    assert str(row.updated_at)[:10] == "2026-01-20"


def test_what_nobody_had_used_before_is_not_lost_either(database: Database) -> None:
    """Copies that were equal in all may differ when they fold."""
    remember_all(database, CHESS, CHESS, CLUB)
    gained = "UPDATE memories SET tags = '[\"club\"]', access_count = 3 WHERE id = 'm1'"
    recalled(remembering(database, _while_thinking(lambda: sql(database, gained))))
    (row,) = memories_in(database).values()
    assert (row.id, row.tags, row.access_count) == ("m3", ("club",), 3)


def test_a_memory_that_was_protected_meanwhile_is_not_touched(database: Database) -> None:
    """By a tag of the assistant's, or a pin of a person's."""
    _remembered(database)

    def protect() -> None:
        sql(database, "UPDATE memories SET tags = '[\"pinned\"]' WHERE id = 'm1'")
        with database.write() as connection:
            pins.pin(connection, NOVA, "m4", now=NOW)

    done = recalled(remembering(database, _while_thinking(protect))).whole
    assert len(texts(database)) == 4
    assert {refused.guard for refused in done.plan.refused} == {"protected"}


def test_a_memory_that_came_meanwhile_is_left_alone_and_asked_about_next(
    database: Database,
) -> None:
    """The plan does not know it."""
    _remembered(database)
    later = f"{CLUB} with Ana"
    model = _while_thinking(lambda: remember(database, later, id="new", updated_at=day(9)))
    recalled(remembering(database, model))
    assert texts(database)["new"] == later
    recalled(remembering(database, model))
    assert values_asked(model)[-1] == sorted([CLUB, later])


def test_what_another_process_has_already_done_is_not_done_twice(database: Database) -> None:
    """Both plan the same; the second finds the rows gone, and changes nothing."""
    _remembered(database)
    other = _while_thinking()
    model = _while_thinking(lambda: recalled(remembering(database, other)))
    done = recalled(remembering(database, model)).whole
    assert {refused.guard for refused in done.plan.refused} == {"changed_meanwhile"}
    assert texts(database).keys() == {"m2", "m4"}
    assert [row.access_count for row in memories_in(database).values()] == [2, 2]


def test_several_at_once_do_it_once(database: Database, database_url: str) -> None:
    """Whoever comes second finds the copies gone: no access is counted twice, none is lost."""
    for number in range(30):
        said = f"Practised piece {'abcdefghij'[number % 10]}"
        remember(database, said, updated_at=day(number), access_count=1)

    def fold() -> list[Exception]:
        other = opened(database_url, create=False)
        try:
            return recalled(remembering(other)).wrong
        finally:
            other.close()

    with ThreadPoolExecutor(4) as pool:
        wrong = [error for found in pool.map(lambda _: fold(), range(4)) for error in found]
    assert wrong == []
    assert [row.access_count for row in memories_in(database).values()] == [3] * 10
    recalled(remembering(database))
    assert recalled(remembering(database)).whole.unchanged


def test_no_transaction_is_open_while_a_model_thinks(database: Database) -> None:
    """An assistant may write to any memory meanwhile, and waits for nobody."""
    _remembered(database)
    model = _while_thinking(lambda: sql(database, "UPDATE memories SET stakes = 'low'"))
    done = recalled(remembering(database, model)).whole
    assert done.plan.refused == ()
    assert sql(database, "SELECT DISTINCT stakes FROM memories") == [("low",)]


def test_rows_on_which_others_depend_are_not_deleted(
    database: Database,
) -> None:
    """What a cascade takes along is in no journal, so nothing of the portion is written."""
    _remembered(database)
    before = dump(database, MEMORIES)
    _cascade(database)
    result = recalled(remembering(database, _while_thinking()))
    assert "ON DELETE CASCADE" in str(result.wrong[0])
    assert dump(database, MEMORIES) == before
    assert recalled(remembering(database, ScriptedModel(seen))).wrong == []


def _cascade(database: Database) -> None:
    sql(
        database,
        "CREATE TABLE notes (bot varchar(100), memory varchar(36), "
        "FOREIGN KEY (bot, memory) REFERENCES memories (bot_id, id) ON DELETE CASCADE)",
    )
