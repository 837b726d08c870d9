"""From proposals to operations: every claim of a model is checked."""

import pytest
from building import attribute, day

from llm_maint.domain.judge import Judgement, Op, changes, fold, judge, losses
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import Proposal
from llm_maint.domain.row import RowId

POLICY = Policy(pinned_keys=frozenset({"allergies"}))


def _judged(op: str, *rows: Attribute) -> Judgement:
    return judge(rows, [Proposal(op, "because", tuple(row.id for row in rows))], POLICY)


def _guards(judgement: Judgement) -> list[tuple[str, tuple[RowId, ...]]]:
    return [(refused.guard, refused.row_ids) for refused in judgement.refused]


def test_a_merge_keeps_the_winners_text_and_unites_the_rest() -> None:
    """A merged row keeps its id, key and value; times and confidence come from all its rows."""
    winner = attribute(1, value="loves the dark blue", updated_at=day(5), confidence=0.4)
    other = attribute(2, value="Dark blue", created_at=day(-5), confidence=0.9)
    (operation,) = _judged("merge", winner, other).operations
    assert isinstance(operation.after, Attribute)
    assert (operation.after.id, operation.after.value) == (1, "loves the dark blue")
    assert (operation.after.created_at, operation.after.updated_at) == (day(-5), day(5))
    assert operation.after.confidence == 0.9
    assert (operation.op, operation.retired) == (Op.MERGE, (2,))


def test_an_uncovered_row_leaves_the_group_and_the_rest_stands() -> None:
    """A merge retires only rows whose every word the winner says."""
    winner = attribute(1, value="lives in Oslo", updated_at=day(5))
    covered = attribute(2, value="Oslo lives in")
    judgement = _judged("merge", winner, covered, attribute(3, value="lives in Oslo since 2019"))
    assert [op.row_ids for op in judgement.operations] == [(1, 2)]
    assert _guards(judgement) == [("coverage", (3,))]


def test_a_merge_of_which_one_row_is_left_is_none() -> None:
    """Where no other row is covered there is nothing to merge."""
    judgement = _judged("merge", attribute(1), attribute(2, value="red"), attribute(3, value="C++"))
    assert judgement.operations == ()
    assert {row_id for _, ids in _guards(judgement) for row_id in ids} == {2, 3}


def test_the_key_is_a_part_of_what_must_be_covered() -> None:
    """One value under two keys is two facts, whatever the model says."""
    judgement = _judged("merge", attribute(1), attribute(2, key="car_color"))
    assert (judgement.operations, _guards(judgement)) == ((), [("coverage", (2,))])


def test_a_protected_row_is_never_merged_away() -> None:
    """Of two protected rows in a group both stay; the unprotected one may go."""
    first = attribute(1, source="explicit", updated_at=day(3))
    second = attribute(2, confidence=1.0, updated_at=day(9))
    judgement = _judged("merge", first, second, attribute(3))
    assert [(op.after, op.retired) for op in judgement.operations] == [(first, (3,))]
    assert _guards(judgement) == [("protected", (2,))]


def test_the_newest_value_supersedes_all_older_ones() -> None:
    """Of one fact over time the newest value goes on, with the earliest creation."""
    rows = [attribute(n, value=f"job {n}", created_at=day(n), updated_at=day(n)) for n in (2, 3, 1)]
    (operation,) = _judged("supersede", *rows).operations
    assert (operation.op, operation.row_ids) == (Op.SUPERSEDE, (3, 2, 1))
    assert isinstance(operation.after, Attribute)
    assert (operation.after.value, operation.after.created_at) == ("job 3", day(1))


EXPLICIT_OLD = attribute(1, source="explicit", updated_at=day(-1))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param((attribute(1), attribute(2, value="red")), id="nothing decides"),
        pytest.param(
            (attribute(1, updated_at=None), attribute(2, value="red", updated_at=None)),
            id="no times",
        ),
        pytest.param(
            (attribute(1), attribute(2, value="red"), attribute(3, updated_at=day(-1))),
            id="two are as good, a third is older",
        ),
        pytest.param((EXPLICIT_OLD, attribute(2, value="red")), id="explicit and newer inferred"),
        pytest.param(
            (attribute(1, confidence=1.0, updated_at=day(-1)), attribute(2, value="red")),
            id="certain and newer uncertain",
        ),
        pytest.param(
            (attribute(1, key="allergies", updated_at=day(-1)), attribute(2, value="no blue")),
            id="pinned and newer",
        ),
        pytest.param(
            (EXPLICIT_OLD, attribute(2, value="red", source="explicit")),
            id="explicit and newer explicit",
        ),
        pytest.param(
            (attribute(1, source="explicit"), attribute(2, confidence=1, updated_at=day(-1))),
            id="explicit and older certain",
        ),
    ],
)
def test_a_supersede_that_no_order_decides_is_a_conflict(rows: tuple[Attribute, ...]) -> None:
    """No protected row goes, and no newer one for an older; such rows are reported, not changed."""
    judgement = _judged("supersede", *rows)
    (operation,) = judgement.operations
    assert (operation.op, operation.after, operation.retired) == (Op.CONFLICT, None, ())
    assert operation.row_ids == tuple(row.id for row in rows)
    assert "because" in operation.reason
    assert dict(changes(judgement.operations)) == {}


