"""Many memories are consolidated in portions: each is asked about, and applied, by itself."""

from dataclasses import replace
from typing import Any

import pytest
from building import day
from consolidating import ScriptedModel, reply
from databases import dump
from recollecting import (
    MEMORIES,
    column_of,
    plans_of,
    ran,
    recalled,
    remember,
    remember_all,
    remembering,
    seen,
    texts,
    values_asked,
)

from llm_maint.applying import apply_held, occasion_for
from llm_maint.domain.settlement import exit_code_of
from llm_maint.errors import ExitCode, ModelReplyError
from llm_maint.jobs.memory_consolidation import JOB
from llm_maint.store import plans, undo
from llm_maint.store.database import Database

TOPICS = ("chess", "bread", "choir", "roses", "violin")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a portion have no more than four memories."""
    monkeypatch.setattr(portioning, "PORTION", 4)


def _texts(topic: str, number: int) -> list[str]:
    days = (
        "in the morning",
        "in the morning again",
        "in the morning once more",
        "in the morning too",
    )
    return [f"Practised {topic} {when}" for when in days[:number]]


def _fill(database: Database, topics: int, each: int) -> None:
    """Write memories of some topics; of one topic they look alike, of two they do not."""
    for place, topic in enumerate(TOPICS[:topics]):
        axis = [float(place == other) for other in range(len(TOPICS))]
        remember_all(database, *_texts(topic, each), embedding=column_of(database, *axis))


def _superseding(*fails: str) -> ScriptedModel:
    """Return a model that lets the newest of each topic go on, and fails at some."""

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        of_topic: dict[str, list[str]] = {}
        for row in asked["rows"]:
            topic = row["value"].split()[1]
            if topic in fails:
                raise ModelReplyError(f"not about {topic}")
            of_topic.setdefault(topic, []).append(row["id"])
        answered = reply(asked)
        answered["groups"] = [
            {"reason": topic, "op": "supersede", "ids": ids}
            for topic, ids in of_topic.items()
            if len(ids) > 1
        ]
        return answered

    return ScriptedModel(answer)


def _topics(database: Database) -> dict[str, int]:
    """Return how many memories of each topic there are."""
    found = dict.fromkeys(TOPICS, 0)
    for text in texts(database).values():
        found[text.split()[1]] += 1
    return {topic: count for topic, count in found.items() if count}


def test_each_portion_is_a_plan_of_its_own(database: Database) -> None:
    """Whole groups of look-alikes fill a portion; all are told as one."""
    _fill(database, 3, 2)
    done = recalled(remembering(database, model := _superseding())).whole
    assert [len(asked) for asked in values_asked(model)] == [4, 2]
    assert plans_of(database) == [("consolidation", "applied")] * 2
    assert (done.applied, len(done.plan_ids)) == (True, 2)
    assert (done.plan.read, done.plan.left_over) == (6, 3)
    assert done.plan.accounting()["superseded"] == 3
    assert _topics(database) == {"chess": 1, "bread": 1, "choir": 1}


def test_each_portion_is_undone_by_itself(database: Database) -> None:
    """And all of them together bring every byte back."""
    _fill(database, 3, 2)
    before = dump(database, MEMORIES)
    job = remembering(database, _superseding())
    for plan_id in recalled(job).whole.plan_ids:
        undo.undo_plan(database, plan_id, occasion_for(job))
    assert dump(database, MEMORIES) == before
    assert recalled(job).whole.unchanged


def test_a_portion_that_fails_keeps_the_others(database: Database) -> None:
    """The run says what failed; the next one asks about that alone."""
    _fill(database, 4, 2)
    result = recalled(remembering(database, _superseding("choir")))
    assert [str(error) for error in result.wrong] == ["not about choir"]
    assert _topics(database) == {"chess": 1, "bread": 1, "choir": 2, "roses": 2}
    model = _superseding()
    recalled(remembering(database, model, max_loss_ratio=1.0))
    assert [len(asked) for asked in values_asked(model)] == [4]
    assert _topics(database) == {"chess": 1, "bread": 1, "choir": 1, "roses": 1}


def test_a_process_that_dies_between_two_portions_has_done_the_first(database: Database) -> None:
    """What follows does only the rest, and then there is nothing left."""
    _fill(database, 4, 2)

    superseding = _superseding()

    class Died(BaseException):
        """No `except Exception` stops it."""

    def answer(asked: dict[str, Any]) -> object:
        if any("choir" in row["value"] for row in asked["rows"]):
            raise Died
        return superseding.script(asked)

    with pytest.raises(Died):
        recalled(remembering(database, ScriptedModel(answer)))
    assert _topics(database) == {"chess": 1, "bread": 1, "choir": 2, "roses": 2}
    job = remembering(database, model := _superseding(), max_loss_ratio=1.0)
    recalled(job)
    assert [len(asked) for asked in values_asked(model)] == [4]
    assert _topics(database) == {"chess": 1, "bread": 1, "choir": 1, "roses": 1}
    assert recalled(job).whole.unchanged


def test_a_result_tells_what_was_done_beside_what_failed(database: Database) -> None:
    """The bot counts as failed, with the numbers of what was applied all the same."""
    _fill(database, 4, 2)
    outcome, result = ran(JOB, remembering(database, _superseding("choir")))
    assert exit_code_of(outcome) is ExitCode.JOB_FAILED
    (line,) = result["bots"]
    assert (line["memories_before"], line["memories_after"]) == (8, 6)
    assert (line["applied"], line["error"]) == (True, "not about choir")
    assert result["failed"] == 1


def test_duplicates_alone_are_folded_in_portions_too(database: Database) -> None:
    """Nobody is asked; each portion is a plan, so that a kill loses little."""
    for topic in TOPICS:
        remember_all(database, f"Practised {topic}", f"practised  {topic}")
    done = recalled(remembering(database)).whole
    assert plans_of(database) == [("consolidation", "applied")] * 3
    assert done.plan.accounting()["merged"] == 5
    assert recalled(remembering(database)).whole.unchanged


def test_many_copies_of_one_text_are_one_fold(database: Database) -> None:
    """A group is never cut: it has one winner."""
    remember_all(database, *["Practised chess"] * 11)
    recalled(remembering(database))
    assert len(texts(database)) == 1


def test_more_look_alikes_than_a_portion_has_become_one_over_some_runs(database: Database) -> None:
    """Each run merges what meets; the winners of the one meet in the next."""
    look = column_of(database, 1, 0)
    for number in range(20):
        said = f"Practised chess{' again' * number}"
        remember(database, said, updated_at=day(number), embedding=look)
    job = remembering(database, _superseding(), max_cluster_rows=3, max_loss_ratio=1.0)
    sizes = []
    while not recalled(job).whole.unchanged:
        sizes.append(len(texts(database)))
        assert len(sizes) < 12
    assert sizes[-1] == 1
    assert sizes == sorted(sizes, reverse=True)


def test_a_held_portion_stops_no_other(database: Database) -> None:
    """Four rows would go of one portion: more than three need a person. The other is applied."""
    _fill(database, 1, 2)
    axis = [0.0, 0.0, 0.0, 0.0, 1.0]
    violin = _texts("violin", 4)
    remember_all(database, *violin, embedding=column_of(database, *axis))
    model = _removing_violins()
    outcome, result = ran(JOB, remembering(database, model))
    assert exit_code_of(outcome) is ExitCode.HELD
    (line,) = result["bots"]
    assert (line["held"], line["applied"], result["held"]) == (True, True, 1)
    assert _topics(database) == {"chess": 1, "violin": 4}
    assert sorted(plans_of(database)) == [("consolidation", "applied"), ("consolidation", "held")]


def _removing_violins() -> ScriptedModel:
    superseding = _superseding()

    def answer(asked: dict[str, Any]) -> object:
        violins = [row["id"] for row in asked["rows"] if "violin" in row["value"]]
        if violins:
            return reply(asked, remove=violins)
        return superseding.script(asked)

    return ScriptedModel(answer)


def _held(database: Database) -> list[plans.StoredPlan]:
    with database.read() as connection:
        return plans.list_plans(connection, limit=None, status=plans.HELD)


def test_a_held_portion_is_told_again_and_applied_after_review(database: Database) -> None:
    """It costs no call meanwhile; once it is applied there is nothing left to do."""
    axis = [0.0, 0.0, 0.0, 0.0, 1.0]
    remember_all(database, *_texts("violin", 4), embedding=column_of(database, *axis))
    job = remembering(database, model := _removing_violins())
    first = recalled(job).whole
    calls = len(model.asked)
    before = dump(database)
    again = recalled(job).whole
    assert (again.held, again.unchanged, again.plan_id) == (True, True, first.plan_id)
    assert (len(model.asked), dump(database)) == (calls, before)
    (stored,) = _held(database)
    done = apply_held(job, stored)
    assert (done.applied, done.plan_id) == (True, first.plan_id)
    assert texts(database) == {}


def test_copies_in_a_held_portion_wait_with_it(database: Database) -> None:
    """Folding them by themselves would outdate the plan that a person is to look at."""
    axis = [0.0, 0.0, 0.0, 0.0, 1.0]
    look = column_of(database, *axis)
    remember_all(database, *_texts("violin", 4), embedding=look)
    remember(database, _texts("violin", 1)[0].upper(), embedding=look)
    job = remembering(database, model := _removing_violins())
    first = recalled(job).whole
    calls, before = len(model.asked), dump(database)
    again = recalled(job).whole
    assert (again.unchanged, again.to_review) == (True, first.to_review)
    assert (len(model.asked), dump(database)) == (calls, before)
    remember(database, "Practised roses", embedding=column_of(database, 0, 0, 0, 1, 0))
    recalled(job)
    assert [plan.id for plan in _held(database)] == [first.plan_id]
    assert apply_held(job, _held(database)[0]).applied
    assert _topics(database) == {"roses": 1}


def test_every_portion_that_is_held_is_told_again(database: Database) -> None:
    """Whoever applied the one would not know of the other."""
    _fill(database, 2, 4)

    def answer(asked: dict[str, Any]) -> object:
        return reply(asked, remove=[row["id"] for row in asked["rows"]])

    job = remembering(database, ScriptedModel(answer))
    first = recalled(job).whole
    again = recalled(job).whole
    assert len(first.to_review) == 2
    assert again.unchanged
    assert sorted(again.to_review) == sorted(first.to_review)
    apply_held(job, _held(database)[0])
    assert len(recalled(job).whole.to_review) == 1


def test_a_new_memory_elsewhere_leaves_a_held_portion_as_it_is(database: Database) -> None:
    """Only a plan about its own rows outdates it."""
    axis = [0.0, 0.0, 0.0, 0.0, 1.0]
    look = column_of(database, *axis)
    remember_all(database, *_texts("violin", 4), embedding=look)
    job = remembering(database, model := _removing_violins())
    recalled(job)
    model.asked.clear()
    remember(database, "Practised roses", embedding=column_of(database, 0, 0, 0, 1, 0))
    recalled(job)
    assert (len(_held(database)), model.asked) == (1, [])
    assert recalled(job).whole.held
    remember(database, "Practised violin at night", updated_at=day(9), embedding=look)
    recalled(job)
    assert sorted(plans_of(database)) == [("consolidation", "held"), ("consolidation", "outdated")]


def test_losses_count_over_all_portions(database: Database) -> None:
    """Each may lose three: both together may not, whichever comes first is applied."""
    _fill(database, 2, 3)
    job = remembering(database, _superseding())
    done = recalled(job).whole
    assert _topics(database) == {"chess": 1, "bread": 3}
    assert done.plan.held is not None
    assert "after 2 in the last seven days" in done.plan.held


def test_a_dry_run_tells_what_the_real_one_does(database: Database) -> None:
    """Nothing is written, and what one portion would lose counts for the next."""
    _fill(database, 3, 3)
    before = dump(database)
    dry = recalled(replace(remembering(database, _superseding()), dry_run=True)).whole
    assert dump(database) == before
    assert (dry.applied, dry.plan_id, dry.plan_ids) == (False, None, ())
    real = recalled(remembering(database, _superseding())).whole
    assert real.plan.held == dry.plan.held
    assert real.plan.accounting() == dry.plan.accounting()
    assert real.plan.left_over == dry.plan.left_over
    assert [op.row_ids for op in real.plan.operations] == [op.row_ids for op in dry.plan.operations]


def test_what_a_person_adds_between_portions_is_asked_about_next(database: Database) -> None:
    """Portions are of what was read at the start."""
    _fill(database, 4, 2)
    look = column_of(database, 1, 0, 0, 0, 0)

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        if "new" not in texts(database):
            remember(database, "Practised chess", id="new", embedding=look)
        return seen(asked)

    model = ScriptedModel(answer)
    recalled(remembering(database, model))
    model.asked.clear()
    recalled(remembering(database, model))
    assert values_asked(model) == [sorted([*_texts("chess", 2), "Practised chess"])]
    assert len(texts(database)) == 9
