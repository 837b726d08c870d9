"""Consolidating memories again and again: only what is new travels, and what it looks like."""

from typing import Any

import pytest
from building import day
from consolidating import NOW, ScriptedModel, context, reply, settings
from databases import dump, sql
from recollecting import (
    MEMORIES,
    NOVA,
    column_of,
    memories_in,
    merging,
    plans_of,
    recalled,
    remember,
    remember_all,
    remembering,
    seen,
    texts,
    values_asked,
)

from llm_maint.applying import occasion_for
from llm_maint.domain.judge import Op
from llm_maint.store import pins, undo
from llm_maint.store.database import Database

CHESS, CLUB = "Plays chess on Tuesdays", "Plays chess on Tuesdays at the club"
BREAD = "Bakes sourdough bread every weekend"
CHOIR = "Sings alto in the parish choir"


@pytest.mark.parametrize("asks", [False, True], ids=["no model", "a model"])
def test_an_unchanged_store_is_neither_asked_about_nor_written(
    database: Database, *, asks: bool
) -> None:
    """A second run costs no call and changes no byte of any table."""
    remember_all(database, CHESS, CHESS, CLUB, BREAD)
    model = merging([CHESS, CLUB]) if asks else None
    recalled(remembering(database, model))
    before, calls = dump(database), len(model.asked) if model else 0
    again = recalled(remembering(database, model)).whole
    assert (again.unchanged, again.applied, again.plan.operations) == (True, False, ())
    assert dump(database) == before
    assert model is None or len(model.asked) == calls


def test_one_new_memory_sends_only_itself_and_what_it_looks_like(database: Database) -> None:
    """What was judged does not travel again, be it alike or not."""
    pairs = ("Grows tomatoes on the roof", "Grows tomatoes on the flat roof")
    remember_all(database, CHESS, CLUB, *pairs, BREAD)
    model = ScriptedModel(seen)
    recalled(remembering(database, model))
    model.asked.clear()
    remember(database, f"{CLUB} with Ana", updated_at=day(9))
    recalled(remembering(database, model))
    assert values_asked(model) == [sorted([CHESS, CLUB, f"{CLUB} with Ana"])]


def test_a_new_memory_that_is_like_none_costs_nothing(database: Database) -> None:
    """It is known from then on, and may be what a later one looks like."""
    remember_all(database, CHESS, BREAD)
    model = merging([CHOIR, f"{CHOIR} on Sundays"])
    recalled(remembering(database, model))
    remember(database, CHOIR, updated_at=day(8))
    recalled(remembering(database, model))
    assert model.asked == []
    remember(database, f"{CHOIR} on Sundays", updated_at=day(9))
    recalled(remembering(database, model))
    assert values_asked(model) == [[CHOIR, f"{CHOIR} on Sundays"]]
    assert f"{CHOIR} on Sundays" in texts(database).values()
    assert CHOIR not in texts(database).values()


def test_a_changed_text_is_a_new_memory(database: Database) -> None:
    """Whoever edits it has it judged again."""
    remember_all(database, CHESS, CLUB)
    model = ScriptedModel(seen)
    recalled(remembering(database, model))
    sql(database, "UPDATE memories SET content = :text WHERE id = 'm1'", text=f"{CHESS} evenings")
    assert not recalled(remembering(database, model)).whole.unchanged
    assert len(model.asked) == 2


@pytest.mark.parametrize(
    "touched",
    ["access_count = 9", "last_accessed = '2026-02-01 00:00:00'", "tags = '[\"x\"]'"],
)
def test_an_assistant_that_reads_a_memory_makes_it_nothing_new(
    database: Database, touched: str
) -> None:
    """Times and counts of accesses, and tags, are no part of what was judged."""
    remember_all(database, CHESS, CLUB)
    model = ScriptedModel(seen)
    recalled(remembering(database, model))
    sql(database, f"UPDATE memories SET {touched}")
    assert recalled(remembering(database, model)).whole.unchanged


def test_a_copy_of_what_is_known_folds_without_a_question(database: Database) -> None:
    """Whichever of both goes on."""
    remember_all(database, CHESS, CLUB)
    model = ScriptedModel(seen)
    recalled(remembering(database, model))
    remember(database, CHESS, updated_at=day(20))
    recalled(remembering(database, model))
    assert texts(database) == {"m2": CLUB, "m3": CHESS}
    assert len(model.asked) == 1
    assert recalled(remembering(database, model)).whole.unchanged


def test_another_model_may_see_more(database: Database) -> None:
    """Without one, or with another, everything is new; the model of profiles judges memories."""
    remember_all(database, CHESS, CLUB)
    recalled(remembering(database))
    model = ScriptedModel(seen)
    recalled(remembering(database, model))
    assert len(model.asked) == 1
    other = settings(profile_maintenance={"model": "another"})
    recalled(context(database, model, settings=other))
    assert len(model.asked) == 2


