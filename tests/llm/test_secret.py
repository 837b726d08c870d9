"""Keys and passwords do not come back, in whichever form a server repeats them."""

import json
from html import escape
from urllib.parse import quote

import pytest
from building import PROMPT

from llm_maint.domain.chat import Completion
from llm_maint.llm.secret import Secret

KEY = 'sk-a/b+c"d&e=_9'


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(KEY, id="as it is"),
        pytest.param(KEY.upper(), id="in capitals"),
        pytest.param(json.dumps(KEY)[1:-1], id="in JSON"),
        pytest.param(json.dumps(KEY)[1:-1].replace("/", "\\/"), id="in JSON, slashes too"),
        pytest.param("".join(f"\\u{ord(c):04x}" for c in KEY), id="in JSON, all of it"),
        pytest.param(quote(KEY, safe=""), id="in a URL"),
        pytest.param(quote(KEY, safe="").lower(), id="in a URL, in small letters"),
        pytest.param(escape(KEY), id="in HTML"),
        pytest.param("".join(f"&#{ord(c)};" for c in KEY), id="in HTML, by numbers"),
        pytest.param(KEY[:5] + "\n  " + KEY[5:], id="over two lines"),
    ],
)
def test_a_key_is_hidden_in_every_form(form: str) -> None:
    """What stands around it stays."""
    assert Secret(KEY).hidden(f"no access for <{form}>!") == "no access for <***>!"


def test_a_password_of_the_address_is_hidden_too() -> None:
    """So is the key beside it; nothing shows them in a repr."""
    secret = Secret("sk-123456", ("hunter22",))
    assert secret.hidden("hunter22 or sk-123456") == "*** or ***"
    assert "hunter22" not in repr(secret) + str(secret)
    assert "sk-123456" not in repr(secret) + str(secret)


@pytest.mark.parametrize("key", ["", "x", "no"])
def test_a_stand_in_hides_nothing(key: str) -> None:
    """Local servers are given anything for a key."""
    assert Secret(key).hidden("x no 1 xx") == "x no 1 xx"


def test_a_reply_is_kept_free_of_the_key() -> None:
    """In its text, where a reason may repeat it escaped, and in the name of the model."""
    said = json.dumps({"reason": f"seen {KEY}"})
    completion = Secret(KEY).hidden_in(Completion(text=said, model=f"m {KEY}"), PROMPT)
    assert json.loads(completion.text) == {"reason": "seen ***"}
    assert completion.model == "m ***"


@pytest.mark.parametrize("key", ["rules", "r1", "merge", ""])
def test_a_word_of_the_rules_is_no_secret_in_a_reply(key: str) -> None:
    """A key that is a word of our own rules, or very short, would spoil every reply."""
    completion = Completion(text='{"op": "merge rules", "ids": ["r1"]}', model="m")
    assert Secret(key).hidden_in(completion, PROMPT) == completion


def test_hiding_takes_no_time() -> None:
    """Ten thousand beginnings of a key are no burden."""
    assert "***" not in Secret(KEY).hidden(KEY[:-1] * 10_000)
