"""What requests to a model cost, and how much more they may."""

from dataclasses import dataclass

from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.errors import BudgetSpentError


@dataclass(slots=True, kw_only=True)
class Meter:
    """Counts what is spent, and allows no further call once a limit is reached.

    A limit of 0 is none. Tokens are known only after a call, so the last one may go beyond their
    limit. `within` is the meter of the whole run, where this one is of a part of it.
    """

    max_calls: int = 0
    max_tokens: int = 0
    within: "Meter | None" = None
    spent: Usage = NO_USAGE

    def begin_call(self) -> None:
        """Count a call that is about to be made.

        Raises:
            BudgetSpentError: it may not be made, and is not counted.

        """
        if 0 < self.max_calls <= self.spent.calls:
            raise BudgetSpentError(f"the {self.max_calls:,} calls of this run are spent")
        if 0 < self.max_tokens <= self.spent.tokens:
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
