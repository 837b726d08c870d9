"""What goes to a model and what comes back, whoever serves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One request: a system message, one user message, and the JSON schema of the reply.

    `variation` is 0 at first; a prompt that is asked again because its reply could not be read
    counts up, and is then answered with another seed.
    """

    system: str
    user: str
    schema: Mapping[str, Any]
    variation: int = 0

    @property
    def size(self) -> int:
        """Characters of both messages."""
        return len(self.system) + len(self.user)


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls and tokens; a sum over calls is again a usage.

    `calls` counts every request that was sent, failed ones too. Cached tokens are part of the
    prompt's, reasoning tokens part of the completion's.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls - other.calls,
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.cached_tokens - other.cached_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
        )

    @property
    def tokens(self) -> int:
        """Tokens in both directions."""
        return self.prompt_tokens + self.completion_tokens


NO_USAGE = Usage()


class Finish(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's reply; `usage` is of the one call that brought it."""

    text: str
    model: str
    finish: Finish = Finish.STOP
    usage: Usage = NO_USAGE

    @property
    def cut(self) -> bool:
        """Whether the reply ended at a limit of length and is not whole."""
        return self.finish is Finish.LENGTH
