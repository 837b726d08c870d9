"""What is reported of a consolidation, of one entity and of a run."""

from building import NICK, attribute

from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.domain.consolidation import (
    Consolidation,
    Deferred,
    failed_line,
    failed_report,
    line,
    report,
    totals,
)
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import plan_document
from llm_maint.domain.reply import Refused
from llm_maint.errors import BudgetSpentError, ModelUnavailableError

BOT = Entity("bot", "helper")

PLAN = Plan(
    entity=NICK,
    rows=tuple(attribute(n) for n in range(4)),
    operations=(
        Operation(op=Op.REMOVE, reason="noise", row_ids=(0,)),
        Operation(op=Op.CONFLICT, reason="who knows", row_ids=(1, 2)),
    ),
    refused=(Refused("coverage", "a", (3,)), Refused("coverage", "b", (3,))),
    usage=Usage(2, 700, 30),
    model="scripted",
)
DONE = Consolidation(plan=PLAN, plan_id="p1", applied=True)
HELD = Consolidation(plan=Plan(entity=BOT, rows=PLAN.rows, held="too many"), plan_id="p2")


def test_a_report_is_the_plan_and_what_came_of_it() -> None:
    """The report holds the plan's document, and whether it was applied."""
    assert report(DONE, dry_run=True) == {
        **plan_document(PLAN),
        "dry_run": True,
        "applied": True,
        "plan_id": "p1",
        "unchanged": False,
        "error": None,
    }


def test_a_failed_report_has_the_fields_of_a_report() -> None:
    """A script reads one shape; what is not known is null, and the error says why."""
    failed = failed_report(NICK, ModelUnavailableError(), spent=Usage(3), dry_run=False)
    assert failed.keys() == report(DONE, dry_run=False).keys()
    assert failed["llm"]["calls"] == 3
    assert failed["error"] == "The model server cannot be reached."
    assert (failed["attributes_before"], failed["attributes_after"]) == (None, None)
    assert (failed["applied"], failed["entity_id"]) == (False, "nick")


def test_a_line_sums_an_entity_up() -> None:
    """A run's result counts rows, conflicts and what each guard dropped."""
    summed = line(DONE)
    assert (summed["entity_id"], summed["entity_type"]) == ("nick", "user")
    assert (summed["attributes_before"], summed["attributes_after"]) == (4, 3)
    assert (summed["conflicts"], summed["dropped"]) == (1, {"coverage": 2})
    assert (summed["applied"], summed["held"], summed["plan_id"]) == (True, False, "p1")
    assert summed["accounting"]["removed"] == 1


def test_a_run_sums_its_entities_up() -> None:
    """Totals add what was done for each entity, failed ones included."""
    lines = [line(DONE), line(HELD), line(DONE), failed_line(BOT, ModelUnavailableError("down"))]
    spent = Usage(5, 1_500, 60, 7, 3)
    summed = totals(iter(lines), spent=spent)
    assert summed["entities"] == lines
    assert (summed["failed"], summed["held"]) == (1, 1)
    assert (summed["attributes_before"], summed["attributes_after"]) == (12, 10)
    assert Usage(**summed["llm"]) == spent
    assert "deferred" not in summed
    assert sum(summed["accounting"].values()) == summed["attributes_before"]
    assert lines[3]["error"] == "down"


def test_a_run_without_entities_did_nothing() -> None:
    """Where nothing had changed there is nothing to report."""
    summed = totals([], spent=NO_USAGE)
    assert summed["entities"] == []
    assert [summed[name] for name in ("failed", "held", "attributes_before")] == [0, 0, 0]


def test_a_run_counts_what_waits_for_the_next() -> None:
    """Entities that were put off are counted, with the first reason."""
    waiting = Deferred()
    for reason in ("spent", "spent as well"):
        waiting.add(BudgetSpentError(reason))
    summed = totals([], spent=NO_USAGE, deferred=waiting)
    assert (summed["deferred"], summed["deferred_because"]) == (2, "spent")


def test_a_consolidation_is_held_where_its_plan_is() -> None:
    """A plan that waits for review makes the run say so."""
    assert (HELD.held, DONE.held) == (True, False)
