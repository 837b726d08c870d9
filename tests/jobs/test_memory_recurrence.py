"""Job type `memory_recurrence`: it tags what comes up again and again, and takes the tag off."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from building import day
from consolidating import context
from databases import add_profile, dump, is_sqlite, sql
from recollecting import (
    MEMORIES,
    NOVA,
    memories_in,
    plans_of,
    ran,
    recalled,
    remember,
    remember_all,
    remembering,
)

from llm_maint.applying import occasion_for
from llm_maint.domain.entity import Entity
from llm_maint.domain.recurrence import Recurring, recurring
from llm_maint.domain.runs import Failure, Success
from llm_maint.errors import UnknownNameError
from llm_maint.jobs.memory_recurrence import JOB
from llm_maint.recurring import tag_recurring
from llm_maint.store import undo
from llm_maint.store.database import Database

CHESS = ("Plays chess with Ana", "Won a chess game", "Bought a chess board")
OTHERS = ("Bakes bread", "Sings alto", "Grows roses", "Owns a boat", "Reads poems", "Skis badly")


def _told(database: Database, *contents: str, bot: str = "nova", first: int = 0) -> list[str]:
    """Insert memories, each of a day of its own."""
    return [
        remember(
            database, said, bot_id=bot, id=f"{bot}-{number}", created_at=day(number), tags=["x"]
        )
        for number, said in enumerate(contents, first)
    ]


def _tagged(database: Database, bot: Entity = NOVA) -> set[str]:
    return {row.content for row in memories_in(database, bot).values() if "recurring" in row.tags}


def test_a_theme_of_three_days_is_tagged(database: Database) -> None:
    """All memories in which it stands, and no others; what else they are tagged with stays."""
    _told(database, *CHESS, *OTHERS)
    outcome, result = ran(JOB, remembering(database))
    assert isinstance(outcome, Success)
    assert _tagged(database) == {*CHESS}
    assert {row.tags for row in memories_in(database).values()} == {("x",), ("x", "recurring")}
    (line,) = result["bots"]
    assert (line["bot_id"], line["tagged"], line["untagged"]) == ("nova", 3, 0)
    assert line["themes"] == [{"word": "chess", "occasions": 3, "memories": 3}]
    assert (result["recurring"], result["tagged"], result["untagged"]) == (3, 3, 0)


def test_nothing_but_the_tag_is_written(database: Database) -> None:
    """Not even when the memory was last updated; and no other memory."""
    _told(database, *CHESS, *OTHERS)
    before = {row.id: row.image for row in memories_in(database, whole=True).values()}
    ran(JOB, remembering(database))
    for row in memories_in(database, whole=True).values():
        assert row.image == {**before[row.id], "tags": row.image["tags"]}
        assert (row.image == before[row.id]) is (row.content not in CHESS)


def test_an_unchanged_store_is_not_written(database: Database) -> None:
    """A second run finds the same, and leaves every byte of every table."""
    _told(database, *CHESS, *OTHERS)
    ran(JOB, remembering(database))
    before = dump(database)
    _, result = ran(JOB, remembering(database))
    assert dump(database) == before
    (line,) = result["bots"]
    assert (line["recurring"], line["tagged"], line["untagged"]) == (3, 0, 0)
    assert line["plan_ids"] == []


def test_the_tag_is_taken_off_where_it_holds_no_longer(database: Database) -> None:
    """A theme recurs as long as it is told; what is left of it does not."""
    _told(database, *CHESS, *OTHERS)
    ran(JOB, remembering(database))
    sql(database, "DELETE FROM memories WHERE id = 'nova-0'")
    _, result = ran(JOB, remembering(database))
    assert _tagged(database) == set()
    assert (result["tagged"], result["untagged"]) == (0, 2)
    assert plans_of(database) == [("recurrence", "applied")] * 2


def test_every_tag_is_journalled_and_can_be_undone(database: Database) -> None:
    """To the byte; and the undo can be undone."""
    _told(database, *CHESS, *OTHERS)
    before = dump(database, MEMORIES)
    _, result = ran(JOB, remembering(database))
    after = dump(database, MEMORIES)
    effects = sql(database, "SELECT effect, count(*) FROM maintenance_journal GROUP BY effect")
    assert effects == [("tagged", 3)]
    (plan_id,) = result["bots"][0]["plan_ids"]
    occasion = occasion_for(remembering(database))
    undone = undo.undo_plan(database, plan_id, occasion)
    assert dump(database, MEMORIES) == before
    undo.undo_plan(database, undone.plan_id, occasion)
    assert dump(database, MEMORIES) == after


def test_accesses_since_do_not_hinder_an_undo(database: Database) -> None:
    """Of a memory only the tags were written, so only these are put back."""
    _told(database, *CHESS, *OTHERS)
    _, result = ran(JOB, remembering(database))
    sql(database, "UPDATE memories SET access_count = 8")
    occasion = occasion_for(remembering(database))
    undo.undo_plan(database, result["bots"][0]["plan_ids"][0], occasion)
    assert _tagged(database) == set()
    assert {row.access_count for row in memories_in(database).values()} == {8}


def test_tags_that_were_edited_since_outlive_an_undo(database: Database) -> None:
    """It takes off the one tag that was put on, and leaves the others as they are by now."""
    _told(database, *CHESS, *OTHERS)
    _, result = ran(JOB, remembering(database))
    sql(database, "UPDATE memories SET tags = '[\"mine\", \"recurring\"]' WHERE id = 'nova-1'")
    sql(database, "UPDATE memories SET tags = '[\"mine\"]' WHERE id = 'nova-2'")
    (plan_id,) = result["bots"][0]["plan_ids"]
    undo.undo_plan(database, plan_id, occasion_for(remembering(database)))
    found = memories_in(database)
    assert (found["nova-1"].tags, found["nova-2"].tags) == (("mine",), ("mine",))
    assert _tagged(database) == set()


def test_a_dry_run_writes_nothing_and_tells_what_it_would_do(database: Database) -> None:
    """The numbers are those of the real run."""
    _told(database, *CHESS, *OTHERS)
    before = dump(database)
    _, dry = ran(JOB, replace(remembering(database), dry_run=True))
    assert dump(database) == before
    _, real = ran(JOB, remembering(database))
    assert [{**line, "plan_ids": []} for line in real["bots"]] == dry["bots"]


def test_how_often_is_a_setting(database: Database) -> None:
    """Four days are not three."""
    _told(database, *CHESS, *OTHERS)
    ran(JOB, remembering(database, recurrence_threshold=4))
    assert _tagged(database) == set()


def test_days_on_which_copies_were_told_count_after_they_were_folded(database: Database) -> None:
    """What was said on three days in the same words is one memory by then, and still recurs."""
    for number in range(3):
        remember(database, "Plays chess with Ana", created_at=day(number), updated_at=day(number))
    remember_all(database, *OTHERS)
    recalled(remembering(database))
    assert len(memories_in(database)) == 7
    ran(JOB, remembering(database))
    assert _tagged(database) == {"Plays chess with Ana"}


def test_days_of_a_fold_that_was_undone_do_not_count_twice(database: Database) -> None:
    """Then the copies are there again, and speak for themselves."""
    for number in range(3):
        remember(database, "Plays chess with Ana", created_at=day(number), updated_at=day(number))
    remember_all(database, *OTHERS)
    done = recalled(remembering(database)).whole
    assert done.plan_id is not None
    undo.undo_plan(database, done.plan_id, occasion_for(remembering(database)))
    sql(database, "DELETE FROM memories WHERE id IN ('m1', 'm2')")
    ran(JOB, remembering(database))
    assert _tagged(database) == set()


def test_names_of_the_bot_and_of_whom_it_knows_are_no_themes(database: Database) -> None:
    """They are in every memory."""
    add_profile(database, display_name="Marguerite")
    said = [f"Marguerite told nova of {what}" for what in ("bread", "roses", "boats")]
    _told(database, *said, *OTHERS[:4])
    _, result = ran(JOB, remembering(database))
    words = {theme["word"] for line in result["bots"] for theme in line["themes"]}
    assert words.isdisjoint({"marguerite", "nova"})


def test_every_bot_has_themes_of_its_own(database: Database) -> None:
    """What one was told on a day is no day of another."""
    _told(database, *CHESS[:2], *OTHERS, bot="ada")
    _told(database, *CHESS, *OTHERS, bot="iris")
    _, result = ran(JOB, remembering(database))
    assert [line["bot_id"] for line in result["bots"]] == ["ada", "iris"]
    assert _tagged(database, Entity.remembering("ada")) == set()
    assert len(_tagged(database, Entity.remembering("iris"))) == 3


def test_a_job_of_one_bot_leaves_the_others_alone(database: Database) -> None:
    """An unknown one is an error that names the nearest."""
    _told(database, *CHESS, *OTHERS, bot="ada")
    _told(database, *CHESS, *OTHERS, bot="iris")
    ran(JOB, context(database, config={"bot_id": "iris"}))
    assert _tagged(database, Entity.remembering("ada")) == set()
    with pytest.raises(UnknownNameError, match="did you mean 'iris'"):
        JOB.run(context(database, config={"bot_id": "irris"}))


def test_one_bot_that_fails_does_not_stop_the_others(database: Database) -> None:
    """It stays as it was; the run has failed, and says at what."""
    _told(database, *CHESS, *OTHERS, bot="ada")
    _told(database, *CHESS, *OTHERS, bot="iris")
    time = "infinity" if not is_sqlite(database) else "no time"
    sql(database, f"UPDATE memories SET created_at = '{time}' WHERE id = 'ada-4'")
    outcome, result = ran(JOB, remembering(database))
    assert isinstance(outcome, Failure)
    assert "ada-4" in outcome.error
    assert [line["error"] is None for line in result["bots"]] == [False, True]
    assert result["failed"] == 1
    assert len(_tagged(database, Entity.remembering("iris"))) == 3


def test_many_memories_are_tagged_in_portions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a transaction and a plan, so that no lock is long and a kill loses little."""
    monkeypatch.setattr("llm_maint.recurring.PORTION", 2)
    _told(database, *CHESS, *OTHERS)
    _, result = ran(JOB, remembering(database))
    assert len(result["bots"][0]["plan_ids"]) == 2
    assert plans_of(database) == [("recurrence", "applied")] * 2
    assert _tagged(database) == {*CHESS}


