"""Names are looked up in threads that nobody has to wait for."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from llm_maint.web.resolving import DaemonResolvingLoop


@pytest.fixture
def loop() -> Iterator[DaemonResolvingLoop]:
    """Return a loop, closed at the end."""
    made = DaemonResolvingLoop()
    yield made
    made.close()


def test_a_name_is_looked_up(loop: DaemonResolvingLoop) -> None:
    """The answer is that of the system."""
    found = loop.run_until_complete(loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))
    assert found == socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)


def test_a_name_that_is_none_is_an_error(
    loop: DaemonResolvingLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is that of the system, raised where it was asked."""

    def unknown(*_: Any, **__: Any) -> None:  # noqa: ANN401 any argument
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror, match="not known"):
        loop.run_until_complete(loop.getaddrinfo("nowhere.invalid", 80))


def test_a_name_server_that_is_silent_keeps_nobody(
    loop: DaemonResolvingLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deadline passes, the loop closes, and the thread is none that an exit waits for."""
    silent = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: silent.wait(5) and [])

    async def ask() -> None:
        async with asyncio.timeout(0.05):
            await loop.getaddrinfo("slow.invalid", 80)

    start = time.perf_counter()
    with pytest.raises(TimeoutError):
        loop.run_until_complete(ask())
    assert time.perf_counter() - start < 2
    (waiting,) = [each for each in threading.enumerate() if each.name == "resolver"]
    assert waiting.daemon
    silent.set()
    waiting.join()
