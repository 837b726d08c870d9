"""A model's reply: read strictly, a bad piece refused alone."""

import json
from typing import Any

import pytest

from llm_maint.domain.reply import Proposal, Refused, Reply, read_reply
from llm_maint.domain.row import RowId
from llm_maint.errors import ModelReplyError

IDS: dict[str, RowId] = {"r1": 11, "r2": 12, "r3": "x3"}

GOOD = {"reason": "the same", "op": "merge", "ids": ["r1", "r2"]}
PROPOSED = Proposal("merge", "the same", (11, 12))


def _read(**document: Any) -> Reply:  # noqa: ANN401 any JSON value
    return read_reply(json.dumps(document), IDS)


def test_a_reply_is_read_in_terms_of_rows() -> None:
    """Groups and removals become proposals about database ids, reviewed rows are noted."""
    removal = {"reason": "a greeting", "id": "r3", "why": "noise"}
    reply = _read(groups=[GOOD], remove=[removal], reviewed=["r1", "r2", "r3"])
    assert reply.proposals == (PROPOSED, Proposal("remove", "a greeting", ("x3",)))
    assert (reply.refused, reply.reviewed) == ((), frozenset(IDS.values()))


@pytest.mark.parametrize("op", ["merge", "supersede", "conflict"])
def test_the_three_kinds_of_groups_are_read(op: str) -> None:
    """A group merges, supersedes or conflicts."""
    assert _read(groups=[{**GOOD, "op": op}]).proposals == (Proposal(op, "the same", (11, 12)),)


@pytest.mark.parametrize("why", ["noise", "transient", "empty"])
def test_the_three_reasons_of_removals_are_read(why: str) -> None:
    """A row is removed as noise, as transient or as empty; the why stands in for a reason."""
    assert _read(remove=[{"id": "r1", "why": why}]).proposals == (Proposal("remove", why, (11,)),)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"groups": []}', id="bare"),
        pytest.param('\n  {"reviewed": []}\n', id="white space around"),
        pytest.param('```json\n{"groups": []}\n```', id="a json fence"),
        pytest.param('```\n{"remove": []}\n```\n', id="a bare fence"),
        pytest.param('{"groups": [], "mood": null}', id="more than was asked"),
        pytest.param('{"groups": []} and more', id="prose after it"),
    ],
)
def test_a_reply_that_changes_nothing_is_a_reply(text: str) -> None:
    """Any one of the three lists makes a reply; lists that are missing are empty."""
    assert read_reply(text, IDS) == Reply((), (), frozenset())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("I merged them for you.", id="prose"),
        pytest.param('{"groups": [', id="cut off"),
        pytest.param('{"groups": []}{"groups": []}', id="two documents"),
        pytest.param("[]", id="a list"),
        pytest.param("null", id="null"),
        pytest.param("{}", id="none of the lists"),
        pytest.param('{"error": "overloaded"}', id="another document"),
        pytest.param('{"groups": {}}', id="groups that are no list"),
        pytest.param('{"groups": null}', id="groups of null"),
        pytest.param('{"remove": "r1"}', id="remove that is no list"),
        pytest.param('{"reviewed": "r1"}', id="reviewed that is no list"),
        pytest.param('{"groups": [], "groups": []}', id="a key twice"),
        pytest.param('{"groups": [{"op": "merge", "op": "conflict"}]}', id="a key twice within"),
        pytest.param('{"groups": [NaN]}', id="NaN"),
        pytest.param('{"groups": [], "x": -Infinity}', id="infinity"),
        pytest.param('{"groups": ' + "[" * 100_000, id="nested beyond reading"),
        pytest.param('{"groups": [' + "9" * 5_000 + "]}", id="a number beyond reading"),
        pytest.param('{"groups": ["a\nb"]}', id="a line break within a text"),
    ],
)
def test_what_is_no_reply_changes_nothing(text: str) -> None:
    """A reply that is not of the agreed shape is an error as a whole, never guessed at."""
    with pytest.raises(ModelReplyError, match="the reply"):
        read_reply(text, IDS)


