"""Plans: every row is accounted for exactly once, and losses are bounded."""

import json
import random
from collections.abc import Sequence

import pytest
from building import NICK, attribute, day

from llm_maint.domain.judge import Op, Operation, fold, judge
from llm_maint.domain.loss_guard import RecentLosses, guard_losses
from llm_maint.domain.plan import FATES, Plan, categories_updated
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import Proposal, Refused, read_reply
from llm_maint.domain.row import RowId

POLICY = Policy()


def _planned(rows: Sequence[Attribute], *proposals: Proposal) -> Plan:
    folds, left = fold(rows, POLICY)
    judgement = judge(left, proposals, POLICY)
    return Plan(
        entity=NICK,
        rows=tuple(rows),
        operations=(*folds, *judgement.operations),
        refused=judgement.refused,
    )


def _removal(row_id: RowId) -> Operation:
    return Operation(op=Op.REMOVE, reason="noise", row_ids=(row_id,))


def _losing(count: int, *, of: int, protected: int = 0) -> Plan:
    rows = [attribute(n, value=n) for n in range(of)]
    certain = [attribute(of + n, source="explicit") for n in range(protected)]
    operations = tuple(_removal(row.id) for row in rows[:count])
    return Plan(entity=NICK, rows=(*rows, *certain), operations=operations)


def test_every_row_has_exactly_one_fate() -> None:
    """Kept, merged, superseded, removed, conflict and unreviewed add up to the rows read."""
    values = ["blue", "Blue", "job", "other job", "hello", "yes", "no", "unseen", "kept"]
    rows = [attribute(n, value=value, updated_at=day(n)) for n, value in enumerate(values)]
    plan = _planned(
        rows,
        Proposal("supersede", "", (2, 3)),
        Proposal("remove", "", (4,)),
        Proposal("conflict", "", (5, 6)),
    )
    plan = Plan(
        entity=NICK, rows=plan.rows, operations=plan.operations, unreviewed=frozenset({7, 4})
    )
    assert plan.accounting() == {
        "kept": 3,
        "merged": 1,
        "superseded": 1,
        "removed": 1,
        "conflict": 2,
        "unreviewed": 1,
    }
    assert [row.id for row in plan.survivors()] == [1, 3, 5, 6, 7, 8]


def _random_rows(chance: random.Random) -> list[Attribute]:
    words = ["blue", "Blue", "dark blue", "red", "not red", "5", "C++", "C"]
    return [
        attribute(
            number,
            key=chance.choice(["color", "Color", "job"]),
            value=chance.choice(words),
            source=chance.choice(["explicit", "inferred", None]),
            confidence=chance.choice([None, 0.2, 0.8, 1.0]),
            updated_at=chance.choice([None, day(1), day(2)]),
        )
        for number in range(chance.randint(0, 14))
    ]


def _random_reply(chance: random.Random) -> str:
    names = [f"r{number}" for number in range(1, 17)]
    groups = [
        {
            "reason": "x",
            "op": chance.choice(["merge", "supersede", "conflict", "remove", "delete", None]),
            "ids": chance.choices(names, k=chance.randint(0, 6)),
        }
        for _ in range(chance.randint(0, 6))
    ]
    remove = [
        {"id": chance.choice(names), "why": chance.choice(["noise", "empty", "dull"])}
        for _ in range(chance.randint(0, 6))
    ]
    return json.dumps({"groups": groups, "remove": remove, "reviewed": names})


@pytest.mark.parametrize("seed", range(100))
def test_whatever_a_model_says_no_row_is_lost_count_of(seed: int) -> None:
    """Any reply ends in a plan that adds up and leaves protected rows as they were."""
    chance = random.Random(seed)
    rows = _random_rows(chance)
    folds, left = fold(rows, POLICY)
    reply = read_reply(
        _random_reply(chance), {f"r{n}": row.id for n, row in enumerate(left, start=1)}
    )
    judgement = judge(left, reply.proposals, POLICY)
    plan = Plan(entity=NICK, rows=tuple(rows), operations=(*folds, *judgement.operations))
    plan.check()
    survivors = {row.id: row for row in plan.survivors()}
    gone = {row.id for row in rows} - survivors.keys()
    fates = plan.fates()
    assert set(plan.accounting()) == set(FATES)
    assert sum(plan.accounting().values()) == len(rows)
    assert gone == {i for i, fate in fates.items() if fate in ("merged", "superseded", "removed")}
    folded_away = {row_id for op in folds for row_id in op.retired}
    for row in rows:
        if POLICY.protects(row) and row.id not in folded_away:
            assert survivors[row.id] == row
    for op in folds:
        if any(POLICY.protects(row) for row in rows if row.id in op.row_ids):
            assert op.winner_id in survivors


def test_a_row_of_a_conflict_may_be_the_winner_of_a_fold() -> None:
    """The fold stands beside the conflict about its winner."""
    rows = [attribute(1), attribute(2), attribute(3, value="red")]
    plan = _planned(rows, Proposal("conflict", "", (1, 3)))
    plan.check()
    assert plan.fates() == {1: "conflict", 2: "merged", 3: "conflict"}


