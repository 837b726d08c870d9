"""The one JSON object of a reply: what may stand around it, and what makes a reply unreadable."""

import json
import time
from typing import Any

import pytest

from llm_maint.domain.extract import one_object
from llm_maint.errors import UnreadableReplyError

GOOD = '{"groups": [], "note": "a {b} c, d"}'
VALUE: dict[str, Any] = {"groups": [], "note": "a {b} c, d"}
DRAFT = '{"groups": ["a draft"]}'

BOM = "\ufeff"
ANALYSIS = "<|channel|>analysis<|message|>"
FINAL = "<|channel|>final<|message|>"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD, id="bare"),
        pytest.param(f"\r\n\t {GOOD} \n\n", id="white space"),
        pytest.param(f"{BOM}{GOOD}", id="a byte-order mark"),
        pytest.param(f"\n{BOM}\n{GOOD}", id="a byte-order mark after a line break"),
        pytest.param(f"{BOM}```json\n{GOOD}\n```", id="a byte-order mark and a fence"),
        pytest.param(f"```json\n{GOOD}\n```", id="a json fence"),
        pytest.param(f"```JSON\r\n{GOOD}\r\n```\r\n", id="a fence in capitals, lines of Windows"),
        pytest.param(f"```\n{GOOD}\n```", id="a bare fence"),
        pytest.param(f"````json\n{GOOD}\n````", id="a fence of four"),
        pytest.param(f"~~~json\n{GOOD}\n~~~", id="a fence of tildes"),
        pytest.param(f"```json {GOOD} ```", id="a fence on one line"),
        pytest.param(f"```json\n{GOOD}", id="a fence that nobody closed"),
        pytest.param(f"{GOOD}\n```", id="a fence that nobody opened"),
        pytest.param(f"`{GOOD}`", id="back-ticks"),
        pytest.param(f"Here is the JSON:\n\n{GOOD}", id="prose before"),
        pytest.param(f"{GOOD}\n\nLet me know if that helps!", id="prose after"),
        pytest.param(f"Sure!\n```json\n{GOOD}\n```\nI kept [1] and 'r2'.", id="prose around"),
        pytest.param(f"I used {{the rules}} as told: {GOOD}", id="braces in prose before"),
        pytest.param(f"{GOOD} as {{you}} asked {{ me }}", id="braces in prose after"),
        pytest.param(f"Rows [r1, r2] and [see below]: {GOOD}", id="brackets in prose"),
        pytest.param(f'He said "so be it" \\ 5" : {GOOD} and "that', id="quotes in prose"),
        pytest.param(f"<think>\nHm.\n</think>\n\n{GOOD}", id="a block of thinking"),
        pytest.param(f"<think></think>{GOOD}", id="an empty block of thinking"),
        pytest.param(f"<think>{DRAFT} or {{</think>{GOOD}", id="thinking that holds a draft"),
        pytest.param(f"Hm, {DRAFT}?\n</think>\n{GOOD}", id="thinking without its opening tag"),
        pytest.param(f"</think>{GOOD}", id="only the closing tag"),
        pytest.param(f"<think>a</think><think>b</think>{GOOD}", id="two blocks of thinking"),
        pytest.param(f"<think>a<think>b</think>{GOOD}", id="an opening tag within the thinking"),
        pytest.param(f"{BOM}<think>x</think>\n```json\n{GOOD}\n```\nDone.", id="all at once"),
        pytest.param(f"<thinking>{DRAFT}</thinking>{GOOD}", id="thinking"),
        pytest.param(f"<thought>{DRAFT}</thought>{GOOD}", id="thought"),
        pytest.param(f"<reasoning>{DRAFT}</reasoning>{GOOD}", id="reasoning"),
        pytest.param(f"[THINK]{DRAFT}[/THINK]{GOOD}", id="the thinking of Magistral"),
        pytest.param(f"\u25c1think\u25b7{DRAFT}\u25c1/think\u25b7{GOOD}", id="that of Kimi"),
        pytest.param(f"<seed:think>Hm.</seed:think>{GOOD}", id="that of Seed"),
        pytest.param(f"<|START_THINKING|>Hm.<|END_THINKING|>{GOOD}", id="that of Command A"),
        pytest.param(f"{FINAL}{GOOD}", id="the final channel"),
        pytest.param(f"{FINAL}{GOOD}<|return|>", id="the final channel and its end"),
        pytest.param(
            f"{ANALYSIS}{DRAFT}<|end|><|start|>assistant{FINAL}{GOOD}<|return|>",
            id="a draft in the channel before the final one",
        ),
        pytest.param(
            f"{ANALYSIS}{DRAFT}<|end|><|start|>assistant<|channel|>final <|constrain|>json"
            f"<|message|>{GOOD}",
            id="a final channel that says that it holds JSON",
        ),
        pytest.param(
            f"{ANALYSIS}{DRAFT}<|end|>{GOOD}", id="a channel of thinking, then no channel"
        ),
        pytest.param(f"analysisHm.assistantfinal{GOOD}", id="channels without their tokens"),
        pytest.param(f"{GOOD}<|im_end|>", id="the end of a turn"),
        pytest.param(f"<|im_start|>assistant\n{GOOD}<|im_end|>\n", id="the tokens of ChatML"),
        pytest.param(f"<s>[INST] [/INST] {GOOD}</s>", id="the tokens of Mistral"),
        pytest.param(
            f"<|start_header_id|>assistant<|end_header_id|>\n\n{GOOD}<|eot_id|>", id="of Llama"
        ),
        pytest.param(f"<start_of_turn>model\n{GOOD}<end_of_turn>", id="of Gemma"),
        pytest.param(f"<answer>{GOOD}</answer>", id="an answer's tag"),
    ],
)
def test_one_object_is_found_in_what_stands_around_it(text: str) -> None:
    """What models and chat templates write around a reply is no part of it."""
    assert one_object(text) == VALUE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"a": 1,}', {"a": 1}, id="of an object"),
        pytest.param('{"a": [1, 2,]}', {"a": [1, 2]}, id="of a list"),
        pytest.param('{"a": [{"b": 1 ,\n },\n],\n}', {"a": [{"b": 1}]}, id="of all, with space"),
        pytest.param('{"a": ",}", }', {"a": ",}"}, id="beside a text that looks like one"),
        pytest.param(
            '{"a": [",]",], }', {"a": [",]"]}, id="beside a text that looks like the other"
        ),
        pytest.param(r'{"a": "\",}",}', {"a": '",}'}, id="beside an escaped quote"),
        pytest.param(r'{"a": "\\", "b": ",]",}', {"a": "\\", "b": ",]"}, id="beside a backslash"),
        pytest.param(r'{"a": "\\\",} ", "b": 1,}', {"a": '\\",} ', "b": 1}, id="beside both"),
        pytest.param('{"a": ", }",\n}', {"a": ", }"}, id="beside a comma, a space and a brace"),
        pytest.param('```json\n{"a": ",}",}\n```', {"a": ",}"}, id="in a fence"),
        pytest.param('5" of {"a": ",}",} or so', {"a": ",}"}, id="after a quote in prose"),
        pytest.param('<think>,}</think>{"a": 1,}', {"a": 1}, id="after thinking"),
    ],
)
def test_commas_at_the_end_are_forgiven(text: str, value: dict[str, Any]) -> None:
    """A comma before a closing bracket is dropped, one within a text never."""
    assert one_object(text) == value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": "</think>{}"}, id="the end of thinking and an object"),
        pytest.param({"a": "<think>", "b": "```json"}, id="a beginning of thinking and a fence"),
        pytest.param({"a": f"{FINAL}{{}}"}, id="a final channel"),
        pytest.param({"a": '{"b": 1}'}, id="an object within a text"),
        pytest.param({}, id="nothing"),
        pytest.param({"\U0001f600": "\U0001f600"}, id="a pair of surrogates"),
        pytest.param({"a": [1, -2.5, 1e300, True, None, "", {}]}, id="every type"),
        pytest.param({"a": 9**4_000}, id="a number of many digits"),
    ],
)
def test_within_a_text_tags_and_brackets_mean_nothing(value: dict[str, Any]) -> None:
    """A reply that is JSON as a whole is taken as it is."""
    assert one_object(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \n\ufeff", id="white space"),
        pytest.param("I merged them for you.", id="prose"),
        pytest.param("{", id="a brace"),
        pytest.param("```json\n```", id="an empty fence"),
        pytest.param(f"{GOOD}{GOOD}", id="the same object twice"),
        pytest.param(f"{GOOD}\n{DRAFT}", id="two objects"),
        pytest.param(f"{DRAFT}, or better {GOOD}", id="a draft without a tag"),
        pytest.param(f"{GOOD} and an empty {{}}", id="an empty object after it"),
        pytest.param(f"```json\n{GOOD}\n```\n```json\n{DRAFT}\n```", id="two fences"),
        pytest.param(f'{GOOD} {{"groups": [', id="another that is cut"),
        pytest.param(f'{{"groups": [ {GOOD}', id="one that is cut before it"),
        pytest.param(f"[{GOOD}]", id="a list"),
        pytest.param(f"Here: [{GOOD}]", id="a list after prose"),
        pytest.param(f"[1, {GOOD}]", id="a list of more"),
        pytest.param("null", id="null"),
        pytest.param("7", id="a number"),
        pytest.param(json.dumps(GOOD), id="JSON in a text"),
        pytest.param(f"The reply: {json.dumps(GOOD)}", id="JSON in a text after prose"),
        pytest.param("{'groups': []}", id="single quotes"),
        pytest.param("{groups: []}", id="keys without quotes"),
        pytest.param('{"groups": [] "note": 1}', id="a comma that is missing"),
        pytest.param('{"groups": [],, "note": 1}', id="a comma too many"),
        pytest.param('{"groups": [1 2]}', id="a comma that is missing in a list"),
        pytest.param('{"groups": [,]}', id="a comma without anything before it"),
        pytest.param('{"groups": []]}', id="a bracket too many"),
        pytest.param('{"groups": ["a\nb"]}', id="a line break within a text"),
        pytest.param('{"groups": ["a\x00b"]}', id="a NUL within a text"),
        pytest.param('{"groups": ["\\x41"]}', id="an escape that JSON has not"),
        pytest.param('{"groups": [True, None]}', id="the constants of Python"),
        pytest.param('{"groups": [0x1F, 01, +1, .5]}', id="the numbers of others"),
        pytest.param('{"groups": [], "groups": []}', id="a key twice"),
        pytest.param('{"a": 1, "\\u0061": 1}', id="a key twice, once escaped"),
        pytest.param('{"a": [{"b": {"c": 1, "c": 1}}]}', id="a key twice, deep"),
        pytest.param('{"a": [{"b": {"c": 1, "c": 1,},},],}', id="a key twice beside commas"),
        pytest.param('{"a": NaN}', id="NaN"),
        pytest.param('{"a": [-Infinity]}', id="infinity"),
        pytest.param('{"a": {"b": 1e999}}', id="a number beyond all"),
        pytest.param('x {"a": -1e999,}', id="a number beyond all, beside a comma"),
        pytest.param('{"a": "\\ud800"}', id="half a character"),
        pytest.param('{"a": "\\udc00\\ud800"}', id="two halves in the wrong order"),
        pytest.param('{"a": [{"\\udfff": 1}]}', id="half a character in a key, deep"),
        pytest.param('{"a": "\ud800"}', id="half a character as it is"),
        pytest.param('{"a": "\\u0000"}', id="an escaped NUL"),
        pytest.param('{"a\\u0000": 1}', id="an escaped NUL in a key"),
        pytest.param(f"<think>Hm. {DRAFT}", id="thinking that does not end"),
        pytest.param(f"[THINK]Hm. {DRAFT}", id="thinking of Magistral that does not end"),
        pytest.param(f"\u25c1think\u25b7 {DRAFT}", id="thinking of Kimi that does not end"),
        pytest.param(f"<seed:think>Hm. {DRAFT}", id="thinking of Seed that does not end"),
        pytest.param(f"<|START_THINKING|>{DRAFT}", id="thinking of Command A that does not end"),
        pytest.param(f"<think>a</think><think>{DRAFT}", id="thinking anew that does not end"),
        pytest.param(f"<think>{DRAFT}</think>", id="only thinking"),
        pytest.param(f"{ANALYSIS}{DRAFT}", id="only the channel of thinking"),
        pytest.param(f"{ANALYSIS}{DRAFT}<|end|>", id="only the channel of thinking, ended"),
        pytest.param(f"{ANALYSIS}{DRAFT}<|end|><|start|>assistant{FINAL}", id="an empty last one"),
        pytest.param('{"a":' * 100_000, id="objects nested beyond reading"),
        pytest.param('x {"a": ' + "[" * 100_000, id="lists nested beyond reading"),
        pytest.param('{"a": ' + "9" * 5_000 + "}", id="a number of too many digits"),
        pytest.param('x {"a": ' + "9" * 5_000 + ",}", id="the same beside a comma"),
    ],
)
def test_what_is_not_one_whole_object_is_refused(text: str) -> None:
    """A reply that is cut, doubled, broken or of another kind is unreadable, never guessed at."""
    with pytest.raises(UnreadableReplyError):
        one_object(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{{data: {GOOD}}}", id="a key without quotes around it"),
        pytest.param(f"{{'data': {GOOD}}}", id="single quotes around it"),
        pytest.param(f'{{ // mine\n"data": {GOOD}}}', id="a comment before it"),
        pytest.param(f'{{ /* mine */ "data": {GOOD}}}', id="another comment before it"),
        pytest.param(f'"data": {GOOD}}}', id="the first brace lost"),
        pytest.param(f"Here: [1, {GOOD}]", id="a list that begins otherwise"),
        pytest.param(f'Here: ["x", {GOOD}]', id="a list that begins with a text"),
        pytest.param(f"[1, {GOOD}", id="a list that is cut"),
        pytest.param('{"a": "</think>{}', id="cut after the end of thinking within a text"),
    ],
)
def test_a_part_of_something_else_is_not_the_reply(text: str) -> None:
    """An object within something larger that cannot be read is a fragment, however sound."""
    with pytest.raises(UnreadableReplyError):
        one_object(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('Here: {"a": "x</think>{}"}', "x</think>{}", id="the end of thinking"),
        pytest.param('{"a": "</think>{}",}', "</think>{}", id="the same beside a comma"),
        pytest.param(f'Here: {{"a": "{FINAL}{{}}"}}', f"{FINAL}{{}}", id="a final channel"),
    ],
)
def test_a_tag_within_a_text_of_the_reply_ends_no_thinking(text: str, value: str) -> None:
    """What stands in a string of the object is its content, whatever it looks like."""
    assert one_object(text) == {"a": value}


SOUND = '{"a": [{"b": "x, }]\\\\"}, {}], "c": {"d": [1, {"e": null}]}, "f": "{}[{}]"}'


@pytest.mark.parametrize("before", ["", "Sure: ", "```json\n", "<think>x</think>"])
@pytest.mark.parametrize("end", range(1, len(SOUND)))
def test_a_reply_that_is_cut_is_refused_wherever_it_is(before: str, end: int) -> None:
    """Half an object is none, though a part of it may be whole."""
    with pytest.raises(UnreadableReplyError):
        one_object(before + SOUND[:end])


@pytest.mark.parametrize("text", ["{}", '{"a":1} ', "{}, {", '[{"a":1}] '])
def test_a_server_that_does_not_stop_costs_no_time(text: str) -> None:
    """Two objects are as wrong as a great many, and reading them takes no longer than it must."""
    long = text * (400_000 // len(text))
    start = time.process_time()
    with pytest.raises(UnreadableReplyError) as caught:
        one_object(long)
    assert time.process_time() - start < 1
    assert len(str(caught.value)) < 300