def test_what_was_undone_is_not_done_again(database: Database) -> None:
    """A person's undo stands, of folds and merges, until a text changes."""
    remember_all(database, CHESS, CHESS, CLUB)
    before = dump(database, MEMORIES)
    job = remembering(database, merging([CHESS, CLUB]))
    done = recalled(job).whole
    assert done.plan_id is not None
    assert len(texts(database)) == 1
    undo.undo_plan(database, done.plan_id, occasion_for(job))
    assert dump(database, MEMORIES) == before
    assert recalled(job).whole.unchanged
    assert dump(database, MEMORIES) == before


def test_a_pinned_memory_is_never_changed(database: Database) -> None:
    """What says more than it does not go into it, and so neither of the two changes."""
    remember_all(database, CHESS, CLUB)
    with database.write() as connection:
        pins.pin(connection, NOVA, "m1", now=NOW)
    before = dump(database, MEMORIES)
    done = recalled(remembering(database, merging([CHESS, CLUB]))).whole
    assert dump(database, MEMORIES) == before
    assert [refused.guard for refused in done.plan.refused] == ["coverage"]


def test_young_memories_wait(database: Database) -> None:
    """They are not folded, sent or counted as known before they are old enough."""
    remember_all(database, CHESS, CHESS)
    remember(database, CHESS, updated_at=NOW)
    model = ScriptedModel(seen)
    done = recalled(remembering(database, model, min_age_minutes=60)).whole
    assert done.plan.read == 3
    assert texts(database) == {"m2": CHESS, "m3": CHESS}
    recalled(remembering(database, model))
    assert texts(database) == {"m3": CHESS}


def test_a_conflict_is_told_beside_a_new_memory_that_is_like_one_side(database: Database) -> None:
    """Nothing is decided by it, so the conflict is told as before."""
    rows = [("Was born in Oslo", (1, 0)), ("Was born in Bergen", (0.8, 0.6))]
    for text, vector in rows:
        remember(database, text, embedding=column_of(database, *vector))
    model = merging([text for text, _ in rows], op="conflict")
    recalled(remembering(database, model))
    remember(database, "Went to school in Bergen", embedding=column_of(database, 0.2, 0.98))
    recalled(remembering(database, model))
    assert values_asked(model)[1] == ["Was born in Bergen", "Went to school in Bergen"]
    told = recalled(remembering(database, model)).whole
    assert told.unchanged
    assert [(op.op, op.row_ids) for op in told.plan.operations] == [(Op.CONFLICT, ("m1", "m2"))]


def test_what_the_model_did_not_review_is_asked_about_once_more_and_then_known(
    database: Database,
) -> None:
    """It stays, counted as unreviewed, and does not travel for ever."""
    remember_all(database, CHESS, CLUB)

    def silent(asked: dict[str, Any]) -> dict[str, Any]:
        return {**reply(asked), "reviewed": []}

    model = ScriptedModel(silent)
    done = recalled(remembering(database, model)).whole
    assert done.plan.accounting()["unreviewed"] == 2
    assert len(model.asked) == 2
    assert recalled(remembering(database, model)).whole.unchanged


def test_a_text_of_the_model_may_be_merged_on_but_not_for_ever(database: Database) -> None:
    """Three times a model's text is written into a memory; then it is kept verbatim."""
    look = column_of(database, 1, 0)
    said = ["Adopted a cat"]
    remember(database, said[0], embedding=look)
    for number, word in enumerate(["grey", "lazy", "old", "small"], start=1):
        remember(database, f"Adopted a cat {word}", updated_at=day(-number), embedding=look)
        new = f"{said[-1]}, {word}"

        def answer(asked: dict[str, Any], new: str = new) -> dict[str, Any]:
            ids = [row["id"] for row in asked["rows"]]
            answered = reply(asked)
            answered["groups"] = [{"reason": "one", "op": "merge", "ids": ids, "value": new}]
            return answered

        recalled(remembering(database, ScriptedModel(answer)))
        said.append(new)
    assert texts(database)["m1"] == said[3]
    assert len(memories_in(database)) == 2


def test_only_a_run_that_changes_something_is_a_plan(database: Database) -> None:
    """What is known to be judged is kept apart from what can be undone."""
    remember_all(database, CHESS, CLUB)
    recalled(remembering(database, merging([CHESS, CLUB])))
    remember(database, BREAD)
    recalled(remembering(database, merging([CHESS, CLUB])))
    assert plans_of(database) == [("consolidation", "applied")]