ROWS = tuple(attribute(n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(entity=NICK, rows=(*ROWS, ROWS[0])), id="a row read twice"),
        pytest.param(
            Plan(entity=NICK, rows=ROWS, operations=(_removal(9),)), id="a row nobody read"
        ),
        pytest.param(
            Plan(entity=NICK, rows=ROWS, operations=(_removal(1), _removal(1))), id="removed twice"
        ),
        pytest.param(
            Plan(
                entity=NICK,
                rows=ROWS,
                operations=(
                    Operation(op=Op.MERGE, reason="", row_ids=(1, 2), after=ROWS[0]),
                    Operation(op=Op.SUPERSEDE, reason="", row_ids=(3, 2), after=ROWS[2]),
                ),
            ),
            id="merged and superseded",
        ),
    ],
)
def test_a_plan_that_does_not_add_up_is_never_applied(plan: Plan) -> None:
    """A plan that names a row twice, or one it did not read, is a bug."""
    with pytest.raises(AssertionError, match="the plan for nick"):
        plan.check()


@pytest.mark.parametrize(
    "after", [None, attribute(9)], ids=["nobody goes on", "a stranger goes on"]
)
def test_a_merge_into_none_of_its_rows_is_a_bug(after: Attribute | None) -> None:
    """A merge has one of its own rows as the winner; without one it would delete all of them."""
    merge = Operation(op=Op.MERGE, reason="", row_ids=(1, 2), after=after)
    with pytest.raises(AssertionError, match="the plan for nick"):
        Plan(entity=NICK, rows=ROWS, operations=(merge,)).check()


@pytest.mark.parametrize(
    ("lost", "rows", "lately", "held"),
    [
        pytest.param(0, 4, 99, False, id="nothing lost now"),
        pytest.param(3, 3, 0, False, id="three are always allowed"),
        pytest.param(4, 4, 0, True, id="a fourth of few"),
        pytest.param(1, 4, 2, False, id="a third after two"),
        pytest.param(1, 4, 3, True, id="a fourth after three"),
        pytest.param(12, 100, 0, False, id="the ratio to the row"),
        pytest.param(13, 100, 0, True, id="a row beyond the ratio"),
        pytest.param(11, 99, 0, False, id="the ratio is rounded down"),
        pytest.param(12, 99, 0, True, id="never up"),
        pytest.param(6, 100, 6, False, id="the ratio with the past"),
        pytest.param(7, 100, 6, True, id="a slow leak"),
    ],
)
def test_losses_beyond_the_ratio_are_held(lost: int, rows: int, lately: int, held: bool) -> None:  # noqa: FBT001 a case's result
    """Losses of seven days may be three, or the ratio of the unprotected rows; more is held."""
    plan = guard_losses(_losing(lost, of=rows), POLICY, RecentLosses(lately))
    assert (plan.held is not None) is held


def test_protected_rows_do_not_widen_what_may_be_lost() -> None:
    """The ratio is one of the unprotected rows: a thousand explicit ones change nothing."""
    assert guard_losses(_losing(4, of=10, protected=1_000), POLICY, RecentLosses(0)).held


def test_merges_are_no_losses() -> None:
    """Any number of rows may fold: a guard that refuses honest clean-ups is useless."""
    plan = _planned([attribute(n) for n in range(100)])
    assert guard_losses(plan, POLICY, RecentLosses(50)).held is None


@pytest.mark.parametrize(("ratio", "held"), [(0.0, True), (1.0, False)])
def test_the_ratio_is_a_setting(ratio: float, held: bool) -> None:  # noqa: FBT001 a case's result
    """Zero leaves the three that are always allowed; one allows all."""
    policy = Policy(max_loss_ratio=ratio)
    assert bool(guard_losses(_losing(40, of=40), policy, RecentLosses(0)).held) is held


def test_a_held_plan_says_why() -> None:
    """The reason names what would be lost, the past, and what is allowed."""
    plan = guard_losses(_losing(4, of=10), POLICY, RecentLosses(2))
    assert plan.held == (
        "it would lose 4 of 10 unprotected facts after 2 in the last seven days; allowed are 3"
    )


def test_a_row_that_changed_meanwhile_drops_its_operations_alone() -> None:
    """What somebody edited while the model thought is judged again next time."""
    plan = Plan(entity=NICK, rows=ROWS, operations=(_removal(1), _removal(2)))
    left = plan.without({2})
    assert left.operations == (_removal(1),)
    assert left.refused == (Refused("changed_meanwhile", "noise", (2,)),)
    assert plan.without({3}) == plan


def test_what_was_judged_on_the_strength_of_a_dropped_fold_is_dropped_with_it() -> None:
    """The winner of a fold may win only by what its copy lent it; without the copy it is older."""
    rows = [
        attribute(1, value="blue", confidence=0.5, updated_at=day(4)),
        attribute(2, value="Blue", confidence=0.9, updated_at=day(0)),
        attribute(3, value="green", confidence=0.7, updated_at=day(4)),
    ]
    plan = _planned(rows, Proposal("supersede", "", (1, 3)))
    assert plan.fates() == {1: "kept", 2: "merged", 3: "superseded"}
    assert plan.without({2}).operations == ()


def test_categories_of_rows_that_change_or_go_are_named() -> None:
    """A summary is due for categories in which a row was written, not for conflicts."""
    rows = [attribute(n, category=name) for n, name in enumerate(("misc", "fact", "health", "x"))]
    conflict = Operation(op=Op.CONFLICT, reason="", row_ids=(2, 3))
    assert categories_updated([_removal(0), conflict, _removal(1)], rows) == ["fact", "misc"]
