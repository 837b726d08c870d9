"""Whether a model saw its whole request: by the echoed nonce, and by the count of tokens."""

import json
from typing import Any

import pytest
from building import NICK, attribute, day

from llm_maint.domain.canary import SAFE_CHARACTERS, check_seen
from llm_maint.domain.chat import Completion, Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.request import Request, request_for
from llm_maint.errors import LostPromptError, ModelReplyError, UnreadableReplyError

SHORT = request_for(NICK, [attribute()])
LONG = request_for(NICK, [attribute(number, value="blue " * 40) for number in range(100)])


def _check(request: Request, nonce: object, counted: int = 0) -> None:
    usage = Usage(1, counted, 10)
    check_seen(request, Completion(text="{}", model="m", usage=usage), nonce)


def test_the_two_requests_are_short_and_long() -> None:
    """One fits into any context, the other is several thousand tokens long."""
    assert SHORT.prompt.size < SAFE_CHARACTERS
    assert LONG.prompt.size > 5 * SAFE_CHARACTERS


@pytest.mark.parametrize(
    ("request_", "counted"),
    [
        pytest.param(SHORT, 0, id="short, not counted"),
        pytest.param(SHORT, 500, id="short, counted"),
        pytest.param(SHORT, 1, id="short, counted oddly"),
        pytest.param(LONG, 0, id="long, not counted"),
        pytest.param(LONG, LONG.prompt.size // 3, id="long, counted"),
        pytest.param(LONG, LONG.prompt.size // 6, id="long, few tokens"),
        pytest.param(LONG, LONG.prompt.size * 2, id="long, a great many tokens"),
        pytest.param(LONG, 9, id="long, only what was not cached"),
    ],
)
def test_a_reply_that_echoes_the_nonce_is_taken(request_: Request, counted: int) -> None:
    """The nonce stands first, so whoever repeats it has read all that follows."""
    _check(request_, request_.nonce, counted)


@pytest.mark.parametrize("nonce", [None, "", "abcdef", 7, ["x"], {"a": 1}, True])
def test_a_long_request_without_its_echo_was_cut(nonce: object) -> None:
    """Some servers drop the start of what is too long and answer all the same."""
    with pytest.raises(ModelReplyError):
        _check(LONG, nonce, LONG.prompt.size // 3)


@pytest.mark.parametrize("counted", [0, 2_048, 4_096])
def test_a_missing_echo_says_which_setting_to_raise(counted: int) -> None:
    """The advice names the server's context and our own setting for it."""
    with pytest.raises(LostPromptError, match=r"model server.*llm\.context_tokens"):
        _check(LONG, None, counted)


@pytest.mark.parametrize("counted", [512, 1_024, 2_048, LONG.prompt.size // 8 - 1])
def test_a_count_that_is_too_low_shows_a_cut_despite_the_echo(counted: int) -> None:
    """No tokenizer makes so little of so much: the middle was left out."""
    with pytest.raises(LostPromptError, match=r"llm\.context_tokens"):
        _check(LONG, LONG.nonce, counted)


def test_a_short_request_needs_no_echo() -> None:
    """It cannot have been cut, and weak models forget the nonce."""
    _check(SHORT, None)
    _check(SHORT, None, 300)


@pytest.mark.parametrize("nonce", ["", "abcdef", LONG.nonce, 7, ["x"], False])
def test_a_short_request_with_another_nonce_was_not_answered(nonce: object) -> None:
    """A reply that echoes something else answers something else: another seed may do."""
    with pytest.raises(UnreadableReplyError) as caught:
        _check(SHORT, nonce)
    assert not isinstance(caught.value, LostPromptError)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(request_for(NICK, [attribute(value="red")]), id="another value"),
        pytest.param(request_for(Entity("user", "ada"), [attribute()]), id="another user"),
        pytest.param(request_for(Entity("bot", "nick"), [attribute()]), id="a bot"),
        pytest.param(request_for(NICK, [attribute(updated_at=day(1))]), id="another time"),
        pytest.param(request_for(NICK, [attribute(), attribute(2)]), id="a row more"),
        pytest.param(request_for(NICK, []), id="no row"),
    ],
)
def test_another_request_has_another_nonce(other: Request) -> None:
    """A reply to one request cannot pass for a reply to another; equal ones are asked alike."""
    assert other.nonce != SHORT.nonce
    assert request_for(NICK, [attribute()]) == SHORT


@pytest.mark.parametrize("request_", [SHORT, LONG], ids=["short", "long"])
def test_the_nonce_stands_first(request_: Request) -> None:
    """A cut takes the start of a message away, and the nonce with it; nothing else tells it."""
    document: dict[str, Any] = json.loads(request_.prompt.user)
    assert next(iter(document.items())) == ("nonce", request_.nonce)
    assert request_.prompt.user.count(request_.nonce) == 1
    assert request_.nonce not in request_.prompt.system
    assert request_.nonce.isalnum()
    assert 4 <= len(request_.nonce) <= 12
