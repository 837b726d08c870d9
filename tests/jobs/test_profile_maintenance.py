"""Job type `profile_maintenance`: the model groups, code decides, what stands is applied."""

from typing import Any

import pytest
from building import NICK
from consolidating import NOW, ScriptedModel, context, ids, reply, rows_of, settings
from databases import ATTRIBUTES, add_profile, add_row, dump, sql

from llm_maint.applying import apply_held
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op
from llm_maint.domain.prompt import PROMPT_VERSION
from llm_maint.domain.runs import Success
from llm_maint.errors import UnknownNameError
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.rounds import consolidate
from llm_maint.store import journal, plans, undo
from llm_maint.store.database import Database

NEWER = "2026-01-02 00:00:00"


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a profile of ids 1 to 8, of which a tidy model leaves five."""
    add_profile(database, display_name="Nick")
    add_row(database, "color", '"blue"')
    add_row(database, "color", '" BLUE"', updated_at=NEWER)
    add_row(database, "employer", '"works at Alder"')
    add_row(database, "employer", '"works at Birch"', updated_at=NEWER)
    add_row(database, "greeting", '"good morning"')
    add_row(database, "drink", '"tea"')
    add_row(database, "drink", '"coffee"')
    add_row(database, "allergy", '"peanuts"', source="explicit")
    return database


def _tidy(document: dict[str, Any]) -> dict[str, Any]:
    groups = {"supersede": ids(document, "employer"), "conflict": ids(document, "drink")}
    return reply(document, groups=groups, remove=ids(document, "greeting"))


def _left(database: Database, entity: Entity = NICK) -> list[tuple[str, Any]]:
    return [(row.key, row.value) for row in rows_of(database, entity)]


TIDY = [
    ("color", " BLUE"),
    ("employer", "works at Birch"),
    ("drink", "tea"),
    ("drink", "coffee"),
    ("allergy", "peanuts"),
]


def test_without_a_model_only_exact_duplicates_fold(nick: Database) -> None:
    """Code alone decides what needs no judgement, and nothing else changes."""
    done = consolidate(context(nick), NICK)
    assert done.applied
    assert done.plan.accounting()["merged"] == 1
    assert done.plan.usage.calls == 0
    assert done.plan.model is None
    assert [row.id for row in rows_of(nick)] == [2, 3, 4, 5, 6, 7, 8]


def test_what_the_model_groups_is_applied(nick: Database) -> None:
    """Duplicates fold before the call, then one call supersedes, removes and finds a conflict."""
    model = ScriptedModel(_tidy)
    done = consolidate(context(nick, model), NICK)
    assert _left(nick) == TIDY
    assert done.plan.accounting() == {
        "kept": 3,
        "merged": 1,
        "superseded": 1,
        "removed": 1,
        "conflict": 2,
        "unreviewed": 0,
    }
    assert (done.plan.usage.calls, done.plan.model) == (1, "scripted")
    (asked,) = model.keys_asked
    assert sorted(asked) == sorted(
        ["color", "employer", "employer", "greeting", "drink", "drink", "allergy"]
    )


def test_a_merge_keeps_one_of_two_wordings(database: Database) -> None:
    """The winner says all that the other says; times and confidence are those of both."""
    add_row(database, "city", '"lives in Oslo"', created_at="2025-05-05 00:00:00", confidence=0.9)
    add_row(database, "city", '"the user lives in Oslo"', updated_at=NEWER, confidence=0.4)
    merge = ScriptedModel(lambda asked: reply(asked, groups={"merge": ids(asked, "city")}))
    consolidate(context(database, merge), NICK)
    (row,) = rows_of(database)
    assert (row.id, row.value, row.confidence) == (2, "the user lives in Oslo", 0.9)
    assert str(row.created_at).startswith("2025-05-05 00:00:00")
    assert str(row.updated_at).startswith(NEWER)


def test_a_text_of_the_model_is_written_with_all_that_comes_with_it(database: Database) -> None:
    """Its key and category as proposed, nobody's own words as its source, and so less sure."""
    add_row(database, "pet", '"has a cat named Tom"', confidence=0.95)
    add_row(database, "pet", '"has a cat who is black"', updated_at=NEWER)

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        said = reply(asked, groups={"merge": ids(asked, "pet")})
        new = {"value": "has a cat named Tom who is black", "key": "pet_cat"}
        said["groups"][0] |= {**new, "category": "interest"}
        return said

    done = consolidate(context(database, ScriptedModel(answer)), NICK)
    (row,) = rows_of(database)
    assert (row.value, row.key) == ("has a cat named Tom who is black", "pet_cat")
    assert (row.category, row.source, row.confidence) == ("interest", "maintenance", 0.9)
    assert [op.after for op in done.plan.operations] == [row]


