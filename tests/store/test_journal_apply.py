"""A plan is applied to rows as they were read, with a before-image of each that it touches."""

import json
from typing import Any

import pytest
from building import NICK
from consolidating import NOW, applied, occasion, planned, rows_of
from databases import ATTRIBUTES, add_profile, add_row, dump, sql

from llm_maint.domain.judged import fingerprint
from llm_maint.domain.reply import Proposal
from llm_maint.errors import DataError
from llm_maint.store import journal, judgements, profiles
from llm_maint.store.database import Database

NEWER = "2026-01-02 00:00:00"


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a profile of ids 1 to 6: two duplicates, two employers, a greeting, a hobby."""
    add_profile(database, display_name="Nick", summary="as it was")
    add_row(database, "color", '"blue"')
    add_row(database, "color", '" Blue"', updated_at=NEWER, confidence=0.6)
    add_row(database, "employer", '"Alder"', confidence=0.9)
    add_row(database, "employer", '"Birch"', updated_at=NEWER)
    add_row(database, "greeting", '"good morning"')
    add_row(database, "hobby", '"chess"')
    return database


SUPERSEDE = Proposal("supersede", "changed jobs", (3, 4))
REMOVE = Proposal("remove", "a greeting", (5,))


def _entries(database: Database) -> list[tuple[Any, ...]]:
    return sql(
        database,
        "SELECT table_name, row_id, effect, before_image, after_image FROM maintenance_journal "
        "ORDER BY position",
    )


def test_every_operation_is_written_as_planned(nick: Database) -> None:
    """Winners are changed, the others deleted, what is in no operation stays to the byte."""
    plan = planned(nick, SUPERSEDE, REMOVE)
    done, _ = applied(nick, plan)
    assert done == plan
    found = {row.id: row for row in rows_of(nick)}
    assert [(i, row.value, row.confidence) for i, row in found.items()] == [
        (2, " Blue", 0.8),
        (4, "Birch", 0.9),
        (6, "chess", 0.8),
    ]
    assert found[6].image == plan.rows[5].image
    assert [found[i].image for i in (2, 4, 6)] == [dict(row.image) for row in plan.survivors()]


def test_each_touched_row_leaves_its_before_image(nick: Database) -> None:
    """The journal holds every column as it was, the effect, and the row as it then is."""
    plan = planned(nick, SUPERSEDE, REMOVE)
    applied(nick, plan)
    entries = [entry[1:] for entry in _entries(nick) if entry[0] == ATTRIBUTES]
    assert {(row_id, effect) for row_id, effect, _, _ in entries} == {
        ("1", "folded"),
        ("2", "changed"),
        ("3", "superseded"),
        ("4", "changed"),
        ("5", "removed"),
    }
    before = {str(row.id): dict(row.image) for row in plan.rows}
    after = {str(row.id): dict(row.image) for row in rows_of(nick)}
    for row_id, _, was, then in entries:
        assert json.loads(was) == before[row_id]
        assert (then and json.loads(then)) == after.get(row_id)


def test_a_plan_is_kept_with_its_run_and_document(nick: Database) -> None:
    """What was applied can be looked up later."""
    _, plan_id = applied(nick, planned(nick, REMOVE))
    (row,) = sql(
        nick, "SELECT id, kind, status, entity_type, entity_id, run_id FROM maintenance_plans"
    )
    assert row == (plan_id, "consolidation", "applied", "user", "nick", "run")
    (document,) = sql(nick, "SELECT document FROM maintenance_plans")[0]
    assert json.loads(document)["accounting"]["removed"] == 1


def test_the_summary_is_rendered_from_the_rows_that_stay(nick: Database) -> None:
    """Summary and time are written, and nothing else of the profile."""
    profile = "SELECT display_name, email, updated_at FROM entity_profiles"
    before = sql(nick, profile)
    applied(nick, planned(nick, SUPERSEDE, REMOVE))
    assert sql(nick, profile) == before
    with nick.read() as connection:
        head = profiles.head_of(connection, NICK)
    assert head is not None
    assert (head.summary, head.summary_updated_at) == ("Nick: color, employer, hobby", NOW)


def test_what_was_applied_counts_as_judged(nick: Database) -> None:
    """The fingerprint is the one of the rows as the database then has them."""
    applied(nick, planned(nick, SUPERSEDE, REMOVE))
    with nick.read() as connection:
        judged = judgements.judged_fingerprint(connection, NICK)
    assert judged == fingerprint(rows_of(nick), judge="a model")


def test_a_plan_that_changes_nothing_leaves_no_plan(database: Database) -> None:
    """Conflicts and kept rows are remembered as judged; nothing is journalled."""
    add_row(database, "a", '"x"')
    add_row(database, "b", '"y"')
    before = dump(database, ATTRIBUTES)
    plan = planned(database, Proposal("conflict", "cannot both be", (1, 2)))
    with database.write() as connection:
        present = profiles.attributes_of(connection, NICK, lock=True)
        done, plan_id = journal.apply(connection, plan, present, occasion())
    assert (done, plan_id) == (plan, None)
    assert dump(database, ATTRIBUTES) == before
    assert sql(database, "SELECT 1 FROM maintenance_plans") == []
    assert len(sql(database, "SELECT 1 FROM maintenance_profile_states")) == 1


@pytest.mark.parametrize(
    ("change", "dropped", "left"),
    [
        pytest.param(
            "UPDATE {} SET value = '\"Cedar\"' WHERE id = 3",
            (4, 3),
            [(2, " Blue"), (3, "Cedar"), (4, "Birch"), (6, "chess")],
            id="the loser was edited",
        ),
        pytest.param(
            "UPDATE {} SET source_message_id = 'm1' WHERE id = 4",
            (4, 3),
            [(2, " Blue"), (3, "Alder"), (4, "Birch"), (6, "chess")],
            id="a column that no judge looks at was edited",
        ),
        pytest.param(
            "DELETE FROM {} WHERE id = 4",
            (4, 3),
            [(2, " Blue"), (3, "Alder"), (6, "chess")],
            id="the winner was deleted",
        ),
        pytest.param(
            "UPDATE {} SET entity_id = 'zoe' WHERE id = 5",
            (5,),
            [(2, " Blue"), (4, "Birch"), (6, "chess")],
            id="the row went to another entity",
        ),
    ],
)
def test_a_row_changed_meanwhile_drops_its_operation(
    nick: Database, change: str, dropped: tuple[int, ...], left: list[tuple[int, str]]
) -> None:
    """What somebody else did to a row stands; the other operations stand too."""
    plan = planned(nick, SUPERSEDE, REMOVE)
    sql(nick, change.format(ATTRIBUTES))
    done, _ = applied(nick, plan)
    assert [(refused.guard, refused.row_ids) for refused in done.refused] == [
        ("changed_meanwhile", dropped)
    ]
    assert len(done.operations) == 2
    assert [(row.id, row.value) for row in rows_of(nick)] == left
    with nick.read() as connection:  # it is judged again next time
        assert judgements.judged_fingerprint(connection, NICK) is None


def test_what_builds_on_a_dropped_operation_goes_with_it(nick: Database) -> None:
    """A removal of the winner of a fold is not done where the fold was dropped."""
    plan = planned(nick, Proposal("remove", "no colour", (2,)))
    sql(nick, f"UPDATE {ATTRIBUTES} SET key = 'car_color' WHERE id = 1")
    before = dump(nick, ATTRIBUTES)
    with nick.write() as connection:
        present = profiles.attributes_of(connection, NICK, lock=True)
        done, _ = journal.apply(connection, plan, present, occasion())
    assert (done.operations, len(done.refused)) == ((), 2)
    assert dump(nick, ATTRIBUTES) == before


def test_a_row_added_meanwhile_is_left_alone(nick: Database) -> None:
    """It is in no operation, and makes the profile one that was not judged yet."""
    plan = planned(nick, REMOVE)
    new = add_row(nick, "new", '"row"')
    applied(nick, plan)
    assert new in [row.id for row in rows_of(nick)]
    with nick.read() as connection:
        judged = judgements.judged_fingerprint(connection, NICK)
    assert judged != fingerprint(rows_of(nick), judge="a model")


@pytest.mark.parametrize(
    "change",
    [
        f"DELETE FROM {ATTRIBUTES} WHERE id = 5",
        f"UPDATE {ATTRIBUTES} SET source_message_id = 'm1' WHERE id = 5",
        f"UPDATE {ATTRIBUTES} SET source_message_id = 'm1' WHERE id = 2",
    ],
    ids=["a row to delete is gone", "a row to delete was edited", "a row to change was edited"],
)
def test_an_error_on_the_way_leaves_everything_as_it_was(nick: Database, change: str) -> None:
    """Each write compares the row once more; what fails takes rows, journal and plan with it."""
    plan = planned(nick, SUPERSEDE, REMOVE)
    before = dump(nick)
    present = rows_of(nick)
    sql(nick, change)
    without = dump(nick)
    with pytest.raises(DataError, match="nothing was changed"), nick.write() as connection:
        journal.apply(connection, plan, present, occasion())
    assert dump(nick) == without != before
