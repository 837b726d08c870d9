"""Pings over real HTTP: in order, and of a monitor that is not well only what it costs."""

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from logged import messages
from monitor_server import Answer, MonitorServer, Ping
from runs import CLAIM, RID, finished

from llm_maint import __version__
from llm_maint.domain.ping import Addresses
from llm_maint.domain.runs import Finished
from llm_maint.monitoring.pings import REST_SECONDS, Pings
from llm_maint.monitoring.telling import Telling

AGENT = f"llm-maint/{__version__}"

SECONDS = 30
"""Nothing here takes longer, however busy the machine is."""

FAILED = finished("failed", error_message="it bröke")


def pings_of(url: str, **changed: Any) -> Pings:  # noqa: ANN401 any field
    """Return the pings of a tick, without a pause between two tries."""
    return Pings(Addresses(url), Telling(), **{"timeout": SECONDS, "pause": 0, **changed})


def told(pings: Pings, *ends: Finished) -> None:
    """Tell of runs that begin, and how they end, to the end."""
    for end in ends:
        pings.begun(replace(CLAIM, job_name=end.run.job_name, run_id=end.run.id))
        pings.ended(end)
    pings.errands.end()
    assert pings.errands.have_ended(within=SECONDS)


def refused() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_a_run_is_told_from_its_beginning_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """In the order in which it happened, with the run's id, and without a body."""
    with MonitorServer() as monitor:
        told(pings_of(f"{monitor.url}/ping/{{job}}/"), FAILED, finished())
    assert monitor.pings == [
        Ping("GET", f"/ping/nightly{event}?rid={RID}", AGENT)
        for event in ("/start", "/fail", "/start", "")
    ]
    assert messages(caplog) == []


def test_what_is_skipped_or_interrupted_has_not_failed() -> None:
    """The monitor hears of an end, or of none; of a failure it does not."""
    ends = [finished("skipped", expected=True), finished("skipped"), finished("interrupted")]
    with MonitorServer() as monitor:
        told(pings_of(f"{monitor.url}/x"), *ends, finished("abandoned"))
    paths = [path.partition("?")[0] for path in monitor.paths]
    assert paths == ["/x/start", "/x", "/x/start", "/x/log", "/x/start", "/x/start"]


def test_a_body_is_sent_where_that_is_wanted() -> None:
    """The error message, cut; a run that went well has none."""
    long = finished("failed", error_message="x" * 20_000)
    with MonitorServer() as monitor:
        told(pings_of(f"{monitor.url}/x", bodies=True), FAILED, finished(), long)
    sent = [(ping.method, ping.body) for ping in monitor.pings if "/start" not in ping.path]
    assert sent == [("POST", "it bröke"), ("GET", ""), ("POST", "x" * 10_000)]
    assert {ping.method for ping in monitor.pings if "/start" in ping.path} == {"GET"}


def test_only_jobs_with_an_address_are_told_of() -> None:
    """Each at its own; others are nobody's business, and begin no thread."""
    with MonitorServer() as monitor:
        pings = Pings(Addresses("", {"nightly": f"{monitor.url}/n"}), Telling())
        pings.begun(replace(CLAIM, job_name="hourly"))
        assert not pings.errands.is_at_work
        told(pings, finished(), finished(job_name="hourly"))
    assert monitor.paths == [f"/n/start?rid={RID}", f"/n?rid={RID}"]


def _always(status: int, text: str = "") -> Callable[[str], Answer]:
    return lambda _path: (status, text)


