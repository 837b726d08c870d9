"""What a judge knows: of every row as it was, until it changes; of a part beside the rest."""

from collections.abc import Sequence
from typing import Any

import pytest
from building import NICK, attribute, day, memory
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.chat import Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation, fold
from llm_maint.domain.judged import (
    Judged,
    KnownConflict,
    fingerprint,
    judged_after,
    judged_while_held,
    mark,
)
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan, Whole
from llm_maint.domain.policy import Policy
from llm_maint.domain.reply import Refused
from llm_maint.domain.row import Row, RowId

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=100, database=None)

NOVA = Entity.remembering("nova")
NOBODY = Judged(judge="a model")
NOW = day(30)


def _rows(*numbers: int) -> list[Memory]:
    return [memory(f"m{n}", f"Saw film number {n}") for n in numbers]


def _known(*rows: Row) -> Judged:
    return Judged(judge="a model", known=frozenset(map(mark, rows)))


def _plan(rows: Sequence[Row], *operations: Operation, **fields: Any) -> Plan:  # noqa: ANN401 any field
    return Plan(entity=NOVA, rows=tuple(rows), operations=operations, **fields)


def _conflict(*ids: RowId) -> Operation:
    return Operation(op=Op.CONFLICT, reason="who knows", row_ids=ids)


def _removal(*ids: RowId) -> Operation:
    return Operation(op=Op.REMOVE, reason="noise", row_ids=ids)


@pytest.mark.parametrize(
    ("changed", "is_new"),
    [
        ({"content": "Saw film number 1 again"}, True),
        ({"created_at": day(1)}, True),
        ({"id": "other"}, True),
        ({"tags": ("x",)}, False),
        ({"access_count": 9}, False),
        ({"last_accessed": day(9)}, False),
        ({"updated_at": day(9)}, False),
        ({"importance": 1.0}, False),
    ],
)
def test_a_memory_is_known_as_long_as_it_says_the_same(
    changed: dict[str, Any],
    is_new: bool,  # noqa: FBT001 a case's result
) -> None:
    """An assistant that reads it, and counts that, makes it nothing new."""
    (row,) = _rows(1)
    other = memory(**{"id": "m1", "content": row.content, **changed})
    assert (mark(other) != mark(row)) is is_new
    assert bool(_known(row).new_among([other], (), [other])) is is_new


def test_a_copy_of_what_is_known_is_nothing_new() -> None:
    """It folds without a question, whichever of both goes on."""
    rows = [memory("m1"), memory("m2", updated_at=day(1))]
    folds, survivors = fold(rows, Policy())
    assert [row.id for row in survivors] == ["m2"]
    assert _known(rows[0]).new_among(rows, folds, survivors) == set()


def test_a_copy_of_one_side_of_a_conflict_may_decide_it() -> None:
    """So it is asked about."""
    one, other = memory("m1", "Lives in Oslo"), memory("m2", "Lives in Bergen")
    known = KnownConflict("where", (("m1", mark(one)), ("m2", mark(other))))
    judged = Judged(judge="x", known=frozenset({mark(one), mark(other)}), conflicts=(known,))
    rows = [one, other, memory("m3", "Lives in Oslo", updated_at=day(5))]
    folds, survivors = fold(rows, Policy())
    assert judged.new_among(rows, folds, survivors) == {"m3"}


def test_what_waits_for_a_person_is_neither_new_nor_settled() -> None:
    """It is not asked about again, and yet may fold."""
    (row,) = _rows(1)
    judged = Judged(judge="x", pending=frozenset({mark(row)}))
    assert judged.new_among([row], (), [row]) == set()
    assert judged.settled([row]) == set()
    assert judged.waiting([row]) == {"m1"}


@EXAMPLES
@given(
    st.sets(st.integers(0, 9)),
    st.sets(st.integers(0, 9)),
    st.sets(st.integers(0, 9)),
    st.sets(st.integers(0, 9)),
)
def test_a_plan_about_a_part_forgets_nothing_of_the_rest(
    before: set[int], listed: set[int], gone: set[int], left: set[int]
) -> None:
    """Known is what was known of others, and of its own rows all that stay and were judged."""
    gone, left = gone & listed, left & listed - gone
    rows = _rows(*sorted(listed))
    plan = _plan(
        rows,
        *(_removal(f"m{n}") for n in sorted(gone)),
        unjudged=frozenset(f"m{n}" for n in left),
    )
    after = judged_after(plan, plan.survivors(), _known(*_rows(*before)), now=NOW)
    expected = (before - listed) | (listed - gone - left)
    assert after.known == frozenset(map(mark, _rows(*expected)))
    assert after.asked_at is None


