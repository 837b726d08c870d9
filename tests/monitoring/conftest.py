"""What all tests of monitors share."""

import pytest


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loopback be reached whatever the environment of the tests says."""
    monkeypatch.setenv("NO_PROXY", "*")
