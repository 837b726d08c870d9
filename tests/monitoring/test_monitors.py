"""A tick waits at its end until all is told, and not for ever."""

import time
from pathlib import Path
from typing import Any

import pytest
from logged import messages
from monitor_server import MonitorServer
from runs import CLAIM, RID, finished

from llm_maint.monitoring import monitors as room
from llm_maint.monitoring.monitors import Monitors
from llm_maint.settings.sections import MonitoringSettings

SLEEPING = "/bin/sh -c 'sleep 600'"


def monitors(**settings: Any) -> Monitors:  # noqa: ANN401 any setting
    """Return the monitors of a tick."""
    return Monitors(MonitoringSettings(**settings), environment=dict)


def tell(it: Monitors, status: str = "failed") -> None:
    """Tell of a run that has begun and ended."""
    it.listener.begun(CLAIM)
    it.listener.ended(finished(status))


def test_all_is_told_before_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """To the monitor and to the command, whichever takes longer."""
    line = f"/bin/sh -c 'read run; echo $RUN_STATUS > {tmp_path}/told'"
    with MonitorServer() as monitor:
        it = monitors(ping_url=f"{monitor.url}/x", on_failure_command=line)
        assert not it.are_at_work
        tell(it)
        assert it.are_at_work
        it.finish()
    assert monitor.paths == [f"/x/start?rid={RID}", f"/x/fail?rid={RID}"]
    assert (tmp_path / "told").read_text() == "failed\n"
    assert messages(caplog) == []


def test_a_monitor_that_does_not_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At the limit, with one warning that names it and none that comes later."""
    monkeypatch.setattr(room, "PINGS_SECONDS", 0.1)
    with MonitorServer(is_free=False) as monitor:
        it = monitors(ping_url=f"{monitor.url}/k3ys3cret")
        tell(it)
        while not monitor.pings:
            time.sleep(0.005)
        it.finish()
        assert messages(caplog) == [f"monitoring: {monitor.url} gave no answer in time"]


def test_a_command_that_does_not_end_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not outlive its tick."""
    monkeypatch.setattr(room, "COMMANDS_SECONDS", 0.1)
    it = monitors(on_failure_command=SLEEPING)
    tell(it)
    it.finish()
    assert messages(caplog) == ["monitoring: not all was told in time"]
    assert it._command.errands.have_ended(within=30)


def test_a_tick_that_is_told_to_stop_gives_all_up(caplog: pytest.LogCaptureFixture) -> None:
    """At once and without a word: nobody waits for it."""
    with MonitorServer(is_free=False) as monitor:
        it = monitors(ping_url=f"{monitor.url}/x", on_failure_command=SLEEPING)
        tell(it)
        begun = time.monotonic()
        it.leave(within=0.1)
        assert time.monotonic() - begun < 5
        assert it._command.errands.have_ended(within=30)
    assert messages(caplog) == []


def test_settings_that_are_wrong_are_told_and_the_others_hold(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing of it is an error that could end a tick."""
    with MonitorServer() as monitor:
        it = monitors(ping_urls=("k3ys3cret", f"nightly={monitor.url}/n"))
        tell(it, "success")
        it.finish()
    assert len(monitor.pings) == 2
    assert messages(caplog) == ["monitoring: ping_urls: 1 of them are not JOB=URL"]


def test_a_bug_of_ours_fails_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The claim is held when a run is told of, and whoever is told next is told all the same."""

    def broken(*_: object) -> None:
        raise TypeError("s3cret")

    monkeypatch.setattr("llm_maint.monitoring.pings.Pings.begun", broken)
    monkeypatch.setattr("llm_maint.monitoring.pings.Pings.ended", broken)
    it = monitors()
    tell(it)
    it.finish()
    assert messages(caplog) == ["monitoring: a bug (TypeError)"]
