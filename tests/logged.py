"""What we have logged; what libraries say of an earlier test, as it is cleaned up, is not ours."""

import logging

import pytest


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return our own records."""
    return [record for record in caplog.records if record.name.startswith("llm_maint")]


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the texts of our own records."""
    return [record.getMessage() for record in ours(caplog)]
