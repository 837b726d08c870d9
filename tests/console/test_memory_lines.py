"""What is told of memories in words: what waits, what was done, and how each of it is undone."""

from typing import Any

import pytest
from building import NICK, attribute, memory

from llm_maint.console.diff import consolidation_lines
from llm_maint.console.memories import decay_lines, recurrence_lines, restoring
from llm_maint.domain.consolidation import Consolidation, together
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan

NOVA = Entity.remembering("nova")


def _part(row_id: str, plan_id: str, *, held: bool = False) -> Consolidation:
    removal = Operation(op=Op.REMOVE, reason="noise", row_ids=(row_id,))
    plan = Plan(
        entity=NOVA,
        rows=(memory(row_id),),
        operations=(removal,),
        held="it would lose much" if held else None,
        beyond=9,
    )
    return Consolidation(plan=plan, plan_id=plan_id, applied=not held)


def _told(done: Consolidation, *, dry_run: bool = False) -> list[str]:
    return [line.text for line in consolidation_lines(done, dry_run=dry_run, uses_model=True)]


def test_what_several_portions_did_is_undone_by_a_command_for_each() -> None:
    """The last first: a later one may have gone on with what an earlier one did."""
    whole = together(NOVA, [_part("a", "1" * 32), _part("b", "2" * 32)])
    assert _told(whole)[-1] == (
        "applied; to undo: llm-maint memory restore 22222222 && llm-maint memory restore 11111111"
    )


def test_what_waits_is_told_beside_what_was_applied() -> None:
    """Each plan that waits can be looked at and applied; what was applied can be undone."""
    parts = [_part("a", "1" * 32), _part("b", "2" * 32, held=True), _part("c", "3" * 32, held=True)]
    told = _told(together(NOVA, parts))
    assert "held for review: it would lose much; the rest was not" in told
    assert "  look at it: llm-maint memory diff 22222222" in told
    assert "  apply it:   llm-maint memory apply 33333333" in told
    assert told[-1] == "applied; to undo: llm-maint memory restore 11111111"


def test_where_all_waits_nothing_was_changed() -> None:
    """One portion is told as it always was; a dry run names no plan, for it keeps none."""
    told = _told(_part("a", "1" * 32, held=True))
    assert told[-3:] == [
        "held for review: it would lose much; nothing was changed",
        "  look at it: llm-maint memory diff 11111111",
        "  apply it:   llm-maint memory apply 11111111",
    ]
    dry = Consolidation(plan=_part("a", "", held=True).plan)
    assert _told(dry, dry_run=True)[-1].startswith("held for review")


def test_a_profile_is_undone_by_its_own_command() -> None:
    """The two have commands of their own."""
    removal = Operation(op=Op.REMOVE, reason="noise", row_ids=(1,))
    plan = Plan(entity=NICK, rows=(attribute(1),), operations=(removal,))
    done = Consolidation(plan=plan, plan_id="1" * 32, applied=True)
    assert _told(done)[-1] == "applied; to undo: llm-maint profile undo 11111111"


def test_more_plans_than_fit_on_a_line_are_listed_by_a_command() -> None:
    """Nobody copies a hundred commands."""
    assert restoring(["1" * 32] * 100) == (
        "each of the 100 plans of: llm-maint memory plans -n 100"
    )


RECURRING: dict[str, Any] = {
    "bot_id": "nova",
    "memories": 9,
    "recurring": 3,
    "share": 1 / 3,
    "tagged": 3,
    "untagged": 0,
    "themes": [{"word": "chess", "occasions": 3, "memories": 3}],
    "warning": None,
    "plan_ids": ["1" * 32],
}


@pytest.mark.parametrize(
    ("changed", "dry_run", "last"),
    [
        ({}, False, "3 tagged, 0 untagged; to undo: llm-maint memory restore 11111111"),
        ({}, True, "dry run: 3 tagged, 0 untagged if it were applied; nothing was written"),
        ({"tagged": 0, "plan_ids": []}, False, "nothing to change"),
        (
            {"plan_ids": []},
            False,
            "nothing was changed: others have changed the same memories meanwhile",
        ),
    ],
)
def test_what_was_tagged_is_told(changed: dict[str, Any], dry_run: bool, last: str) -> None:  # noqa: FBT001 a case's result
    """Themes first, and at last what came of it."""
    told = [each.text for each in recurrence_lines({**RECURRING, **changed}, dry_run=dry_run)]
    assert told[0].split() == ["chess", "3", "times", "in", "3", "memories"]
    assert told[-1] == last


def test_what_fades_is_named_as_far_as_a_person_reads() -> None:
    """Twenty one by one, and how many more; what waits is told by its reason."""
    found: dict[str, Any] = {
        "bot_id": "nova",
        "memories": 100,
        "faded": 30,
        "pruned": 25,
        "prunes": True,
        "plan_ids": ["1" * 32],
        "orphans": 2,
        "distribution": {"under 0.05": 30},
        "exempt": {"recent": 70},
        "accounting": {"going": 25, "waiting": 5},
        "prunable": [
            {
                "id": f"m{n}",
                "effective_importance": 0.01,
                "fate": "going" if n < 25 else "waiting",
            }
            for n in range(30)
        ],
    }
    texts = {f"m{n}": f"Saw film {n}" for n in range(30)}
    told = [each.text for each in decay_lines(found, texts, dry_run=False, brief=False)]
    assert sum(line.startswith("    - [m") for line in told) == 20
    assert "    - [m0] Saw film 0 (0.010)" in told
    assert "    ... and 5 more" in told
    assert "5 wait: no more may be lost within seven days" in told
    assert told[-1] == "25 pruned; to undo: llm-maint memory restore 11111111"
