"""Model servers on this host are found by what they list; what else listens does no harm."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from model_server import ModelServer, Raw

from llm_maint.llm import finding
from llm_maint.llm.finding import Found, find, offered
from llm_maint.llm.listing import Listed


def _port(server: ModelServer) -> int:
    return int(server.url.split(":")[2].removesuffix("/v1"))


def _server(*models: str, listing: Raw | None = None) -> ModelServer:
    server = ModelServer(lambda _: Raw(status=500), models=models)
    server.listing = listing
    return server


@contextmanager
def _silent() -> Iterator[int]:
    """Give a port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_servers_are_found_in_the_order_of_their_ports() -> None:
    """Each with its models; it is asked for nothing else, and given no key."""
    with _server("one", "two") as first, _server("three") as second:
        found = find([(1, "nobody"), (_port(first), "a"), (_port(second), "b")])
    assert found == [
        Found(url=first.url, usual="a", models=["one", "two"]),
        Found(url=second.url, usual="b", models=["three"]),
    ]
    assert first.paths == second.paths == ["/v1/models"]
    assert "authorization" not in first.headers[0]


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param(Raw(body="<html>an application"), id="no JSON"),
        pytest.param(Raw(body="[" * 100_000), id="JSON that is too deep"),
        pytest.param(Raw(body='"models"'), id="JSON that is no object"),
        pytest.param(Raw(body='{"data": 5, "models": {}}'), id="no list"),
        pytest.param(Raw(body='{"data": [1, null, {"id": 5}]}'), id="a list of no models"),
        pytest.param(Raw(body=b"\xff\xfe" * 99), id="no text"),
        pytest.param(Raw(status=401, body='{"data": [{"id": "x"}]}'), id="a key is asked for"),
        pytest.param(Raw(status=500), id="an error"),
        pytest.param(Raw(hangup=True), id="it hangs up"),
        pytest.param(
            Raw(body=json.dumps({"data": [{"id": "x" * 5 * 1024 * 1024}]})), id="five megabytes"
        ),
    ],
)
def test_what_lists_no_models_is_no_server(listing: Raw) -> None:
    """Many a thing listens on these ports."""
    with _server(listing=listing) as server:
        assert find([(_port(server), "it")]) == []


def test_a_redirect_is_not_followed() -> None:
    """Where it points to may be anywhere."""
    with _server("one") as target:
        moved = Raw(status=302, headers={"Location": f"{target.url}/models"})
        with _server(listing=moved) as server:
            assert find([(_port(server), "it")]) == []
        assert target.paths == []


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens on this host is no proxy's concern."""
    with _server("one") as proxy, _server("two") as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert [each.models for each in find([(_port(server), "it")])] == [["two"]]
        assert proxy.paths == []


def test_one_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are found all the same, and the time is that of one."""
    monkeypatch.setattr(finding, "SECONDS", 0.3)
    slow = Raw(body='{"data": [{"id": "late"}]}', delay=60)
    with (
        _silent() as one,
        _silent() as two,
        _server(listing=slow) as three,
        _server("quick") as server,
    ):
        ports = [one, two, _port(three), _port(server)]
        before = time.monotonic()
        found = find([(port, "it") for port in ports])
        took = time.monotonic() - before
    assert [each.models for each in found] == [["quick"]]
    assert took < 2


def test_a_server_without_a_model_yet_is_one() -> None:
    """It says that it lists, and what: nothing."""
    with _server(listing=Raw(body='{"object": "list", "data": null}')) as server:
        assert [each.models for each in find([(_port(server), "it")])] == [[]]


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (["b", "a", "b"], ["b", "a"]),
        (
            ["my-Embedder", "chat", "rerank-2", "other"],
            ["chat", "other", "my-Embedder", "rerank-2"],
        ),
        (["\x1b[31mred", "a\nb", "\u202egnol", "n" * 201, "fine name"], ["fine name"]),
    ],
)
def test_the_first_that_is_offered_is_a_good_default(listed: list[str], names: list[str]) -> None:
    """Each once, as listed, those that make vectors last; none that cannot be typed or read."""
    assert offered(Listed(name, None) for name in listed) == names
