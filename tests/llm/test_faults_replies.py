"""What models write around, into and instead of the one JSON object that was asked for."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fault_server import Entry, Json, Request, http, message, right, right_reply, right_text
from faulting import TOLD, UNREADABLE, ran

from llm_maint.store.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DRAFT = '{"nonce": "draft", "groups": [], "remove": [{"id": "r4", "why": "noise"}]}'
"""What a model may try out while it thinks; it would remove another row."""

TICKS = "```"


def _saying(around: str, **changed: Any) -> Entry:  # noqa: ANN401 any JSON
    """Return a model that writes the right reply where `around` has `@`, with fields changed."""

    def entry(request: Request) -> Any:  # noqa: ANN401 an act
        said = json.dumps({**right_reply(request.asked), **changed})
        return http(message(request, around.replace("@", said)))

    return entry


@pytest.mark.parametrize(
    "around",
    [
        pytest.param("@", id="alone"),
        pytest.param("\n\n  @  \n", id="white space"),
        pytest.param("\ufeff@", id="a mark"),
        pytest.param(f"{TICKS}json\n@\n{TICKS}", id="a fence"),
        pytest.param(f"{TICKS}\n@\n{TICKS}", id="a fence without a name"),
        pytest.param(f"\ufeff{TICKS}JSON\r\n@\r\n{TICKS}\r\n", id="a mark and a fence"),
        pytest.param(f"{TICKS}json\n@", id="a fence that is not closed"),
        pytest.param("~~~json\n@\n~~~", id="a fence of tildes"),
        pytest.param(f"Here it is:\n{TICKS}json\n@\n{TICKS}\nTell me more.", id="prose and fence"),
        pytest.param("Here it is: @", id="prose before"),
        pytest.param("@\n\nI removed the greeting.", id="prose after"),
        pytest.param("The rows [r1, r2] and {r3} change.\n@", id="prose with brackets"),
        pytest.param("<think>r1 and r2 differ</think>\n@", id="a thought"),
        pytest.param(f"<think>Maybe {DRAFT}? No.</think>\n\n@", id="a thought with a draft"),
        pytest.param(f"Maybe {DRAFT}? No.</think>\n@", id="a thought without its opening tag"),
        pytest.param("<think>\n\n</think>\n\n@", id="an empty thought"),
        pytest.param(f"<think>a</think><think>{DRAFT}</think>@", id="two thoughts"),
        pytest.param(f"<thinking>{DRAFT}</thinking>@", id="thinking"),
        pytest.param(f"<reasoning>{DRAFT}</reasoning>@", id="reasoning"),
        pytest.param(f"<thought>{DRAFT}</thought>@", id="thought"),
        pytest.param(f"[THINK]{DRAFT}[/THINK]@", id="Mistral's brackets"),
        pytest.param(f"◁think▷{DRAFT}◁/think▷@", id="Kimi's triangles"),
        pytest.param(f"<seed:think>{DRAFT}</seed:think>@", id="Seed's tags"),
        pytest.param(f"<think>{DRAFT}</think>{TICKS}json\n@\n{TICKS}<|im_end|>", id="all of it"),
        pytest.param(
            f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
            "<|channel|>final<|message|>@<|return|>",
            id="channels",
        ),
        pytest.param(
            f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
            "<|channel|>final <|constrain|>json<|message|>@",
            id="channels with a constraint",
        ),
        pytest.param("analysisThey differ.assistantfinal@", id="channels without their tokens"),
        pytest.param("@<|im_end|>", id="ChatML"),
        pytest.param("@</s>", id="an end of text"),
        pytest.param("<s> @ </s>[INST]", id="a start and an instruction"),
        pytest.param("@<|eot_id|><|start_header_id|>assistant<|end_header_id|>", id="Llama"),
        pytest.param("@<end_of_turn>\n<start_of_turn>model", id="Gemma"),
        pytest.param("<|assistant|>\n@<|endoftext|>", id="Phi"),
        pytest.param("<answer>@</answer>", id="tags of its own"),
    ],
)
def test_one_object_is_found_whatever_stands_around_it(database: Database, around: str) -> None:
    """One request; and what was only thought of is not done."""
    run = ran(database, _saying(around))
    assert (run.attempts, run.came) == (1, TOLD)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"extra": {"sql": "DROP TABLE entity_profiles"}}, id="fields of its own"),
        pytest.param({"note": "\U0001f600 caf\u00e9 </think> ``` {"}, id="marks within a string"),
        pytest.param({"score": 1e300, "count": -0}, id="numbers"),
        pytest.param({"note": ", ] , }"}, id="commas within a string"),
    ],
)
def test_what_a_reply_adds_is_ignored(database: Database, changed: Json) -> None:
    """Fields that nobody asked for do no harm."""
    run = ran(database, _saying("@", **changed))
    assert (run.attempts, run.came) == (1, TOLD)


UNSEEN: dict[str, Callable[[Json], Any]] = {
    "an unknown id": lambda reply: reply["remove"].append({"id": "r99", "why": "noise"}),
    "an unknown why": lambda reply: reply["remove"].append({"id": "r6", "why": "old"}),
    "an id that is a number": lambda reply: reply["remove"].append({"id": 6, "why": "noise"}),
    "an id of null": lambda reply: reply["remove"].append({"id": None, "why": "noise"}),
    "a removal that is a text": lambda reply: reply["remove"].append("r6"),
    "an unknown op": lambda reply: reply["groups"].append({"op": "delete", "ids": ["r4", "r5"]}),
    "a group of one": lambda reply: reply["groups"].append({"op": "merge", "ids": ["r4"]}),
    "one row twice": lambda reply: reply["groups"].append({"op": "merge", "ids": ["r4", "r4"]}),
    "a group with an unknown id": lambda reply: reply["groups"].append(
        {"op": "supersede", "ids": ["r4", "r5", "R6"]}
    ),
    "ids that are no list": lambda reply: reply["groups"].append({"op": "merge", "ids": "r4r5"}),
    "a group that is null": lambda reply: reply["groups"].append(None),
    "an id in two places": lambda reply: reply["groups"].extend(
        [{"op": "supersede", "ids": ["r4", "r5"]}, {"op": "supersede", "ids": ["r4", "r6"]}]
    ),
    "a merge that loses a fact": lambda reply: reply["groups"].append(
        {"op": "merge", "ids": ["r4", "r5", "r6"]}
    ),
    "reviewed that are none": lambda reply: reply["reviewed"].extend([None, 7, "r99", ["r1"]]),
    "no nonce": lambda reply: reply.pop("nonce"),
}
"""What to spoil of a reply, by name; none of it may change a row."""


@pytest.mark.parametrize("name", UNSEEN)
def test_a_bad_operation_is_dropped_alone(database: Database, name: str) -> None:
    """What cannot be done is left out, and the rest of the reply stands."""

    def entry(request: Request) -> Any:  # noqa: ANN401 an act
        reply = right_reply(request.asked)
        UNSEEN[name](reply)
        return http(message(request, json.dumps(reply)))

    run = ran(database, entry)
    assert (run.attempts, run.came) == (1, TOLD)


def test_rows_that_a_reply_leaves_out_are_asked_about_once_more(database: Database) -> None:
    """Without `reviewed` the rows in no operation travel again, alone."""
    run = ran(database, _saying("@", reviewed=[]), right)
    assert (run.sizes, run.came) == ([6, 3], TOLD)


def _spoilt(old: str, new: str) -> Callable[[Request], str]:
    """Return a reply in which a piece of the right one is another."""

    def said(request: Request) -> str:
        text = right_text(request)
        assert old in text
        return text.replace(old, new, 1)

    return said


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda _: "I'm sorry, but I can't help with that.", id="an excuse"),
        pytest.param(lambda _: "{}", id="an empty object"),
        pytest.param(lambda _: "[]", id="an empty list"),
        pytest.param(lambda _: "null", id="null"),
        pytest.param(lambda _: '{"' * 5_000, id="braces"),
        pytest.param(lambda _: '{"groups": ' + "[" * 50_000, id="nested beyond reading"),
        pytest.param(lambda r: f"[{right_text(r)}]", id="in a list"),
        pytest.param(lambda r: json.dumps(right_text(r)), id="in a string"),
        pytest.param(lambda r: right_text(r)[:-1], id="without its last brace"),
        pytest.param(lambda r: right_text(r)[:-30], id="cut, and said to be whole"),
        pytest.param(lambda r: right_text(r)[:90], id="cut within a string"),
        pytest.param(lambda r: f"```json\n{right_text(r)[:-20]}\n```", id="cut in a fence"),
        pytest.param(lambda r: right_text(r) * 2, id="twice"),
        pytest.param(lambda r: f"{DRAFT}\nNo, better:\n{right_text(r)}", id="a draft before"),
        pytest.param(lambda r: f"{right_text(r)}\n{DRAFT}", id="another after"),
        pytest.param(lambda r: f"{right_text(r)} or {DRAFT[:-9]}", id="a cut one after"),
        pytest.param(lambda r: f"<think>{right_text(r)}", id="a thought without end"),
        pytest.param(lambda r: f"</think><think>{right_text(r)}", id="a second thought"),
        pytest.param(
            lambda r: f"<|channel|>analysis<|message|>{right_text(r)}", id="only the first channel"
        ),
        pytest.param(lambda r: right_text(r).replace('"', "'"), id="single quotes"),
        pytest.param(lambda r: right_text(r).replace('"groups"', "groups"), id="a bare key"),
        pytest.param(_spoilt('"remove"', '"groups": [], "remove"'), id="a key twice"),
        pytest.param(_spoilt('"why"', '"id": "r4", "why"'), id="a key twice, within"),
        pytest.param(_spoilt('"groups"', '"x": NaN, "groups"'), id="NaN"),
        pytest.param(_spoilt('"groups"', '"x": Infinity, "groups"'), id="Infinity"),
        pytest.param(_spoilt('"groups"', '"x": -Infinity, "groups"'), id="minus Infinity"),
        pytest.param(_spoilt('"groups"', '"x": 1e999, "groups"'), id="beyond a float"),
        pytest.param(_spoilt('"groups"', f'"x": {"9" * 5_000}, "groups"'), id="an endless number"),
        pytest.param(_spoilt('"groups"', '"x": None, "groups"'), id="None"),
        pytest.param(_spoilt('"groups"', '"x": 01, "groups"'), id="a zero first"),
        pytest.param(_spoilt("a greeting", "\\ud83d"), id="half a character"),
        pytest.param(_spoilt("a greeting", "\\udc00\\ud800"), id="halves in the wrong order"),
        pytest.param(_spoilt('"groups"', '"\\ud800": 1, "groups"'), id="half a character as key"),
        pytest.param(_spoilt("a greeting", "a\\u0000b"), id="NUL"),
        pytest.param(_spoilt("a greeting", "a\nb"), id="a bare line feed"),
        pytest.param(_spoilt("a greeting", 'a "greeting"'), id="bare quotes"),
        pytest.param(_spoilt("a greeting", "a \\x greeting"), id="an escape that is none"),
        pytest.param(_spoilt('"groups"', '// first\n"groups"'), id="a comment"),
        pytest.param(_spoilt(', "groups"', ' "groups"'), id="a missing comma"),
        pytest.param(_spoilt('"groups": [', '"groups": {"a": 1}, "old": ['), id="no list"),
        pytest.param(_spoilt('"nonce": "', '"nonce": "other'), id="another nonce"),
    ],
)
def test_a_reply_that_cannot_be_read_is_asked_for_once_more(
    database: Database, said: Callable[[Request], str]
) -> None:
    """Nothing is guessed: one more try with another seed, then the profile stays as it is."""
    run = ran(database, lambda request: http(message(request, said(request))))
    assert (run.attempts, run.came, run.waits) == (2, UNREADABLE, [])
    assert [request.body.get("seed") for request in run.requests] == [None, 1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"noise"}]', '"noise",}, ]', id="in objects and lists"),
        pytest.param("a greeting", 'a greeting, ]", "more": [1 , ], "x": ",}', id="and strings"),
    ],
)
def test_a_trailing_comma_is_forgiven(database: Database, old: str, new: str) -> None:
    """It leaves nothing in doubt."""
    said = _spoilt(old, new)
    run = ran(database, lambda request: http(message(request, said(request))))
    assert (run.attempts, run.came) == (1, TOLD)
