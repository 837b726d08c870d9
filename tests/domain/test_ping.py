"""What a monitor is told of a run, and at which address."""

import pytest
from runs import RID, RUN_ID, finished

from llm_maint.domain.ping import (
    Addresses,
    Event,
    event_of,
    hidden,
    ping_url,
    read_addresses,
    shown,
)
from llm_maint.domain.runs import Status

EVENTS = {
    Status.SUCCESS: Event.SUCCESS,
    Status.FAILED: Event.FAIL,
    Status.SKIPPED: Event.LOG,
    Status.INTERRUPTED: None,
    Status.ABANDONED: None,
    Status.RUNNING: None,
    Status.PENDING: None,
}


@pytest.mark.parametrize("status", Status)
def test_each_end_of_a_run_is_told_as_what_it_is(status: Status) -> None:
    """Skipped is not failed, and what runs again has not ended."""
    assert event_of(finished(status)) is EVENTS[status]


def test_what_is_skipped_as_expected_ends_well() -> None:
    """A slot that a job lets pass is no silence that a monitor should complain about."""
    assert event_of(finished("skipped", expected=True)) is Event.SUCCESS


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://hc.example.org/uuid", "https://hc.example.org/uuid{event}?rid={rid}"),
        ("https://hc.example.org/uuid/", "https://hc.example.org/uuid{event}?rid={rid}"),
        ("http://h:8000/p/key/slug?create=1", "http://h:8000/p/key/slug{event}?create=1&rid={rid}"),
        ("http://h", "http://h{event}?rid={rid}"),
        ("http://me:pw@h/x/#top", "http://me:pw@h/x{event}?rid={rid}"),
    ],
)
@pytest.mark.parametrize("event", Event)
def test_an_address_gets_what_is_told_and_the_run(address: str, path: str, event: Event) -> None:
    """A query stays, a slash at the end goes, the id is a UUID as such are written."""
    assert ping_url(address, event, RUN_ID) == path.format(event=event, rid=RID)


def test_a_run_without_an_id_is_told_without_one() -> None:
    """A run whose row somebody has deleted has none."""
    assert ping_url("http://h/x?a=b", Event.FAIL, "") == "http://h/x/fail?a=b"
    assert ping_url("http://h/x", Event.FAIL, "") == "http://h/x/fail"


@pytest.mark.parametrize(
    ("job", "found"),
    [
        ("nightly", "http://own/1"),
        ("hourly", "http://all/hourly?a={b}"),
        ("a/b c?ü", "http://all/a%2Fb%20c%3F%C3%BC?a={b}"),
        ("\ud83d", "http://all/%3F?a={b}"),
    ],
)
def test_a_job_has_the_address_of_its_own_or_that_of_all(job: str, found: str) -> None:
    """Whatever a job is called, its name is one part of a path."""
    assert Addresses("http://all/{job}?a={b}", {"nightly": "http://own/1"}).of(job) == found


def test_a_job_without_an_address_is_not_watched() -> None:
    """Only some jobs may have one."""
    addresses, wrong = read_addresses("", ["nightly=https://h/x=y", " a = http://b "])
    assert addresses.of("nightly") == "https://h/x=y"
    assert addresses.of("a") == "http://b"
    assert addresses.of("hourly") is None
    assert wrong == []


@pytest.mark.parametrize(
    ("ping_url", "ping_urls", "wrong"),
    [
        ("", ["nightly"], "ping_urls: 1 of them"),
        ("", ["=http://h", "nightly=ftp://h", "x=http://", "y=http://h:port/"], "ping_urls: 4 of"),
        ("http://[::1/secret", [], "ping_url is not"),
        ("http://h:99999/secret", [], "ping_url is not"),
    ],
)
def test_what_is_no_address_is_left_out_and_told(
    ping_url: str, ping_urls: list[str], wrong: str
) -> None:
    """The others stay, and no text repeats what may be a secret."""
    addresses, (text,) = read_addresses(ping_url, [*ping_urls, "good=http://h/g"])
    assert text.startswith(wrong)
    assert "secret" not in text
    assert addresses == Addresses("", {"good": "http://h/g"})


def test_of_an_address_only_its_host_is_shown() -> None:
    """Whoever knows the rest can ping it."""
    address = "https://me:pass@hc.example.org:8443/ping/k3ys3cret/nightly?token=t0ken"
    assert shown(address) == "https://hc.example.org:8443"
    said = "odd line: GET /ping/k3ys3cret/nightly?token=t0ken (pass) of hc"
    assert hidden(said, address) == "odd line: GET /***/***/***?***=*** (***) of hc"
    assert "s3cret" not in repr(Addresses(address, {"nightly": address}))
