"""Plans about a part of the rows: what they do not list is kept, and counts for the loss guard."""

from collections.abc import Sequence

import pytest
from building import attribute, memory
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.loss_guard import RecentLosses, guard_losses
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan, Whole
from llm_maint.domain.policy import Policy

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=100, database=None)

NOVA = Entity.remembering("nova")


def _rows(number: int, start: int = 0) -> tuple[Memory, ...]:
    return tuple(memory(f"m{n}", f"Saw film number {n}") for n in range(start, start + number))


def _removing(rows: Sequence[Memory], lost: int) -> tuple[Operation, ...]:
    return tuple(Operation(op=Op.REMOVE, reason="", row_ids=(row.id,)) for row in rows[:lost])


@EXAMPLES
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 500))
def test_rows_beyond_the_plan_are_kept(listed: int, lost: int, beyond: int) -> None:
    """They are counted as read, as kept, and as left over; the plan adds up."""
    rows, lost = _rows(listed), min(lost, listed)
    plan = Plan(entity=NOVA, rows=rows, operations=_removing(rows, lost), beyond=beyond)
    plan.check()
    assert plan.read == listed + beyond
    accounting = plan.accounting()
    assert (accounting["removed"], accounting["kept"]) == (lost, listed - lost + beyond)
    assert plan.left_over == plan.read - lost


def test_a_held_plan_leaves_all_that_was_read() -> None:
    """Nothing has gone as long as nobody has decided."""
    rows = _rows(5)
    plan = Plan(entity=NOVA, rows=rows, operations=_removing(rows, 4), beyond=10, held="too many")
    assert plan.left_over == plan.read == 15


def test_where_a_part_waits_the_others_are_done() -> None:
    """Of several portions some may be held: only their rows are all still there."""
    rows = _rows(6)
    plan = Plan(
        entity=NOVA,
        rows=rows,
        operations=_removing(rows, 5),
        held="too many",
        waiting=frozenset(row.id for row in rows[:3]),
    )
    assert plan.left_over == 4


@pytest.mark.parametrize(
    ("lost", "whole", "recent", "is_held"),
    [
        pytest.param(3, 0, RecentLosses(), False, id="three of a part, whatever the whole"),
        pytest.param(12, 100, RecentLosses(), False, id="the ratio of all rows"),
        pytest.param(13, 100, RecentLosses(), True, id="a row beyond it"),
        pytest.param(6, 100, RecentLosses(6), False, id="with what went lately"),
        pytest.param(7, 100, RecentLosses(6), True, id="a row beyond that"),
    ],
)
def test_the_loss_guard_counts_all_rows_not_those_of_the_part(
    lost: int,
    whole: int,
    recent: RecentLosses,
    is_held: bool,  # noqa: FBT001 a case's result
) -> None:
    """A portion of look-alikes may lose as much as the whole store allows, and no more."""
    rows = _rows(20)
    everything = Whole(rows=(*rows[:whole], *_rows(max(0, whole - 20), start=20)))
    plan = Plan(entity=NOVA, rows=rows, operations=_removing(rows, lost), whole=everything)
    assert (guard_losses(plan, Policy(), recent).held is not None) is is_held


def test_copies_beyond_the_part_buy_no_right_to_lose_something_else() -> None:
    """Of memories that state one fact, however many, one counts."""
    rows = _rows(10)
    copies = tuple(memory(f"c{n}", "Sings in a choir on Mondays") for n in range(1_000))
    plan = Plan(
        entity=NOVA,
        rows=rows,
        operations=_removing(rows, 4),
        whole=Whole(rows=(*rows, *copies)),
    )
    assert guard_losses(plan, Policy()).held is not None


def test_a_whole_states_each_fact_once() -> None:
    """Facts are those of any kind of row; the same rows are looked at once."""
    whole = Whole(rows=(memory("m1"), memory("m2"), attribute(1), attribute(2, value="red")))
    assert len(whole.facts) == 3
    assert whole.facts is whole.facts
