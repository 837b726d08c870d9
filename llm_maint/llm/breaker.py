"""The breaker: once a server has shown that it will not serve, a run asks it no more."""

from dataclasses import dataclass

from llm_maint.errors import DeferredError, MaintError, ModelFailedError, RequestRefusedError

STRIKES = {ModelFailedError: 5, RequestRefusedError: 2}
"""What one request weighs that failed for good: a server that broke at two in a row is broken, one
that refused five refuses them all."""

OUT = 10
"""The weight of failures in a row that opens the breaker."""


@dataclass(slots=True)
class Breaker:
    """Closed until an error says that the next request would fail in the same way."""

    _error: MaintError | None = None
    _strikes: int = 0

    def check(self) -> None:
        """Let a request pass.

        Raises:
            DeferredError: the breaker is open; the message and exit code are of what opened it.

        """
        if self._error is not None:
            raise DeferredError(str(self._error), exit_code=self._error.exit_code)

    def failed(self, error: MaintError) -> None:
        """Take note of a request that failed."""
        self._strikes += next((n for kind, n in STRIKES.items() if isinstance(error, kind)), 0)
        if self._error is None and (error.ends_run or self._strikes >= OUT):
            self._error = error

    def succeeded(self) -> None:
        """Take note of a reply: what failed before it was no fault of the server."""
        self._strikes = 0