def test_the_summary_is_rendered_after_the_change(nick: Database) -> None:
    """It holds what stays, and not what went."""
    consolidate(context(nick, ScriptedModel(_tidy)), NICK)
    (summary,) = sql(nick, "SELECT summary FROM entity_profiles")[0]
    assert "- employer: works at Birch" in summary
    assert "Alder" not in summary
    assert "good morning" not in summary


def test_summaries_can_be_off(nick: Database) -> None:
    """Then the profile's row is left alone."""
    before = dump(nick, "entity_profiles")
    off = settings(profile_maintenance={"summary": "off"})
    assert consolidate(context(nick, ScriptedModel(_tidy), settings=off), NICK).applied
    assert dump(nick, "entity_profiles") == before


def test_a_dry_run_writes_nothing_and_tells_the_truth(nick: Database) -> None:
    """Every table is as before, and the plan is the one that the real run then applies."""
    before = dump(nick)
    dry = consolidate(context(nick, ScriptedModel(_tidy), dry_run=True), NICK)
    assert dump(nick) == before
    assert (dry.applied, dry.plan_id) == (False, None)
    real = consolidate(context(nick, ScriptedModel(_tidy)), NICK)
    assert real.applied
    assert real.plan == dry.plan
    assert [row.image for row in rows_of(nick)] == [row.image for row in dry.plan.survivors()]


@pytest.mark.parametrize("asks", [False, True], ids=["no model", "a model"])
def test_a_second_run_neither_asks_nor_writes(nick: Database, *, asks: bool) -> None:
    """An unchanged profile costs no call and no write, until one row changes."""
    model = ScriptedModel(_tidy) if asks else None
    consolidate(context(nick, model), NICK)
    before = dump(nick)
    again = consolidate(context(nick, model), NICK)
    assert (again.unchanged, again.applied) == (True, False)
    # A conflict is told again until its rows change; nothing else is.
    assert {op.op for op in again.plan.operations} == ({Op.CONFLICT} if asks else set())
    assert dump(nick) == before
    assert model is None or len(model.asked) == 1
    sql(nick, f"UPDATE {ATTRIBUTES} SET confidence = 0.7 WHERE id = 8")
    assert not consolidate(context(nick, model), NICK).unchanged
    assert model is None or len(model.asked) == 2


def test_another_model_may_see_more_in_the_same_rows(nick: Database) -> None:
    """Who judged is a part of what is remembered."""
    consolidate(context(nick), NICK)
    assert consolidate(context(nick, ScriptedModel(_tidy)), NICK).applied
    other = settings(profile_maintenance={"model": "another"})
    assert not consolidate(context(nick, ScriptedModel(_tidy), settings=other), NICK).unchanged


def test_what_was_undone_is_not_done_again(nick: Database) -> None:
    """A person's undo stands until the rows change."""
    before = dump(nick, ATTRIBUTES)
    job = context(nick, ScriptedModel(_tidy))
    done = consolidate(job, NICK)
    assert done.plan_id is not None
    occasion = journal.Occasion(judge=f"{PROMPT_VERSION} m", now=NOW)
    undo.undo_plan(nick, done.plan_id, occasion)
    assert consolidate(job, NICK).unchanged
    assert dump(nick, ATTRIBUTES) == before


