"""A change in the report: before and after, why, what was refused, and what can be done."""

import pytest
from report_values import Sample, stored

from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import saved_document
from llm_maint.domain.reply import Refused
from llm_maint.report.change import MOST_ROWS, Side
from llm_maint.report.entry import Entry, entry_of
from llm_maint.store.plans import DECAY, HELD, IMPORT, OUTDATED, UNDO, UNDONE

SAMPLE = Sample()


def told(side: Side | None) -> str | None:
    """Return a side as text."""
    if side is None or side.text is None:
        return None
    value = "".join(f"[{p.text}]" if p.differs else p.text for p in side.text.pieces)
    return f"{side.id} {side.name} = {value} ({side.facts})"


def entry(plan: Plan, *, values: bool = True) -> Entry:
    """Return the entry of a plan that was applied."""
    return entry_of(
        stored(saved_document(plan), entity=plan.entity, number=0), (), {}, values=values
    )


def test_a_consolidation_is_told_by_what_it_did() -> None:
    """In one line, then operation by operation, and what a guard refused."""
    found = entry(SAMPLE.plan())
    assert found.told == "9 → 5 rows, 2 merged, 1 superseded, 1 removed, 2 in conflict, 1 refused"
    assert [(group.title, group.total) for group in found.groups] == [
        ("The same fact, merged", 1),
        ("An older value, superseded", 1),
        ("No lasting fact, removed", 1),
        ("Exact duplicates, folded", 1),
        ("In conflict, left as they are", 1),
        ("Refused by a guard, left as they are", 1),
    ]
    assert list(found.remarks) == [
        "3 rows kept.",
        "2 calls of a model, 340 tokens.",
        "Advice: raise the limit.",
    ]


def test_a_merge_stands_side_by_side() -> None:
    """The row that goes on with what is new in it, and that which went with what is lost of it."""
    (merge,) = entry(SAMPLE.plan()).groups[0].decisions
    assert merge.reason == "one job"
    winner, gone = merge.pairs
    assert told(winner.before) == (
        "3 fact: employer = works at Birch Maps as a clerk (inferred, 0.8)"
    )
    assert told(winner.after) == (
        "3 fact: employer = works at Birch Maps as a [new ]clerk (inferred, 0.8)"
    )
    assert told(gone.before) == "2 fact: employer = works at Birch Maps (inferred, 0.8)"
    assert (gone.after, gone.fate) == (None, "gone into [3]")


def test_what_a_newer_value_replaced_is_struck_out() -> None:
    """So is what was removed; what is in conflict stays."""
    _, superseded, removed, _, conflict, refused = entry(SAMPLE.plan()).groups
    (decision,) = superseded.decisions
    assert told(decision.pairs[1].before) == (
        "1 fact: employer = works at [Alder Books] (inferred, 0.8)"
    )
    assert decision.pairs[1].fate == "superseded by [3]"
    assert removed.decisions[0].pairs[0].fate == "removed"
    left = [*conflict.decisions[0].pairs, *refused.decisions[0].pairs]
    assert {(pair.fate, pair.stays) for pair in left} == {("left as it is", True)}
    assert "lives in [Braga]" in str(told(left[1].before))
    assert refused.decisions[0].reason == "order: no"


@pytest.mark.parametrize(
    ("status", "commands"),
    [
        ("applied", ["llm-maint profile undo 00000000", "llm-maint profile diff 00000000"]),
        (HELD, ["llm-maint profile apply 00000000", "llm-maint profile diff 00000000"]),
        (UNDONE, ["llm-maint profile diff 00000000"]),
        (OUTDATED, ["llm-maint profile diff 00000000"]),
    ],
)
def test_it_is_told_what_can_be_done(status: str, commands: list[str]) -> None:
    """By its status."""
    plan = stored(saved_document(SAMPLE.plan()), entity=SAMPLE.who, number=0, status=status)
    found = entry_of(plan, (), {}, values=True)
    assert [each.line for each in found.commands] == commands


def test_memories_have_commands_of_their_own() -> None:
    """And are told from the profile of their bot."""
    found = next(each for each in SAMPLE.entries() if "memory" in each.entity)
    assert found.entity == "nova (memory)"
    assert found.commands[0].line == "llm-maint memory restore 00000003"
    (winner, gone) = found.groups[0].decisions[0].pairs
    assert told(winner.after) == "m1  = We walked to the lake in May (0.5, lake)"
    assert told(gone.before) == "m0  = We walked to the lake (0.5, lake)"


def test_what_people_did_is_told_by_its_effects() -> None:
    """An import has nothing before, a pruning nothing after, an undo names what it undid."""
    by_kind = {each.kind: each for each in SAMPLE.entries()}
    (pair,) = by_kind[IMPORT].groups[0].decisions[0].pairs
    assert (pair.before, pair.fate) == (None, "not there before")
    (pair,) = by_kind[DECAY].groups[0].decisions[0].pairs
    assert (pair.after, pair.fate) == (None, "pruned")
    assert by_kind[UNDO].remarks == ["It undid plan ffffffff."]
    assert by_kind[IMPORT].told == "7 inserted"
    assert by_kind[IMPORT].untold == "6 more rows not shown here."


def test_a_document_that_was_altered_is_no_end_of_the_report() -> None:
    """It is said that it cannot be read."""
    found = entry_of(stored({"odd": 1}, entity=SAMPLE.who, number=0), (), {}, values=True)
    assert "cannot be read" in found.remarks[0]


def test_a_large_change_is_told_in_part() -> None:
    """How much is left is counted, each row once; the command shows all of it."""
    rows = tuple(SAMPLE.row(number, f"value {number}") for number in range(500))
    operations = [
        Operation(op=Op.REMOVE, reason="noise", row_ids=(number,)) for number in range(100)
    ]
    operations.append(
        Operation(op=Op.FOLD, reason="same", row_ids=tuple(range(100, 400)), after=rows[100])
    )
    refused = (Refused("coverage", "no", tuple(range(400, 500))),)
    plan = Plan(entity=SAMPLE.who, rows=rows, operations=tuple(operations), refused=refused)
    found = entry(plan)
    shown = sum(len(d.pairs) for group in found.groups for d in group.decisions)
    assert shown <= 2 * MOST_ROWS
    assert found.untold == f"{500 - shown} more rows not shown here."
    assert [group.total for group in found.groups] == [100, 1, 1]


def test_without_values_rows_are_ids_alone() -> None:
    """What a model said goes as well: it may repeat what a row says."""
    found = entry(SAMPLE.plan(), values=False)
    sides = [
        side
        for group in found.groups
        for decision in group.decisions
        for pair in decision.pairs
        for side in (pair.before, pair.after)
        if side is not None
    ]
    assert {(side.name, side.text, side.facts) for side in sides} == {("", None, "")}
    assert found.groups[0].decisions[0].reason == ""
    assert found.groups[-1].decisions[0].reason == "order"
