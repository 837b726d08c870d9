"""Killed in the middle of a model call: the entity is as before, and the job is not lost."""

import signal
import threading
from typing import Any

import pytest
from command import Command, tidy
from model_server import ModelServer, Raw


class Thinking:
    """A model that says that it was asked, and then thinks for longer than any test."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def __call__(self, _body: dict[str, Any]) -> Raw:
        """Begin to think."""
        self.asked.set()
        return Raw(delay=60)


@pytest.mark.parametrize(
    ("number", "code", "times"),
    [(signal.SIGTERM, 143, 1), (signal.SIGINT, 130, 5)],
    ids=["SIGTERM once", "SIGINT five times"],
)
def test_a_signal_hands_the_claim_back(
    command: Command, number: signal.Signals, code: int, times: int
) -> None:
    """The run is recorded as interrupted, the attempt not counted, the job due at once again."""
    before = command.export()
    thinking = Thinking()
    with ModelServer(thinking) as server:
        ticking = command.having(llm_base_url=server.url)
        process = ticking.started("run-due", "--job", "profile-maintenance")
        assert thinking.asked.wait(30)
        for _ in range(times):
            process.send_signal(number)
        out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (code, "", "")
    assert command.export() == before
    assert [run["status"] for run in command.runs()] == ["interrupted"]
    with ModelServer(tidy) as server:
        command.having(llm_base_url=server.url)("run-due")
    assert len(command.export()) == 4
    last = next(run for run in command.runs() if run["status"] == "success" and run["result"])
    assert last["attempt"] == 1


def test_a_killed_process_loses_nothing(command: Command) -> None:
    """After the lease its run is abandoned, and the job runs again, as a second attempt."""
    before = command.export()
    thinking = Thinking()
    with ModelServer(thinking) as server:
        ticking = command.having(llm_base_url=server.url, scheduler_lease_seconds="3")
        process = ticking.started("run-due", "--job", "profile-maintenance")
        assert thinking.asked.wait(30)
        assert "running" in command("jobs", "remove", "profile-maintenance", code=75).errors
        process.kill()
        process.communicate(timeout=30)
    assert command.export() == before
    assert [run["status"] for run in command.runs()] == ["running"]
    with ModelServer(tidy) as server:
        rescuing = command.having(llm_base_url=server.url)
        while not (tick := rescuing("run-due", "--job", "profile-maintenance")).errors:
            pass  # until the lease of three seconds has run out
    assert "died or froze" in tick.errors
    assert [run["status"] for run in command.runs()] == ["abandoned", "success"]
    assert [run["attempt"] for run in command.runs()] == [1, 2]
    assert len(command.export()) == 4