def test_explicit_goes_before_newer_even_where_it_is_not_protected() -> None:
    """An older explicit row and a newer inferred one conflict, whatever the settings protect."""
    policy = Policy(protected_sources=frozenset())
    rows = (EXPLICIT_OLD, attribute(2, value="red"))
    judgement = judge(rows, [Proposal("supersede", "", (1, 2))], policy)
    assert [op.op for op in judgement.operations] == [Op.CONFLICT]


def test_a_newer_protected_value_supersedes_and_stays_to_the_byte() -> None:
    """An explicit word about the present ends what was inferred before, itself unchanged."""
    newest = attribute(1, source="explicit", updated_at=day(2), confidence=0.3)
    older = attribute(2, value="red", created_at=day(-7), confidence=0.9)
    (operation,) = _judged("supersede", newest, older).operations
    assert (operation.op, operation.after) == (Op.SUPERSEDE, newest)


def test_confidence_decides_between_values_of_one_moment() -> None:
    """Of two values as late as each other the surer goes on."""
    (operation,) = _judged("supersede", attribute(1), attribute(2, confidence=0.9)).operations
    assert (operation.op, operation.winner_id) == (Op.SUPERSEDE, 2)


def test_a_conflict_changes_nothing() -> None:
    """A conflict is reported about its rows and writes none of them."""
    judgement = _judged("conflict", attribute(1), attribute(2, source="explicit"))
    assert [(op.op, op.row_ids) for op in judgement.operations] == [(Op.CONFLICT, (1, 2))]
    assert dict(changes(judgement.operations)) == {}


@pytest.mark.parametrize(
    "row",
    [
        attribute(1, source="explicit"),
        attribute(1, confidence=1.0),
        attribute(1, key="allergies"),
    ],
    ids=["explicit", "certain", "pinned"],
)
def test_a_protected_row_is_never_removed(row: Attribute) -> None:
    """Whatever the model calls noise, a protected row stays."""
    judgement = _judged("remove", row)
    assert (judgement.operations, _guards(judgement)) == ((), [("protected", (1,))])


def test_noise_is_removed() -> None:
    """A removal deletes its row, and nothing goes on for it."""
    (operation,) = _judged("remove", attribute(1, value="hello")).operations
    assert (operation.winner_id, operation.retired) == (None, (1,))


@pytest.mark.parametrize("op", ["merge", "supersede", "conflict", "remove"])
def test_an_id_in_two_operations_drops_both(op: str) -> None:
    """Where two operations name one row, neither is trusted; the others stand."""
    rows = [attribute(number) for number in range(1, 6)]
    second = (2,) if op == "remove" else (2, 3)
    proposals = [Proposal("merge", "a", (1, 2)), Proposal(op, "b", second)]
    judgement = judge(rows, [*proposals, Proposal("remove", "c", (5,))], POLICY)
    assert [op.row_ids for op in judgement.operations] == [(5,)]
    assert _guards(judgement) == [
        ("id_in_two_operations", (1, 2)),
        ("id_in_two_operations", second),
    ]


def test_only_removed_and_superseded_rows_are_losses() -> None:
    """Folded and merged rows are covered by their winner, and conflicts change nothing."""
    rows = [attribute(n, value="blue", updated_at=day(n)) for n in range(1, 11)]
    proposals = [
        Proposal("merge", "", (1, 2)),
        Proposal("supersede", "", (3, 4, 5)),
        Proposal("conflict", "", (6, 7)),
        Proposal("remove", "", (8,)),
    ]
    folds, _ = fold([attribute("a"), attribute("b")], POLICY)
    assert losses([*folds, *judge(rows, proposals, POLICY).operations]) == 3
