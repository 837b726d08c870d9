"""Plans over rows as they now are: what a plan builds on may not change, all else may."""

from collections.abc import Sequence
from typing import Any

import pytest
from building import NICK, attribute, day, memory

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation, fold, judge
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.reply import Proposal
from llm_maint.domain.row import Row

NOVA = Entity.remembering("nova")

POLICY = Policy(protected_tags=frozenset({"pinned"}))

CHESS, CLUB = "Plays chess on Tuesdays", "Plays chess on Tuesdays at the club"


def _planned(rows: Sequence[Row], *proposals: Proposal, entity: Entity = NOVA) -> Plan:
    folds, left = fold(rows, POLICY)
    judged = judge(left, proposals, POLICY)
    return Plan(entity=entity, rows=tuple(rows), operations=(*folds, *judged.operations))


def _winner(plan: Plan, row_id: str = "m1") -> Memory:
    (row,) = [row for row in plan.survivors() if row.id == row_id]
    assert isinstance(row, Memory)
    return row


def test_over_the_rows_that_it_was_made_of_a_plan_stays_as_it_is() -> None:
    """What a model would have written is written: text, key, category, and whose words they are."""
    rows = [
        attribute(1, key="pet", value="has a cat named Tom", confidence=0.99),
        attribute(2, key="pet", value="has a cat who is black", updated_at=day(1)),
    ]
    new = {"key": "pet_cat", "value": "has a cat named Tom who is black", "category": "interest"}
    plan = _planned(rows, Proposal("merge", "one cat", (1, 2), **new), entity=NICK)
    (merge,) = plan.operations
    assert merge.after is not None
    assert (merge.after.key, merge.after.category) == ("pet_cat", "interest")
    assert plan.over(rows, POLICY) == plan


def test_a_plan_that_was_laid_over_rows_is_right_over_them_once_more() -> None:
    """It may be done twice on the way into the database: nothing is counted twice."""
    rows = [memory("m1", updated_at=day(1), access_count=2), memory("m2", access_count=3)]
    now = [memory("m1", updated_at=day(1), access_count=9), memory("m2", access_count=1)]
    plan = _planned(rows).over(now, POLICY)
    assert _winner(plan).access_count == 10
    assert plan.over(now, POLICY) == plan
    assert plan.over(now) == plan


@pytest.mark.parametrize(
    ("before", "meanwhile", "expected"),
    [
        pytest.param({}, {"tags": ("club",)}, {"tags": ("club",)}, id="a first tag"),
        pytest.param({}, {"access_count": 4}, {"access_count": 4}, id="a first access"),
        pytest.param({}, {"importance": 0.9}, {"importance": 0.9}, id="a higher importance"),
        pytest.param(
            {"tags": ("a",)}, {"tags": ("a", "b")}, {"tags": ("a", "b")}, id="one more tag"
        ),
        pytest.param({}, {"last_accessed": day(8)}, {"last_accessed": day(8)}, id="an access"),
        pytest.param(
            {"access_count": 7}, {"access_count": 9}, {"access_count": 9}, id="more accesses"
        ),
        pytest.param(
            {"source_message_ids": (1,)},
            {"source_message_ids": (1, 2)},
            {"source_message_ids": (1, 2)},
            id="one more message",
        ),
    ],
)
def test_what_a_copy_has_gained_meanwhile_lives_on(
    before: dict[str, Any], meanwhile: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Also where it had nothing to give when the plan was made."""
    winner = memory("m1", updated_at=day(1))
    plan = _planned([winner, memory("m2", **before)])
    done = _winner(plan.over([winner, memory("m2", **meanwhile)], POLICY))
    assert {name: getattr(done, name) for name in expected} == expected


def test_sums_are_of_what_is_there_at_the_write_through_folds_and_merges() -> None:
    """A winner of a fold that is merged on is counted once, and so are its copies."""

    def rows(*counts: int) -> list[Memory]:
        contents = [CHESS, CHESS.lower(), CLUB]
        times = [day(1), day(0), day(2)]
        return [
            memory(f"m{n}", content, updated_at=time, access_count=count, tags=(f"t{count}",))
            for n, (content, time, count) in enumerate(zip(contents, times, counts, strict=True), 1)
        ]

    plan = _planned(rows(1, 2, 3), Proposal("merge", "one fact", ("m1", "m3")))
    assert [op.op for op in plan.operations] == [Op.FOLD, Op.MERGE]
    done = _winner(plan.over(rows(10, 20, 30), POLICY), "m3")
    assert (done.content, done.access_count) == (CLUB, 60)
    assert set(done.tags) == {"t10", "t20", "t30"}


def test_a_row_that_is_read_whole_takes_a_vector_over() -> None:
    """A plan knows no vectors; where the winner has none, that of a copy goes on."""
    rows = [memory("m1", updated_at=day(1)), memory("m2")]
    bare, full = ({"embedding": value} for value in (None, "[1, 2]"))
    now = [memory("m1", updated_at=day(1), image=bare), memory("m2", image=full)]
    assert _winner(_planned(rows).over(now, POLICY)).image["embedding"] == "[1, 2]"


@pytest.mark.parametrize("gained", [{}, {"tags": ("x",)}, {"image": {"embedding": "[1]"}}])
def test_a_protected_winner_takes_nothing_now_and_its_copies_go(gained: dict[str, Any]) -> None:
    """Not a byte of it is written, whatever a copy has gained: it is laid over as it is."""
    fixed = memory("m1", tags=("pinned",), image={"embedding": None})
    plan = _planned([fixed, memory("m2", access_count=3)])
    over = plan.over([fixed, memory("m2", **gained)], POLICY).respecting(POLICY)
    assert [op.after for op in over.operations] == [fixed]
    assert over.refused == ()


def test_a_winner_that_was_let_go_meanwhile_takes_over_what_copies_have() -> None:
    """It was protected when the plan was made, and is not when it is written."""
    copy = memory("m2", access_count=3)
    plan = _planned([memory("m1", updated_at=day(1), tags=("pinned",), access_count=1), copy])
    free = memory("m1", updated_at=day(1), access_count=1)
    assert _winner(plan.over([free, copy], POLICY)).access_count == 4


def test_a_winner_that_was_protected_meanwhile_is_left_alone() -> None:
    """What the plan would write into it is dropped; nothing goes."""
    plan = _planned([memory("m1", updated_at=day(1), access_count=1), memory("m2", access_count=3)])
    now = [
        memory("m1", updated_at=day(1), tags=("pinned",), access_count=1),
        memory("m2", access_count=3),
    ]
    over = plan.over(now, POLICY).respecting(POLICY)
    assert over.operations == ()
    assert [refused.guard for refused in over.refused] == ["protected"]


def test_rows_that_are_gone_stay_in_the_plan_as_they_were_read() -> None:
    """Their operations were dropped before; the plan still accounts for every row that was read."""
    rows = [memory("m1"), memory("m2", "Sings in a choir")]
    plan = Plan(
        entity=NOVA,
        rows=tuple(rows),
        operations=(Operation(op=Op.REMOVE, reason="noise", row_ids=("m1",)),),
    )
    over = plan.over([memory("m1", access_count=5)], POLICY)
    over.check()
    assert [row.id for row in over.rows] == ["m1", "m2"]
    assert over.rows[1] == rows[1]
