"""Who hears that a run begins and ends, while it does: monitors, if there are any."""

from dataclasses import dataclass

TYPE_CHECKING = False  # as `typing` has it, without the time that importing it costs a command
if TYPE_CHECKING:
    from collections.abc import Callable

    from llm_maint.domain.runs import Claim, Finished


@dataclass(frozen=True, slots=True)
class Listener:
    """What to call; both return at once, for the lease of the next claim ages meanwhile.

    `begun` is told of each claim whose job is run, `ended` of each run that has ended: interrupted
    ones, and those that were given up for a dead process, included. Neither hears of dry runs.
    """

    begun: "Callable[[Claim], None]"
    ended: "Callable[[Finished], None]"


NOBODY = Listener(begun=lambda _: None, ended=lambda _: None)
"""Hears nothing."""
