"""How many failures in a row a run bears before it puts off what is left."""

from dataclasses import dataclass

from llm_maint.errors import DeferredError, MaintError, ModelFailedError, RequestRefusedError

STRIKES = {ModelFailedError: 5, RequestRefusedError: 2}
"""What one entity weighs that failed for good: a server that broke at two in a row is broken, one
that refused five refuses them all."""

OUT = 10
"""The weight at which a run asks no more."""


@dataclass(slots=True)
class Patience:
    """Counts what entities came to, in their order, so that timing does not matter."""

    _strikes: int = 0
    _last: MaintError | None = None

    def succeeded(self) -> None:
        """Take note of an entity that was served: what failed before was no fault of the server."""
        self._strikes, self._last = 0, None

    def failed(self, error: Exception) -> None:
        """Take note of an entity that failed."""
        if not isinstance(error, MaintError):
            return
        weight = next((n for kind, n in STRIKES.items() if isinstance(error, kind)), 0)
        weight = OUT if error.ends_run else weight
        if weight:
            self._strikes += weight
            self._last = error

    @property
    def end(self) -> DeferredError | None:
        """Why nobody else is asked in this run; None while the run goes on."""
        if self._strikes < OUT or self._last is None:
            return None
        return DeferredError.because(self._last)
