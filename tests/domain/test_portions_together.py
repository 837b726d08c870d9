"""The portions of a bot's memories, told as one consolidation: nothing is counted twice."""

from building import memory
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.chat import Usage
from llm_maint.domain.consolidation import Consolidation, line, report, together
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.reply import Refused

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=150, database=None)

NOVA = Entity.remembering("nova")


def _part(  # one portion of `read` rows that were read
    start: int, listed: int, lost: int, *, read: int, held: bool = False, calls: int = 1
) -> Consolidation:
    rows = tuple(memory(f"m{n}", f"Saw film number {n}") for n in range(start, start + listed))
    plan = Plan(
        entity=NOVA,
        rows=rows,
        operations=tuple(
            Operation(op=Op.REMOVE, reason="noise", row_ids=(row.id,)) for row in rows[:lost]
        ),
        refused=(Refused("coverage", "", (rows[-1].id,)),) if rows else (),
        unreviewed=frozenset({rows[-1].id}) if lost < listed else frozenset(),
        held="too many" if held else None,
        left=frozenset({rows[-1].id}) if rows else frozenset(),
        model="scripted" if calls else None,
        prompt_version="memory-1" if calls else "",
        usage=Usage(calls, 100 * calls, 10 * calls),
        advice=("raise it",) if calls else (),
        beyond=read - listed,
    )
    applied = lost > 0 and not held
    name = f"p{start}" if applied or held else None
    return Consolidation(plan=plan, plan_id=name, applied=applied)


@st.composite
def stores(draw: st.DrawFn) -> list[Consolidation]:
    """Return what some portions of one store came to; some rows are in none."""
    sizes = draw(st.lists(st.integers(0, 6), min_size=1, max_size=6))
    read = sum(sizes) + draw(st.integers(0, 50))
    return [
        _part(
            10 * number,
            size,
            draw(st.integers(0, size)),
            read=read,
            held=draw(st.booleans()),
            calls=draw(st.integers(0, 3)),
        )
        for number, size in enumerate(sizes)
    ]


@EXAMPLES
@given(stores())
def test_portions_add_up(parts: list[Consolidation]) -> None:
    """Every row that was read has one fate, and each that no held portion takes is counted off."""
    whole = together(NOVA, parts).plan
    whole.check()
    assert whole.read == parts[0].plan.read
    assert sum(whole.accounting().values()) == whole.read
    gone = sum(len(each.plan.operations) for each in parts if not each.held)
    assert whole.left_over == whole.read - gone
    assert whole.usage == sum((each.plan.usage for each in parts), Usage(0, 0, 0))
    assert len(whole.refused) == sum(len(each.plan.refused) for each in parts)


@EXAMPLES
@given(stores())
def test_portions_are_held_or_applied_each_for_itself(parts: list[Consolidation]) -> None:
    """One that waits makes the whole say so, and is named first: somebody is to look at it."""
    whole = together(NOVA, parts)
    ids = [each.plan_id for each in parts if each.plan_id is not None]
    held = [each.plan_id for each in parts if each.held]
    assert whole.held is bool(held)
    assert whole.applied is any(each.applied for each in parts)
    assert whole.plan_id == next(iter([*held, *ids]), None)
    assert list(whole.to_review) == held
    assert list(whole.to_undo) == [each for each in ids if each not in held]
    if len(parts) > 1:
        assert list(whole.plan_ids) == ids


def test_one_portion_is_the_whole() -> None:
    """Most stores have no more: nothing of it is lost, not even what it knows of all rows."""
    part = _part(0, 3, 1, read=9)
    assert together(NOVA, [part]) is part


def test_no_portion_that_was_done_is_nothing() -> None:
    """Where all have failed there is a plan about no row."""
    whole = together(NOVA, [])
    assert (whole.plan.read, whole.unchanged, whole.plan_id) == (0, False, None)


def test_unchanged_portions_alone_make_an_unchanged_whole() -> None:
    """One that was looked at is enough to tell of it."""
    same = Consolidation(plan=Plan(entity=NOVA, rows=(), beyond=3), unchanged=True)
    assert together(NOVA, [same, same]).unchanged
    assert not together(NOVA, [same, _part(0, 3, 0, read=3)]).unchanged


def test_all_plans_are_named_where_there_are_several() -> None:
    """Whoever wants to undo a run must undo each: the report and the line of the run name them."""
    whole = together(
        NOVA, [_part(0, 3, 1, read=9), _part(10, 3, 0, read=9), _part(20, 3, 1, read=9)]
    )
    assert report(whole, dry_run=False)["plan_ids"] == ["p0", "p20"]
    assert line(whole)["plan_ids"] == ["p0", "p20"]
    assert "plan_ids" not in line(_part(0, 3, 1, read=3))
    assert (line(whole)["memories_before"], line(whole)["memories_after"]) == (9, 7)
