"""What is sent to the two kinds of servers, and what is read of their answers of status 200."""

from typing import Any

import pytest
from building import PROMPT

from llm_maint.domain.chat import Completion, Finish, Prompt, Usage
from llm_maint.llm import anthropic, openai
from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.form import Form
from llm_maint.llm.provider import text_of

AGAIN = Prompt(system="rules", user="rows", schema={"type": "object"}, variation=1)

OPENAI = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": '{"rows": []}'},
    ],
    "temperature": 0.0,
    "max_tokens": 9,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": {"type": "object"}},
    },
}

ANTHROPIC = {
    "model": "m",
    "max_tokens": 9,
    "system": "rules",
    "messages": [{"role": "user", "content": '{"rows": []}'}],
    "temperature": 0.0,
    "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
}


def _without(document: dict[str, Any], *names: str, **more: object) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names} | more


OBJECT = {"type": "json_object"}
LONGER = "max_completion_tokens"
TOOLS = {
    "tools": [{"name": "reply", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "tool", "name": "reply"},
}


@pytest.mark.parametrize(
    ("provider", "form", "sent"),
    [
        (openai, Form(), OPENAI),
        (openai, Form(structure="json_object"), _without(OPENAI, response_format=OBJECT)),
        (openai, Form(structure="none"), _without(OPENAI, "response_format")),
        (openai, Form(temperature=False), _without(OPENAI, "temperature")),
        (openai, Form(seed=False), OPENAI),
        (openai, Form(limit="none"), _without(OPENAI, "max_tokens")),
        (openai, Form(limit=LONGER), _without(OPENAI, "max_tokens", **{LONGER: 9})),
        (anthropic, Form(), ANTHROPIC),
        (anthropic, Form(structure="json_object"), _without(ANTHROPIC, "output_config", **TOOLS)),
        (anthropic, Form(structure="none"), _without(ANTHROPIC, "output_config")),
        (anthropic, Form(temperature=False), _without(ANTHROPIC, "temperature")),
        (anthropic, Form(limit="none"), ANTHROPIC),
    ],
)
def test_a_request_is_what_its_form_says(provider: Any, form: Form, sent: dict[str, Any]) -> None:  # noqa: ANN401 a module
    """Exactly this is sent: a field too many is what strict servers refuse."""
    assert provider.document(PROMPT, form, model="m", limit=9, temperature=0.0) == sent


@pytest.mark.parametrize(
    ("provider", "set_", "sent"),
    [
        (openai, 0.0, 0.3),
        (openai, 0.8, 0.8),
        (openai, 2.0, 2.0),
        (anthropic, 0.0, 0.3),
        (anthropic, 2.0, 1.0),
    ],
)
def test_what_is_asked_again_is_asked_otherwise(provider: Any, set_: float, sent: float) -> None:  # noqa: ANN401 a module
    """Warm enough for another reply, by a seed where there is one, within the protocol's range."""
    document = provider.document(AGAIN, Form(), model="m", limit=9, temperature=set_)
    assert document["temperature"] == sent
    assert document.get("seed") == (1 if provider is openai else None)
    less = provider.document(AGAIN, Form(seed=False), model="m", limit=9, temperature=set_)
    assert "seed" not in less


def _openai(message: object, *, finish: object = "stop", usage: object = None) -> Any:  # noqa: ANN401 any answer
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return openai.read({"model": "x", "choices": [choice], "usage": usage}, asked="m")


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "{}"}]}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        pytest.param({"content": "hi"}, "hi", id="a text"),
        pytest.param({"content": [{"type": "text", "text": "hi"}]}, "hi", id="a part"),
        pytest.param({"content": [{"type": "text", "text": "h"}, "i"]}, "hi", id="two parts"),
        pytest.param(
            {"content": [THINKING, {"type": "text", "text": "hi"}]}, "hi", id="after thinking"
        ),
        pytest.param({"content": None, "reasoning_content": "hi"}, "hi", id="null, reasoning"),
        pytest.param({"content": "", "reasoning": "hi"}, "hi", id="empty, reasoning"),
        pytest.param({"content": [], "reasoning": "hi"}, "hi", id="no parts, reasoning"),
        pytest.param({"reasoning_content": "hi"}, "hi", id="no content, reasoning"),
        pytest.param(
            {"content": None, "reasoning_content": "", "reasoning": "hi"}, "hi", id="the second"
        ),
        pytest.param({"content": "hi", "reasoning_content": "no"}, "hi", id="content goes first"),
        pytest.param({"content": "hi", "refusal": None}, "hi", id="no refusal"),
    ],
)
def test_the_text_is_found_where_servers_put_it(message: dict[str, Any], text: str) -> None:
    """A string, parts, or the field of reasoning where the content is empty."""
    assert _openai(message) == Completion(text=text, model="x", usage=Usage(1))