@pytest.mark.parametrize(
    "columns",
    [{"source": "explicit"}, {"confidence": 1.0}, {"key": "pinned"}],
    ids=["explicit", "certain", "pinned"],
)
@pytest.mark.parametrize("wish", ["remove", "supersede", "merge"])
def test_a_protected_row_survives_every_reply(
    database: Database, columns: dict[str, Any], wish: str
) -> None:
    """No reply changes a byte of it; what says the same less surely may go into it."""
    row_id = add_row(database, **{"key": "pinned", "value": '"a smith"', **columns})
    add_row(database, "pinned", '"a smith and a joiner"', updated_at=NEWER, source="explicit")
    add_row(database, "job", '"a smith no more"', updated_at=NEWER)
    before = rows_of(database)[row_id - 1]

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        named = {row["value"]: row["id"] for row in asked["rows"]}
        if wish == "remove":
            return reply(asked, remove=[named["a smith"], named["a smith no more"]])
        return reply(asked, groups={wish: [named["a smith"], named["a smith no more"]]})

    pinned = settings(profile_maintenance={"pinned_keys": ("pinned",)})
    done = consolidate(context(database, ScriptedModel(answer), settings=pinned), NICK)
    assert before in rows_of(database)
    assert done.plan.accounting()["removed"] == (wish == "remove")
    assert len(done.plan.operations) == (wish != "merge")


def _greedy(document: dict[str, Any]) -> dict[str, Any]:
    return reply(document, remove=[row["id"] for row in document["rows"]])


def test_too_many_losses_are_held_and_applied_after_review(nick: Database) -> None:
    """A held plan changes no row, asks nobody again, and keeps its id when it is applied."""
    before = dump(nick, ATTRIBUTES, "entity_profiles", "maintenance_journal")
    model = ScriptedModel(_greedy)
    job = context(nick, model)
    held = consolidate(job, NICK)
    assert (held.held, held.applied) == (True, False)
    assert held.plan_id is not None
    assert dump(nick, ATTRIBUTES, "entity_profiles", "maintenance_journal") == before
    again = consolidate(job, NICK)
    assert (again.held, again.unchanged, again.plan_id) == (True, True, held.plan_id)
    assert len(model.asked) == 2  # the second time for a second opinion
    with nick.read() as connection:
        stored = plans.find_plan(connection, held.plan_id)
    reviewed = apply_held(job, stored)
    assert (reviewed.applied, reviewed.plan_id) == (True, held.plan_id)
    assert _left(nick) == [("allergy", "peanuts")]
    with nick.read() as connection:
        (found,) = plans.list_plans(connection, limit=9)
    assert (found.id, found.status, found.applied_at) == (held.plan_id, "applied", NOW)


def test_a_slow_leak_is_held_as_a_flood_is(nick: Database) -> None:
    """Three losses in a week are allowed to a small profile, however they are spread."""
    job = context(nick, ScriptedModel(_tidy))
    assert consolidate(job, NICK).applied  # two losses

    def leak(asked: dict[str, Any]) -> dict[str, Any]:
        return reply(asked, remove=ids(asked, "drink"))

    leaking = consolidate(
        context(nick, ScriptedModel(leak), settings=settings(llm={"base_url": "http://x"})), NICK
    )
    assert leaking.plan.held is not None
    assert "after 2 in the last seven days" in leaking.plan.held
    assert _left(nick) == TIDY


def test_the_job_of_one_entity_reports_it(nick: Database) -> None:
    """The result lists the entity and the sums; an unknown entity is an error."""
    model = ScriptedModel(_tidy)
    outcome = JOB.run(context(nick, model, config={"entity_id": " NICK "}))
    assert isinstance(outcome, Success)
    (line,) = outcome.result["entities"]
    assert (line["entity_id"], line["attributes_before"], line["attributes_after"]) == (
        "nick",
        8,
        5,
    )
    assert (line["categories_updated"], line["error"]) == (["fact"], None)
    assert outcome.result["llm"]["calls"] == 1
    with pytest.raises(UnknownNameError, match="did you mean 'nick'"):
        JOB.run(context(nick, model, config={"entity_id": "nik"}))
