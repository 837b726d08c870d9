"""What requests to a model cost, and how much more they may."""

from dataclasses import dataclass

from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.errors import BudgetSpentError

SLACK = 4
"""Times the calls that a part of a run expects to make, for what may be asked again."""

TOKENS_PER_CALL = 5_000
"""Of a full request and its reply, for a first guess."""


@dataclass(slots=True, kw_only=True)
class Meter:
    """Counts what is spent, and allows no further call once a limit is reached.

    A limit of 0 is none. Tokens are known only after a call, so the last one may go beyond their
    limit. `within` is the meter of the whole run, where this one is of a part of it. `alone` tells
    that a limit may be met in this part: it then waits for those begun before it, so that who gets
    the last call does not depend on who answers first. `elsewhere` is what other processes have
    spent of the same limits, as far as they have told.
    """

    max_calls: int = 0
    max_tokens: int = 0
    within: "Meter | None" = None
    alone: bool = False
    expected: int = 0
    spent: Usage = NO_USAGE
    ended: Usage = NO_USAGE
    elsewhere: Usage = NO_USAGE

    def part(self, *, calls: int) -> "Meter":
        """Begin a part that expects to make so many calls; parts begin and end in their order."""
        self.expected += calls
        most = SLACK * self.expected
        near = 0 < self.max_calls < self.ended.calls + self.elsewhere.calls + most
        tokens = self.ended.tokens + self.elsewhere.tokens
        near |= 0 < self.max_tokens < tokens + most * TOKENS_PER_CALL
        return Meter(within=self, alone=near, expected=calls)

    def end(self, part: "Meter") -> None:
        """End a part."""
        self.expected -= part.expected
        self.ended += part.spent

    @property
    def is_spent(self) -> bool:
        """Whether no further call is allowed."""
        calls = self.spent.calls + self.elsewhere.calls
        tokens = self.spent.tokens + self.elsewhere.tokens
        return 0 < self.max_calls <= calls or 0 < self.max_tokens <= tokens

    def begin_call(self) -> None:
        """Count a call that is about to be made.

        Raises:
            BudgetSpentError: it may not be made, and is not counted.

        """
        if 0 < self.max_calls <= self.spent.calls + self.elsewhere.calls:
            raise BudgetSpentError(f"the {self.max_calls:,} calls of this run are spent")
        if 0 < self.max_tokens <= self.spent.tokens + self.elsewhere.tokens:
            raise BudgetSpentError(f"the {self.max_tokens:,} tokens of this run are spent")
        if self.within is not None:
            self.within.begin_call()
        self.spent += Usage(calls=1)

    def add(self, usage: Usage) -> None:
        """Count the tokens of a call, successful or not."""
        tokens = Usage(
            0,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cached_tokens,
            usage.reasoning_tokens,
        )
        self.spent += tokens
        if self.within is not None:
            self.within.add(usage)