@pytest.mark.parametrize("finish", ["length", "LENGTH", "max_tokens", "MAX_TOKENS", "model_length"])
@pytest.mark.parametrize("message", [{"content": "h"}, {"content": None, "reasoning": "hi"}])
def test_what_ended_at_a_limit_is_cut(message: dict[str, Any], finish: str) -> None:
    """Thinking that used up the limit is not taken for the reply."""
    found = _openai(message, finish=finish)
    assert (found.finish, found.text) == (Finish.LENGTH, message["content"] or "")


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource"])
def test_what_the_server_broke_off_is_not_whole(finish: str) -> None:
    """OpenRouter, vLLM and DeepSeek answer 200 to what failed midway: it is no finished reply."""
    found = _openai({"content": '{"groups": []}'}, finish=finish)
    assert isinstance(found, Fault) or found.cut


@pytest.mark.parametrize(
    ("message", "finish", "kind"),
    [
        ({"content": None}, "stop", Kind.EMPTY),
        ({"content": " \n"}, "stop", Kind.EMPTY),
        ({"content": 5, "reasoning": {"a": 1}}, "stop", Kind.EMPTY),
        ({}, None, Kind.EMPTY),
        ("hi", "stop", Kind.EMPTY),
        ({"content": "hi"}, "content_filter", Kind.REFUSAL),
        ({"content": None}, "SAFETY", Kind.REFUSAL),
        ({"content": None, "refusal": "I will not."}, "stop", Kind.REFUSAL),
    ],
)
def test_an_answer_without_a_reply_is_a_fault(message: object, finish: object, kind: Kind) -> None:
    """It is told from a refusal, and its tokens were spent all the same."""
    found = _openai(message, finish=finish, usage={"prompt_tokens": 7, "completion_tokens": 3})
    assert isinstance(found, Fault)
    assert (found.kind, found.usage) == (kind, Usage(1, 7, 3))