def test_an_error_quotes_only_the_start_of_a_reply() -> None:
    """A long reply does not flood the log."""
    with pytest.raises(ModelReplyError) as caught:
        read_reply("x" * 10_000, IDS)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("group", "guard", "rows"),
    [
        pytest.param(7, "malformed", (), id="a number"),
        pytest.param(None, "malformed", (), id="null"),
        pytest.param({"op": "merge"}, "malformed", (), id="no ids"),
        pytest.param({**GOOD, "ids": "r1"}, "malformed", (), id="ids that are a text"),
        pytest.param({**GOOD, "ids": {"r1": 1}}, "malformed", (), id="ids that are an object"),
        pytest.param({**GOOD, "op": "delete"}, "malformed", (11, 12), id="an unknown op"),
        pytest.param({**GOOD, "op": "remove"}, "malformed", (11, 12), id="a removal as a group"),
        pytest.param({**GOOD, "op": ["merge"]}, "malformed", (11, 12), id="an op that is a list"),
        pytest.param({"ids": ["r1", "r2"]}, "malformed", (11, 12), id="no op"),
        pytest.param({**GOOD, "ids": ["r1", "r9"]}, "unknown_id", (11,), id="an unknown id"),
        pytest.param({**GOOD, "ids": ["r1", 11]}, "unknown_id", (11,), id="a database id"),
        pytest.param({**GOOD, "ids": ["r1", ["r2"]]}, "unknown_id", (11,), id="a list as an id"),
        pytest.param({**GOOD, "ids": ["r1", None]}, "unknown_id", (11,), id="null as an id"),
        pytest.param({**GOOD, "ids": ["R1", "r2"]}, "unknown_id", (12,), id="an id in capitals"),
        pytest.param({**GOOD, "ids": ["r1"]}, "group_of_one", (11,), id="one row"),
        pytest.param({**GOOD, "ids": ["r1", "r1"]}, "group_of_one", (11,), id="one row twice"),
        pytest.param({**GOOD, "ids": []}, "group_of_one", (), id="no row"),
    ],
)
def test_a_bad_group_is_refused_alone(group: object, guard: str, rows: tuple[int, ...]) -> None:
    """A group that is malformed, unknown or of one row is dropped; the others stand."""
    reply = _read(groups=[group, {**GOOD, "ids": ["r2", "r3"]}])
    assert reply.proposals == (Proposal("merge", "the same", (12, "x3")),)
    assert [(refused.guard, refused.row_ids) for refused in reply.refused] == [(guard, rows)]


@pytest.mark.parametrize(
    ("removal", "guard", "rows"),
    [
        pytest.param("r1", "malformed", (), id="a text"),
        pytest.param({"why": "noise"}, "unknown_id", (), id="no id"),
        pytest.param({"id": "r9", "why": "noise"}, "unknown_id", (), id="an unknown id"),
        pytest.param({"id": ["r1"], "why": "noise"}, "unknown_id", (), id="a list as an id"),
        pytest.param({"id": "r1"}, "malformed", (11,), id="no why"),
        pytest.param({"id": "r1", "why": "false"}, "malformed", (11,), id="an unknown why"),
        pytest.param({"id": "r1", "why": ["noise"]}, "malformed", (11,), id="a list as a why"),
    ],
)
def test_a_bad_removal_is_refused_alone(removal: object, guard: str, rows: tuple[int, ...]) -> None:
    """A removal without a known row and a known why is dropped; the others stand."""
    reply = _read(groups=[GOOD], remove=[removal])
    assert reply.proposals == (PROPOSED,)
    assert [(refused.guard, refused.row_ids) for refused in reply.refused] == [(guard, rows)]


def test_an_id_twice_in_a_group_counts_once() -> None:
    """Naming a row twice does not make it two rows."""
    assert _read(groups=[{**GOOD, "ids": ["r1", "r2", "r1"]}]).proposals == (PROPOSED,)


def test_reviewed_ids_that_nobody_gave_are_ignored() -> None:
    """Only rows of the request can have been reviewed."""
    assert _read(reviewed=["r1", "r9", 12, None, ["r2"]]).reviewed == {11}


def test_a_refusal_quotes_only_the_start() -> None:
    """A name of a million letters is not kept for the journal."""
    (refused,) = _read(groups=[{**GOOD, "ids": ["r1", "z" * 1_000_000]}]).refused
    assert isinstance(refused, Refused)
    assert len(refused.reason) < 200


@pytest.mark.parametrize("reason", [None, "", 5, ["a"], {"b": 1}])
def test_an_odd_reason_is_no_reason_to_drop_a_group(reason: object) -> None:
    """The reason is for people; the decision counts, and its reason is always a text."""
    (proposal,) = _read(groups=[{**GOOD, "reason": reason}]).proposals
    assert proposal.row_ids == (11, 12)
    assert isinstance(proposal.reason, str)
