"""Plans as documents: what is printed, and what is saved and read back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from building import NICK, attribute, day

from llm_maint.domain.chat import Usage
from llm_maint.domain.judge import Op, Operation, fold, judge
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import plan_document, read_plan, saved_document
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import Proposal, Refused
from llm_maint.errors import InvalidInputError

ROWS = (
    attribute(1, value="blue", updated_at=day(2)),
    attribute(2, value=" Blue", created_at=day(-3), confidence=0.9, image={"color": "red"}),
    attribute(3, key="job", value=["welder", 5, None, True]),
    attribute("a7", key="job", value={"title": "\ud83d"}, confidence=None, updated_at=None),
    attribute(5, key="mood", value="hello", created_at=None),
    attribute(6, key="unseen", value=None, source=None),
)


def _plan(**changed: Any) -> Plan:  # noqa: ANN401 any field
    folds, left = fold(ROWS, Policy())
    proposals = [
        Proposal("conflict", "two jobs", (3, "a7")),
        Proposal("remove", "a greeting", (5,)),
    ]
    plan = Plan(
        entity=NICK,
        rows=ROWS,
        operations=(*folds, *judge(left, proposals, Policy()).operations),
        refused=(Refused("coverage", "not said", (6,)),),
        unreviewed=frozenset({6}),
        model="scripted",
        prompt_version="profile-1",
        usage=Usage(2, 700, 30),
    )
    return replace(plan, **changed)


def test_a_row_is_printed_with_its_times_in_utc() -> None:
    """A row's document has every column that llm-maint knows, times with a Z."""
    assert attribute(1, updated_at=None).document() == {
        "id": 1,
        "category": "preference",
        "key": "favorite_color",
        "value": "blue",
        "confidence": 0.8,
        "source": "inferred",
        "source_message_id": None,
        "created_at": "2026-01-03T10:00:00Z",
        "updated_at": None,
    }


def test_a_plan_is_printed_with_all_it_does() -> None:
    """The document accounts for the rows and shows every operation before and after."""
    document = plan_document(_plan())
    assert (document["attributes_before"], document["attributes_after"]) == (6, 4)
    assert document["accounting"] == {
        "kept": 1,
        "merged": 1,
        "superseded": 0,
        "removed": 1,
        "conflict": 2,
        "unreviewed": 1,
    }
    assert [op["op"] for op in document["operations"]] == ["fold", "conflict", "remove"]
    folded = document["operations"][0]
    assert [row["id"] for row in folded["before"]] == folded["row_ids"] == [1, 2]
    assert (folded["winner_id"], folded["after"]["confidence"]) == (1, 0.9)
    assert document["operations"][2]["after"] is None
    assert [op["row_ids"] for op in document["conflicts"]] == [[3, "a7"]]
    assert document["dropped_operations"] == [
        {"guard": "coverage", "reason": "not said", "row_ids": [6]}
    ]
    assert document["llm"] == {
        "calls": 2,
        "prompt_tokens": 700,
        "completion_tokens": 30,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "model": "scripted",
    }


def test_a_held_plan_leaves_all_rows() -> None:
    """A plan that waits for review changes nothing, and its document says so."""
    document = plan_document(_plan(held="too many"))
    assert (document["held"], document["held_because"]) == (True, "too many")
    assert document["attributes_after"] == document["attributes_before"] == 6


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(_plan(), id="with operations"),
        pytest.param(_plan(held="too many"), id="held"),
        pytest.param(Plan(entity=NICK, rows=()), id="empty"),
    ],
)
def test_a_saved_plan_reads_back_as_it_was(plan: Plan) -> None:
    """A plan goes through a file without losing anything, images included."""
    assert read_plan(json.loads(json.dumps(saved_document(plan)))) == plan


def test_a_saved_plan_keeps_what_each_operation_makes_of_its_winner() -> None:
    """A row that wins twice has two forms, and each is read back to the byte."""
    rows = (ROWS[0], ROWS[1], attribute(3, value="the blue", created_at=day(-9)))
    folds, left = fold(rows, Policy())
    merged = judge(left, [Proposal("merge", "", (1, 3))], Policy()).operations
    plan = Plan(entity=NICK, rows=rows, operations=(*folds, *merged))
    assert len(plan.operations) == 2
    assert read_plan(json.loads(json.dumps(saved_document(plan)))) == plan


def _set(*path: Any, to: object) -> Callable[[Any], None]:  # noqa: ANN401 keys and positions
    def change(document: Any) -> None:  # noqa: ANN401 any document
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


def _drop(name: str) -> Callable[[Any], None]:
    return lambda document: document.pop(name)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_set("format", to=2), id="a newer format"),
        pytest.param(_drop("format"), id="no format"),
        pytest.param(_drop("rows"), id="no rows"),
        pytest.param(_drop("images_after"), id="no images"),
        pytest.param(_set("rows", to=None), id="rows of null"),
        pytest.param(_set("rows", to=[7]), id="a row that is a number"),
        pytest.param(_set("rows", 0, "updated_at", to=5.5), id="a time that is a number"),
        pytest.param(_set("rows", 0, "image", to=7), id="an image that is a number"),
        pytest.param(_set("operations", 0, "op", to="destroy"), id="an unknown operation"),
        pytest.param(_set("operations", 0, "row_ids", to=None), id="an operation on nothing"),
        pytest.param(_set("operations", 0, "after", "id", to=[1]), id="an id that is a list"),
        pytest.param(_set("images_after", to=[[1]]), id="half a pair"),
        pytest.param(_set("entity_id", to=None), id="an entity without a name"),
        pytest.param(_set("llm", to=[]), id="no usage"),
    ],
)
def test_a_spoiled_document_is_refused(spoil: Callable[[Any], None]) -> None:
    """What no plan was saved as is refused with a message, never half read."""
    document = json.loads(json.dumps(saved_document(_plan())))
    spoil(document)
    with pytest.raises(InvalidInputError, match="not a "):
        read_plan(document)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_set("operations", 0, "row_ids", to=[1, 99]), id="a row nobody read"),
        pytest.param(_set("operations", 2, "row_ids", to=[2]), id="a row that goes twice"),
    ],
)
def test_a_document_that_does_not_add_up_is_refused(spoil: Callable[[Any], None]) -> None:
    """An edited plan is the fault of its file, not a bug of ours."""
    document = json.loads(json.dumps(saved_document(_plan())))
    spoil(document)
    with pytest.raises(InvalidInputError):
        read_plan(document)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.id))
def test_a_saved_row_keeps_every_column(row: Attribute) -> None:
    """Columns that llm-maint does not know travel with the row."""
    removal = Operation(op=Op.REMOVE, reason="", row_ids=(row.id,))
    plan = Plan(entity=NICK, rows=(row,), operations=(removal,))
    read = read_plan(json.loads(json.dumps(saved_document(plan))))
    assert read.rows[0].image == row.image
