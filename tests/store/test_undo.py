"""Undo: every row that a plan changed is as it was, unless somebody edited it since."""

from datetime import timedelta

import pytest
from building import NICK
from consolidating import NOW, applied, occasion, planned, rows_of
from databases import ATTRIBUTES, PROFILES, add_profile, add_row, dump, sql

from llm_maint.domain.judged import fingerprint
from llm_maint.domain.reply import Proposal
from llm_maint.errors import PlanRefusedError, UnknownNameError
from llm_maint.store import judgements, plans, undo
from llm_maint.store.database import Database

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a profile of ids 1 to 5: two duplicates, two employers, a greeting."""
    add_profile(database, display_name="Nick", summary="as it was")
    add_row(database, "color", '"blue"', source_message_id="m1", confidence=0.9)
    add_row(database, "color", '" Blue"', updated_at="2026-01-02 00:00:00")
    add_row(database, "employer", '"Alder"', confidence=0.9)
    add_row(database, "employer", '"Birch"', updated_at="2026-01-02 00:00:00")
    add_row(database, "greeting", '"good morning"')
    return database


def _apply(database: Database) -> str:
    changes = (Proposal("supersede", "moved", (3, 4)), Proposal("remove", "noise", (5,)))
    return applied(database, planned(database, *changes))[1]


def _statuses(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {plan.id: plan.status for plan in plans.list_plans(connection, limit=9)}


def test_undo_puts_back_every_row_and_the_summary(nick: Database) -> None:
    """Rows, ids, times and summary are to the byte what they were."""
    before = dump(nick, ATTRIBUTES, PROFILES)
    plan_id = _apply(nick)
    assert dump(nick, ATTRIBUTES, PROFILES) != before
    undone = undo.undo_plan(nick, plan_id, occasion(LATER))
    assert dump(nick, ATTRIBUTES, PROFILES) == before
    assert (undone.reverts, undone.entity) == (plan_id, NICK)
    assert set(undone.row_ids) == {"1", "2", "3", "4", "5"}
    assert _statuses(nick) == {plan_id: "undone", undone.plan_id: "applied"}


def test_what_a_person_put_back_counts_as_judged(nick: Database) -> None:
    """The next run does not do again what was just undone."""
    undo.undo_plan(nick, _apply(nick), occasion(LATER))
    with nick.read() as connection:
        judged = judgements.judged_fingerprint(connection, NICK)
    assert judged == fingerprint(rows_of(nick), judge="a model")


def test_an_undo_can_be_undone_and_so_on(nick: Database) -> None:
    """Back and forth, each time to the byte; the plan that stands is the applied one."""
    before = dump(nick, ATTRIBUTES, PROFILES)
    plan_id = _apply(nick)
    after = dump(nick, ATTRIBUTES, PROFILES)
    first = undo.undo_plan(nick, plan_id, occasion(LATER)).plan_id
    second = undo.undo_plan(nick, first, occasion(LATER)).plan_id
    assert dump(nick, ATTRIBUTES, PROFILES) == after
    assert _statuses(nick) == {plan_id: "applied", first: "undone", second: "applied"}
    third = undo.undo_plan(nick, second, occasion(LATER)).plan_id
    assert dump(nick, ATTRIBUTES, PROFILES) == before
    assert _statuses(nick)[third] == "applied"
    assert _statuses(nick)[first] == "applied"


def test_a_plan_is_undone_once(nick: Database) -> None:
    """An undone plan has nothing left to undo."""
    plan_id = _apply(nick)
    undo.undo_plan(nick, plan_id, occasion(LATER))
    before = dump(nick)
    with pytest.raises(PlanRefusedError, match="is undone: there is nothing to undo"):
        undo.undo_plan(nick, plan_id, occasion(LATER))
    assert dump(nick) == before


def test_an_unknown_plan_is_refused(nick: Database) -> None:
    """A name of no plan is an error."""
    with pytest.raises(UnknownNameError, match="no plan 'zzz'"):
        undo.undo_plan(nick, "zzz", occasion(LATER))


def test_a_dry_undo_writes_nothing(nick: Database) -> None:
    """It says what it would put back, and every table is as before."""
    plan_id = _apply(nick)
    before = dump(nick)
    undone = undo.undo_plan(nick, plan_id, occasion(LATER), dry_run=True)
    assert len(undone.row_ids) == 5
    assert dump(nick) == before


EDITS = [
    pytest.param("UPDATE {} SET confidence = 0.1 WHERE id = 2", "2", id="a winner was edited"),
    pytest.param("DELETE FROM {} WHERE id = 4", "4", id="a winner was deleted"),
]


@pytest.mark.parametrize(("edit", "row_id"), EDITS)
def test_undo_is_refused_after_an_edit(nick: Database, edit: str, row_id: str) -> None:
    """The message names the rows, and nothing is put back."""
    plan_id = _apply(nick)
    sql(nick, edit.format(ATTRIBUTES))
    before = dump(nick)
    with pytest.raises(PlanRefusedError, match=f"row {row_id}; undo what came later"):
        undo.undo_plan(nick, plan_id, occasion(LATER))
    assert dump(nick) == before


@pytest.mark.parametrize(("edit", "row_id"), EDITS)
def test_force_puts_back_what_was_before_the_plan(nick: Database, edit: str, row_id: str) -> None:
    """The edit is lost, and can be had back: the forced undo is itself a plan."""
    before = dump(nick, ATTRIBUTES)
    plan_id = _apply(nick)
    sql(nick, edit.format(ATTRIBUTES))
    edited = dump(nick, ATTRIBUTES)
    forced = undo.undo_plan(nick, plan_id, occasion(LATER), force=True)
    assert row_id in forced.row_ids
    assert dump(nick, ATTRIBUTES) == before
    undo.undo_plan(nick, forced.plan_id, occasion(LATER))
    assert dump(nick, ATTRIBUTES) == edited


def test_a_row_in_the_place_of_a_deleted_one_stays(nick: Database) -> None:
    """An id that somebody has taken since is not overwritten, not even by force."""
    plan_id = _apply(nick)
    sql(
        nick,
        f"INSERT INTO {ATTRIBUTES} (id, entity_type, entity_id, category, key) "
        "VALUES (5, 'USER', 'zoe', 'fact', 'mine')",
    )
    before = dump(nick)
    for force in (False, True):
        with pytest.raises(PlanRefusedError):
            undo.undo_plan(nick, plan_id, occasion(LATER), force=force)
    assert dump(nick) == before


def test_an_id_is_not_given_to_another_row(nick: Database) -> None:
    """After the last row is removed a new one gets a new id, so an undo finds its place free."""
    before = dump(nick, ATTRIBUTES)[ATTRIBUTES]
    plan_id = _apply(nick)
    assert add_row(nick, "new", '"row"') == 6
    undo.undo_plan(nick, plan_id, occasion(LATER))
    restored = dump(nick, ATTRIBUTES)[ATTRIBUTES]
    assert set(before) < set(restored)
    assert len(restored) == 6


def test_columns_of_the_profile_that_we_do_not_write_may_change(nick: Database) -> None:
    """A new avatar is no edit that stops an undo, and it stays."""
    plan_id = _apply(nick)
    sql(nick, f"UPDATE {PROFILES} SET avatar = 'new.png'")
    undo.undo_plan(nick, plan_id, occasion(LATER))
    assert sql(nick, f"SELECT summary, avatar FROM {PROFILES}") == [("as it was", "new.png")]


def test_a_column_added_since_keeps_its_value(nick: Database) -> None:
    """The images name the columns of their time; an edit of a newer column is not ours."""
    plan_id = _apply(nick)
    sql(nick, f"ALTER TABLE {ATTRIBUTES} ADD COLUMN mood text DEFAULT 'calm'")
    undo.undo_plan(nick, plan_id, occasion(LATER))
    assert sql(nick, f"SELECT id, mood FROM {ATTRIBUTES} ORDER BY id") == [
        (row_id, "calm") for row_id in range(1, 6)
    ]


def test_a_column_dropped_since_is_refused(nick: Database) -> None:
    """A row that can no longer be put back whole is not put back at all."""
    plan_id = _apply(nick)
    sql(nick, f"ALTER TABLE {ATTRIBUTES} DROP COLUMN source_message_id")
    before = dump(nick)
    with pytest.raises(PlanRefusedError):
        undo.undo_plan(nick, plan_id, occasion(LATER), force=True)
    assert dump(nick) == before


def test_a_summary_written_since_is_rendered_from_the_rows(nick: Database) -> None:
    """Neither the old nor the new text fits, so the summary follows the rows as they are."""
    plan_id = _apply(nick)
    sql(nick, f"UPDATE {PROFILES} SET summary = 'written since'")
    undo.undo_plan(nick, plan_id, occasion(LATER))
    (summary,) = sql(nick, f"SELECT summary FROM {PROFILES}")[0]
    assert summary == "Nick: color, color, employer, employer, greeting"