@pytest.mark.parametrize(
    ("answer", "said", "asked"),
    [
        (_always(302), "it answered 302, and redirects are not followed", 4),
        (_always(404), "it answered 404", 4),
        (_always(429), "it answered 429", 4),
        (_always(500), "it answered 500", 5),
        (_always(200, "OK (not found)"), "it answered not found", 4),
        (_always(200, "OK (rate limited)"), "it answered rate limited", 4),
        (_always(200, "OK (\x1b[31m)"), None, 4),
        (_always(204), None, 4),
    ],
    ids=["302", "404", "429", "500", "not found", "rate limited", "something else", "204"],
)
def test_an_answer_that_is_none_is_told_once(
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[str], Answer],
    said: str | None,
    asked: int,
) -> None:
    """With the host and no more of the address; only an error of the server is tried once more."""
    with MonitorServer(answer) as monitor:
        told(pings_of(f"{monitor.url}/k3ys3cret/x"), finished(), FAILED)
    warned = f"monitoring: {monitor.url} was not told of nightly: {said}"
    assert messages(caplog) == ([warned] if said else [])
    assert len(monitor.pings) == asked
    assert not any("elsewhere" in path for path in monitor.paths)


def test_an_error_that_passes_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """A monitor that is restarted just now gets its ping a moment later."""
    answers = iter([(503, ""), (200, "OK"), (200, "OK")])
    with MonitorServer(lambda _: next(answers)) as monitor:
        told(pings_of(f"{monitor.url}/x"), finished())
    assert monitor.paths == [f"/x/start?rid={RID}"] * 2 + [f"/x?rid={RID}"]
    assert messages(caplog) == []


def test_a_monitor_that_is_down_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """One warning for all that it is not told, and no second wait for it; others are told."""
    down = refused()
    with MonitorServer() as monitor:
        addresses = Addresses(f"{down}/k3ys3cret/{{job}}", {"hourly": f"{monitor.url}/h"})
        pings = Pings(addresses, Telling(), pause=0)
        told(pings, finished(), FAILED, finished(job_name="hourly"))
    (warned,) = messages(caplog)
    assert warned.startswith(f"monitoring: {down} was not told of nightly: it cannot be reached")
    assert "k3ys3cret" not in warned
    assert len(monitor.pings) == 2


def test_a_monitor_that_does_not_answer_is_asked_once(caplog: pytest.LogCaptureFixture) -> None:
    """The time-out is for the whole of a ping; then the monitor is left alone."""
    with MonitorServer(is_free=False) as monitor:
        told(pings_of(f"{monitor.url}/k3ys3cret", timeout=0.2), finished(), FAILED)
        assert len(monitor.pings) == 1
    said = "it gave no answer within 0.2 s"
    assert messages(caplog) == [f"monitoring: {monitor.url} was not told of nightly: {said}"]


def test_the_end_of_a_long_job_is_told_to_a_monitor_that_was_down_at_its_beginning() -> None:
    """Else a moment's trouble would look like a job that never ends."""
    now = 0.0
    with MonitorServer(is_free=False) as monitor:
        pings = pings_of(f"{monitor.url}/x", timeout=0.2, ticking=lambda: now)
        pings.begun(CLAIM)
        pings.errands.send(monitor.free.set)

        def pass_time() -> None:
            nonlocal now
            now += REST_SECONDS

        pings.ended(finished())  # too early
        pings.errands.send(pass_time)
        pings.ended(FAILED)
        pings.errands.end()
        assert pings.errands.have_ended(within=SECONDS)
    assert monitor.paths == [f"/x/start?rid={RID}", f"/x/fail?rid={RID}"]


def test_a_proxy_that_is_none_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with the environment is no failure either."""
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "nonsense://h")
    told(pings_of("http://h/k3ys3cret"), finished())
    (warned,) = messages(caplog)
    assert warned.startswith("monitoring: http://h was not told of nightly: a proxy of the env")


def test_telling_takes_no_time() -> None:
    """Whoever runs jobs goes on, whatever a monitor does."""
    with MonitorServer(is_free=False) as monitor:
        pings = pings_of(f"{monitor.url}/x")
        for _ in range(100):
            pings.begun(CLAIM)
            pings.ended(finished())
        assert len(monitor.pings) <= 1
        monitor.free.set()
        pings.errands.end()
        assert pings.errands.have_ended(within=SECONDS)
    assert monitor.paths == [f"/x/start?rid={RID}", f"/x?rid={RID}"] * 100