def test_a_profile_is_known_as_a_whole() -> None:
    """Its plan lists every row, so whatever else was known is gone."""
    rows = [attribute(1), attribute(2, value="red")]
    plan = Plan(entity=NICK, rows=(rows[1],), usage=Usage(1))
    after = judged_after(plan, plan.survivors(), _known(rows[0]), now=NOW)
    assert after.known == frozenset({mark(rows[1])})
    assert after.asked_at == NOW


def test_what_is_settled_unasked_is_known_and_what_is_gone_forgotten() -> None:
    """The first portion takes along what needs no question, and clears up."""
    listed, lone, old = _rows(1), _rows(2), _rows(3)
    whole = Whole(rows=(), settled=frozenset(map(mark, lone)), gone=frozenset(map(mark, old)))
    after = judged_after(_plan(listed, whole=whole), listed, _known(*old), now=NOW)
    assert after.known == frozenset(map(mark, [*listed, *lone]))


def test_what_somebody_changed_meanwhile_stays_new() -> None:
    """Its operation was dropped, so nobody has judged it as it now is."""
    rows = _rows(1, 2)
    plan = _plan(rows, refused=(Refused("changed_meanwhile", "", ("m1",)),))
    after = judged_after(plan, rows, NOBODY, now=NOW)
    assert after.known == frozenset({mark(rows[1])})


@EXAMPLES
@given(st.integers(0, 4), st.booleans())
def test_of_a_held_plan_what_it_would_change_waits(lost: int, with_winner: bool) -> None:  # noqa: FBT001 a case
    """All its other rows are known; the winner as it would be waits too."""
    rows = _rows(*range(6))
    operations = [_removal(row.id) for row in rows[:lost]]
    after = rows[4].with_text("Saw film number 4, number 5")
    if with_winner:
        operations.append(Operation(op=Op.MERGE, reason="", row_ids=("m4", "m5"), after=after))
    judged = judged_while_held(_plan(rows, *operations, held="many"), NOBODY, now=NOW)
    waiting = [*rows[:lost], *([rows[4], rows[5]] if with_winner else [])]
    assert judged.known == frozenset(mark(row) for row in rows if row not in waiting)
    assert judged.pending == frozenset(map(mark, [*waiting, *([after] if with_winner else [])]))


def test_a_conflict_stands_until_one_of_its_rows_changes() -> None:
    """It is told again and again, but not where an operation decides it."""
    rows = _rows(1, 2)
    after = judged_after(_plan(rows, _conflict("m1", "m2")), rows, NOBODY, now=NOW)
    assert [op.row_ids for op in after.standing_conflicts(rows, ())] == [("m1", "m2")]
    changed = [rows[0], memory("m2", "Saw another film")]
    assert after.standing_conflicts(changed, ()) == []
    assert after.standing_conflicts(rows, [_removal("m2")]) == []


def test_a_conflict_outlives_a_portion_about_others() -> None:
    """What is told of other rows says nothing of it."""
    first = judged_after(_plan(_rows(1, 2), _conflict("m1", "m2")), _rows(1, 2), NOBODY, now=NOW)
    second = judged_after(_plan(_rows(3, 4)), _rows(3, 4), first, now=NOW)
    assert len(second.standing_conflicts(_rows(1, 2, 3, 4), ())) == 1


def test_a_conflict_outlives_a_portion_about_one_side_of_it() -> None:
    """A new memory is like one side alone: nothing is decided, so it is told as before."""
    first = judged_after(_plan(_rows(1, 2), _conflict("m1", "m2")), _rows(1, 2), NOBODY, now=NOW)
    second = judged_after(_plan(_rows(1, 3)), _rows(1, 3), first, now=NOW)
    assert len(second.standing_conflicts(_rows(1, 2, 3), ())) == 1
    held = judged_while_held(_plan(_rows(1, 3), _removal("m3"), held="many"), first, now=NOW)
    assert len(held.standing_conflicts(_rows(1, 2, 3), ())) == 1


def test_a_conflict_ends_where_a_portion_takes_one_side_of_it() -> None:
    """Then there are no two left that contradict each other."""
    first = judged_after(_plan(_rows(1, 2), _conflict("m1", "m2")), _rows(1, 2), NOBODY, now=NOW)
    plan = _plan(_rows(1, 3), _removal("m1"))
    second = judged_after(plan, plan.survivors(), first, now=NOW)
    assert second.conflicts == ()


def test_a_fingerprint_is_of_rows_and_judge() -> None:
    """In whatever order they were read."""
    rows = _rows(1, 2)
    assert fingerprint(rows, judge="a") == fingerprint(rows[::-1], judge="a")
    assert fingerprint(rows, judge="a") != fingerprint(rows, judge="b")
    assert fingerprint(rows, judge="a") != fingerprint(rows[:1], judge="a")