@pytest.mark.parametrize(
    ("counted", "usage"),
    [
        pytest.param(None, Usage(1), id="null"),
        pytest.param([1], Usage(1), id="a list"),
        pytest.param({"prompt_tokens": 7, "completion_tokens": 3}, Usage(1, 7, 3), id="plain"),
        pytest.param({"input_tokens": 7, "output_tokens": 3}, Usage(1, 7, 3), id="other names"),
        pytest.param(
            {
                "prompt_tokens": 70,
                "completion_tokens": 30,
                "total_tokens": 100,
                "prompt_tokens_details": {"cached_tokens": 60},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(1, 70, 30, 60, 20),
            id="details",
        ),
        pytest.param(
            {"prompt_tokens": 70, "prompt_tokens_details": None, "completion_tokens_details": []},
            Usage(1, 70),
            id="details of nothing",
        ),
        pytest.param(
            {"prompt_tokens": 70, "prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 10},
            Usage(1, 70, 0, 60),
            id="DeepSeek",
        ),
        pytest.param(
            {
                "prompt_tokens": 10_120,
                "completion_tokens": 1_499,
                "total_tokens": 14_428,
                "completion_tokens_details": {"reasoning_tokens": 2_809},
            },
            Usage(1, 10_120, 4_308, 0, 2_809),
            id="xAI, whose reasoning is counted beside the completion",
        ),
        pytest.param({"prompt_tokens": -7, "completion_tokens": -1}, Usage(1), id="negative"),
        pytest.param({"prompt_tokens": "7", "completion_tokens": True}, Usage(1), id="no numbers"),
        pytest.param({"prompt_tokens": 10**30}, Usage(1, 1_000_000_000), id="more than there are"),
        pytest.param(
            {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": -60}},
            Usage(1, 7),
            id="negative details",
        ),
    ],
)
def test_usage_is_read_as_far_as_it_makes_sense(counted: object, usage: Usage) -> None:
    """Cached tokens are part of the prompt's, reasoning tokens part of the completion's."""
    assert _openai({"content": "hi"}, usage=counted).usage == usage


def _anthropic(content: object, *, stop: object = "end_turn", usage: object = None) -> Any:  # noqa: ANN401 any answer
    answer = {"model": "x", "content": content, "stop_reason": stop, "usage": usage}
    return anthropic.read(answer, asked="m")


THOUGHT = {"type": "thinking", "thinking": "no"}
HIDDEN = {"type": "redacted_thinking", "data": "x"}
TEXT = {"type": "text", "text": "hi"}
TOOL = {"type": "tool_use", "id": "t", "name": "reply", "input": {"a": "\u00e9"}}


@pytest.mark.parametrize(
    ("content", "stop", "text", "finish"),
    [
        pytest.param([TEXT], "end_turn", "hi", Finish.STOP, id="a text"),
        pytest.param([TEXT], "stop_sequence", "hi", Finish.STOP, id="another end"),
        pytest.param([TEXT, TEXT], "end_turn", "hihi", Finish.STOP, id="two texts"),
        pytest.param([THOUGHT, TEXT], None, "hi", Finish.STOP, id="a thought"),
        pytest.param([HIDDEN, TEXT], "", "hi", Finish.STOP, id="a hidden thought"),
        pytest.param([TEXT, TOOL], "tool_use", '{"a": "\u00e9"}', Finish.STOP, id="a tool"),
        pytest.param([TEXT], "max_tokens", "hi", Finish.LENGTH, id="cut"),
        pytest.param([], "max_tokens", "", Finish.LENGTH, id="cut before anything"),
        pytest.param([TOOL], "max_tokens", '{"a": "\u00e9"}', Finish.LENGTH, id="a tool, cut"),
        pytest.param([TEXT], "model_context_window_exceeded", "hi", Finish.LENGTH, id="full"),
    ],
)
def test_a_message_of_anthropic_is_read(
    content: object, stop: object, text: str, finish: Finish
) -> None:
    """The text of its blocks, or what it gave to the tool; thinking is no part of it."""
    assert _anthropic(content, stop=stop) == Completion(
        text=text, model="x", finish=finish, usage=Usage(1)
    )


@pytest.mark.parametrize(
    ("content", "stop", "kind"),
    [
        ([TEXT], "refusal", Kind.REFUSAL),
        ([], "end_turn", Kind.EMPTY),
        (None, "end_turn", Kind.EMPTY),
        ([THOUGHT], "end_turn", Kind.EMPTY),
        ([{"type": "tool_use", "input": {}}], "tool_use", Kind.EMPTY),
        ({"type": "text", "text": "hi"}, None, Kind.EMPTY),
    ],
)
def test_a_message_of_anthropic_without_a_reply_is_a_fault(
    content: object, stop: object, kind: Kind
) -> None:
    """Its tokens were spent: those read from the cache and written to it count as the prompt's."""
    counted = {
        "input_tokens": 5,
        "output_tokens": 3,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 7,
    }
    found = _anthropic(content, stop=stop, usage=counted)
    assert isinstance(found, Fault)
    assert (found.kind, found.usage) == (kind, Usage(1, 72, 3, 60))


@pytest.mark.parametrize("content", [None, 5, {}, [], [None, 5, {}], [{"type": "image"}], True])
def test_what_holds_no_text_is_none(content: object) -> None:
    """Odd content is not an error here; nothing is read of it."""
    assert text_of(content) == ""


def test_a_part_may_nest_its_text() -> None:
    """Some servers write `{"text": {"value": ...}}`, some leave the type out."""
    parts = [{"type": "text", "text": {"value": "a"}}, {"text": "b"}, {"type": "output_text"}]
    assert text_of([*parts, {"type": "output_text", "text": "c"}]) == "abc"
