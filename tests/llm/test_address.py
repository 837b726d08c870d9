"""The address of a model server: what of it is asked, what is shown, and where a key may go."""

import httpx
import pytest

from llm_maint.errors import ConfigurationError
from llm_maint.llm.address import Address


@pytest.mark.parametrize(
    ("base_url", "asked"),
    [
        ("http://h", "http://h/v1/x"),
        ("http://h/", "http://h/v1/x"),
        ("http://h//", "http://h/v1/x"),
        ("http://h:8080", "http://h:8080/v1/x"),
        ("http://h/v1", "http://h/v1/x"),
        ("http://h/v1/", "http://h/v1/x"),
        ("HTTP://h/v1", "http://h/v1/x"),
        ("https://h/api/paas/v4", "https://h/api/paas/v4/x"),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai/x"),
        ("https://h/v1/chat/completions", "https://h/v1/x"),
        ("https://h/v1/chat/completions/", "https://h/v1/x"),
        ("https://h/v1/messages", "https://h/v1/x"),
        ("https://h/v1/models", "https://h/v1/x"),
        ("https://h/models", "https://h/v1/x"),
        ("https://h/my/models/gpt", "https://h/my/models/gpt/x"),
        ("https://h/d/gpt?api-version=2024-10-21", "https://h/d/gpt/x?api-version=2024-10-21"),
        ("https://h/d/chat/completions?a=b&c=/models", "https://h/d/x?a=b&c=/models"),
        ("https://h?a=b", "https://h/v1/x?a=b"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/x"),
        ("http://u:p@h/v1", "http://u:p@h/v1/x"),
        ("http://h/a%20b/v1", "http://h/a%20b/v1/x"),
    ],
)
def test_an_endpoint_is_found_below_the_base(base_url: str, asked: str) -> None:
    """The base may be a server alone, an endpoint that was copied, or hold a query, which stays."""
    assert Address.of(base_url).url("/x") == asked


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("http://h:8080/v1", "http://h:8080/v1"),
        ("http://u:s3cret@h:8080/v1", "http://h:8080/v1"),
        ("http://s3cret@h", "http://h/v1"),
        ("http://u:s3@cret@h/v1", "http://h/v1"),
        ("https://h/v1?key=s3cret", "https://h/v1"),
        ("https://h/v1#s3cret", "https://h/v1"),
        ("http://u:s3cret@[::1]:1/v1", "http://[::1]:1/v1"),
    ],
)
def test_an_address_is_shown_without_what_is_secret(base_url: str, shown: str) -> None:
    """Neither a name nor a password nor a parameter gets into a message or a log."""
    assert str(Address.of(base_url)) == shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "base_url",
    [
        *("", "h", "h:8080", "http://", "http:///v1", "http://:80/v1", "http://u@/v1", "/v1"),
        *("http://h:port/v1", "http://h:99999/v1", "http://h:-1/v1", "http://[::1/v1"),
        "http://[x]/",
    ],
)
def test_what_is_no_address_is_refused(base_url: str) -> None:
    """The message says what one looks like, and not what was given, which may hold a key."""
    with pytest.raises(ConfigurationError, match=r"base_url is not the address of a server"):
        Address.of(base_url)


OURS = (
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"),
    *("0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a00:1]"),
    *("10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.178.20", "[fd00::1]", "[fc00::1]"),
    *("169.254.1.1", "[fe80::1]", "[fe80::1%25eth0]", "100.64.0.1", "100.127.255.254"),
    *("nas.local", "NAS.Local", "nas.local.", "nas.lan", "x.home.arpa", "host.docker.internal"),
    *("ollama", "my-box", "llm_1", "localhost.localdomain", "ollama.ns.svc.cluster.local"),
)
"""This host, or one of a network that is somebody's own."""

PUBLIC = (
    *("api.openai.com", "api.openai.com.", "8.8.8.8", "[2001:4860:4860::8888]", "172.32.0.1"),
    *("172.15.0.1", "192.169.0.1", "11.0.0.1", "100.128.0.1", "100.63.0.1", "169.253.0.1"),
    *("[::ffff:8.8.8.8]", "[::ffff:808:808]", "[64:ff9b::808:808]", "[2002:808:808::1]"),
    *("134744072", "0x08080808", "0x8.8.8.8", "010.8.8.8", "8.8", "8.8.8.8."),
    *("local.example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1.nip.io"),
    *("example.notlocal", "evil-local.com", "locals.example", "lan.example", "internal.example"),
    *("localhost%2eexample.com", "127.0.0.1%2eexample.com", "b\u00fccher.example"),
    *("localhost\u3002example.com", "localhost;example.com", "a@localhost@example.com"),
)
"""Hosts to which anybody's wire may lead, however much some look like others."""


@pytest.mark.parametrize("host", OURS)
def test_a_key_may_go_to_a_host_of_our_own(host: str) -> None:
    """Loopback and private networks are not the open wire; with a port or without."""
    for url in (f"http://{host}/v1", f"http://{host}:8080/v1"):
        Address.of(url).check_may_get("s3cret")


@pytest.mark.parametrize("host", PUBLIC)
def test_a_key_may_not_go_in_the_clear(host: str) -> None:
    """Over plain http to any other host it is refused; the message shows no key."""
    for url in (f"http://{host}/v1", f"http://{host}:8080/v1"):
        with pytest.raises(ConfigurationError, match=r"use https, or set llm\.allow_i") as caught:
            Address.of(url).check_may_get("s3cret")
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", [*OURS, *PUBLIC])
def test_anything_may_go_over_https(host: str) -> None:
    """Nobody on the way can read it."""
    Address.of(f"https://u:s3cret@{host}/v1").check_may_get("s3cret")


@pytest.mark.parametrize("host", PUBLIC)
def test_without_a_key_there_is_nothing_to_guard(host: str) -> None:
    """A server without keys may be anywhere."""
    Address.of(f"http://{host}/v1").check_may_get("")


def test_a_password_of_the_address_counts_as_a_key() -> None:
    """It is sent with every request as well."""
    with pytest.raises(ConfigurationError, match="in the clear") as caught:
        Address.of("http://u:s3cret@api.example.com/v1").check_may_get("")
    assert "s3cret" not in str(caught.value)
    Address.of("http://u:s3cret@127.0.0.1/v1").check_may_get("")


@pytest.mark.parametrize(
    "base_url",
    [
        "http://example.com@localhost/v1",
        "http://localhost@example.com/v1",
        "http://x@example.com@localhost/v1",
        "http://localhost\\@example.com/v1",
        "http://localhost#@example.com/v1",
        "http://localhost?@example.com/v1",
        "http://local\thost/v1",
        " http://localhost/v1",
        "http://LOCALHOST./v1",
        "http://example.com:80@[::1]:8080/v1",
    ],
)
def test_the_host_that_is_judged_is_the_host_that_is_asked(base_url: str) -> None:
    """Two readers of one address, ours and the library's, never disagree about its host."""
    address = Address.of(base_url)
    assert httpx.URL(address.url("/models")).host == address.parts.hostname