def test_tags_written_while_it_looks_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tag is added to what is there at the write."""
    _told(database, *CHESS, *OTHERS)

    def slow(*arguments: Any, **more: Any) -> Recurring:  # noqa: ANN401 whatever there is
        themes = recurring(*arguments, **more)
        sql(database, "UPDATE memories SET tags = '[\"new\"]' WHERE id = 'nova-0'")
        sql(database, "DELETE FROM memories WHERE id = 'nova-1'")
        return themes

    monkeypatch.setattr("llm_maint.recurring.recurring", slow)
    tag_recurring(remembering(database), NOVA)
    left = memories_in(database)
    assert left["nova-0"].tags == ("new", "recurring")
    assert "nova-1" not in left


def test_too_many_tagged_memories_are_told_of_in_the_result(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A tag that nearly all bear keeps nearly all from being pruned: no mail of cron's is due."""
    _told(database, *CHESS, "Bakes bread")
    with caplog.at_level(logging.INFO):
        _, result = ran(JOB, remembering(database))
    told = result["bots"][0]["warning"]
    assert "memory.recurrence_threshold" in told
    assert [(each.levelno, told in each.message) for each in caplog.records] == [
        (logging.INFO, True)
    ]


@pytest.mark.parametrize("written", ["[]", "null", None])
def test_a_memory_without_tags_gets_its_first(database: Database, written: str | None) -> None:
    """Whether its list is empty, or there is none."""
    _told(database, *CHESS, *OTHERS)
    sql(database, "UPDATE memories SET tags = :tags", tags=written)
    ran(JOB, remembering(database))
    assert {row.tags for row in memories_in(database).values()} == {(), ("recurring",)}


