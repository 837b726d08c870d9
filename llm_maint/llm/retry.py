"""When a failed request is worth another try, and how long to wait before it. Nothing is sent."""

import math
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

BUSY = frozenset({408, 409, 425, 429, 502, 503, 504, 529})
"""Statuses of a server that cannot serve now; 529 is one that is overloaded."""

FAILED = 500
"""From here on a server failed at this request; it may have served another."""

NOT_IMPLEMENTED = 501
"""What a server lacks now it will lack in a minute."""

LONGEST_WAIT = 60.0
"""Seconds between two tries; a server that needs longer is a matter for the next tick."""

LONGEST_OWN_WAIT = 20.0
"""Seconds between two tries where the server names no time."""

A_YEAR = 365 * 86_400.0
"""Seconds; a server that asks for more asks for nothing that anybody can use."""

JITTER = 0.25
"""Share of a named wait that is added at random, lest all that were sent away return at once."""


def is_retryable(status: int) -> bool:
    """Return whether the same request may succeed later."""
    return status in BUSY or (status >= FAILED and status != NOT_IMPLEMENTED)


def may_retry(headers: Mapping[str, str]) -> bool:
    """Return whether a server lets itself be tried again; it may know that it is of no use."""
    return headers.get("x-should-retry", "").strip().lower() != "false"


def wait_before(
    attempt: int, *, named: float | None, draw: random.Random, within: float
) -> float | None:
    """Return the seconds to wait before try `attempt` (2, 3, ...); None: it is not worth it.

    Exponential with full jitter, unless the server named a time: then at least that. A time of
    nothing is none: three requests at one instant help nobody.
    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        attempt: the try that would follow.
        named: the seconds that the server asked for, None where it did not.
        draw: where the jitter comes from.
        within: the seconds that are left for all tries; our own waits come on top of them.

    """
    if within <= 0 or (named or 0) > min(LONGEST_WAIT, within):
        return None
    if named:
        return min(named + draw.uniform(0, JITTER * named), within)
    return draw.uniform(0, min(LONGEST_OWN_WAIT, 2.0 ** (attempt - 1)))


def named_wait(headers: Mapping[str, str], body: Any, *, now: datetime) -> float | None:  # noqa: ANN401 any JSON
    """Return the seconds that a server asks to wait, in whichever of the usual forms.

    `retry-after-ms`; `Retry-After` in seconds, also a fraction of one, or as a date (measured
    against the server's own `Date`, where it sends one); `RetryInfo` among the error's details.
    """
    wait = _named_wait(headers, body, now=now)
    return None if wait is None else min(wait, A_YEAR)


def _named_wait(headers: Mapping[str, str], body: Any, *, now: datetime) -> float | None:  # noqa: ANN401 any JSON
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    after = headers.get("retry-after")
    seconds = _number(after)
    if seconds is None:
        seconds = _until(after, now=_date(headers.get("date")) or now)
    return _retry_info(body) if seconds is None else seconds


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(text: str | None, *, now: datetime) -> float | None:
    moment = _date(text)
    return None if moment is None else max((moment - now).total_seconds(), 0)


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


def _retry_info(body: Any) -> float | None:  # noqa: ANN401 any JSON
    """Return the delay of a `google.rpc.RetryInfo`: `{"retryDelay": "34.07s"}`."""
    first = body[0] if isinstance(body, list) and body else body
    error = first.get("error") if isinstance(first, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("RetryInfo"):
            found = _DURATION.fullmatch(str(detail.get("retryDelay")))
            return float(found[1]) if found else None
    return None
