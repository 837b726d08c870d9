"""When a failed request to a model server is worth another try, and how long to wait before it."""

import random

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses of a server that is busy or failing, not of a request that is wrong."""

LONGEST_WAIT = 20.0
"""Seconds between two tries; a server that needs longer is a matter for the next tick."""


def wait_before(attempt: int, *, draw: random.Random) -> float:
    """Return the seconds to wait before try `attempt` (2, 3, ...): exponential, full jitter.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return draw.uniform(0, min(LONGEST_WAIT, 2.0 ** (attempt - 1)))