@pytest.mark.parametrize("written", ['["a", null, {"b": 1}]', '{"a": true}', '"work"', "true"])
def test_tags_that_are_no_list_of_texts_lose_nothing(database: Database, written: str) -> None:
    """What an assistant keeps there in a way of its own is not ours to rewrite, nor counted."""
    _told(database, *CHESS, *OTHERS)
    sql(database, "UPDATE memories SET tags = :tags", tags=written)
    before = dump(database)
    _, result = ran(JOB, remembering(database))
    assert dump(database) == before
    (line,) = result["bots"]
    assert (line["recurring"], line["tagged"], line["plan_ids"]) == (3, 0, [])


def test_numbers_among_the_tags_stay_numbers(database: Database) -> None:
    """The tag is put beside them."""
    _told(database, *CHESS, *OTHERS)
    sql(database, "UPDATE memories SET tags = '[1, 2]' WHERE id = 'nova-0'")
    ran(JOB, remembering(database))
    found = memories_in(database)["nova-0"].image["tags"]
    assert found == '[1, 2, "recurring"]'


def test_a_table_without_tags_is_told_of_and_left_alone(database: Database) -> None:
    """There is nowhere to write them: the themes are a report then."""
    sql(database, "ALTER TABLE memories DROP COLUMN tags")
    for number, said in enumerate([*CHESS, *OTHERS]):
        remember(database, said, created_at=day(number))
    before = dump(database)
    _, result = ran(JOB, remembering(database))
    assert dump(database) == before
    (line,) = result["bots"]
    assert (line["recurring"], line["tagged"], line["plan_ids"]) == (3, 0, [])
