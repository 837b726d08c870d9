"""How much fits into a model's context, in tokens that no tokenizer here can count."""

from dataclasses import dataclass

from llm_maint.domain.chat import Prompt, Usage

FIRST_DENSITY = 0.4
"""Tokens per byte of UTF-8 JSON until a server has counted: more than tokenizers usually make."""

LEAST_DENSITY, MOST_DENSITY = 0.25, 1.5
"""Counts outside are no measure of the text: cached tokens left out, or images, or a mistake."""

MARGIN = 1.1
"""Over what was measured: the next rows may be denser."""

OVERHEAD = 300
"""Tokens of a chat template, and of the schema where a server puts it into the prompt."""


@dataclass(slots=True)
class Context:
    """The context of one model: `tokens` as set or told, 0 while nobody knows."""

    tokens: int = 0
    _density: float = FIRST_DENSITY
    _told: bool = False

    def fits(self, prompt: Prompt, *, max_output_tokens: int) -> bool:
        """Return whether a prompt and its reply fit, as far as anybody knows."""
        if not self.tokens:
            return True
        size = len(prompt.system.encode()) + len(prompt.user.encode())
        estimated = size * self._density + OVERHEAD
        return estimated + self.reply_limit(max_output_tokens) <= self.tokens

    def reply_limit(self, max_output_tokens: int) -> int:
        """Return the longest reply to ask for: never more than half of the context."""
        return min(max_output_tokens, self.tokens // 2) if self.tokens else max_output_tokens

    def learn(self, tokens: int | None) -> bool:
        """Take a server's word for the size, once; return whether it is news."""
        if not tokens or self._told or 0 < self.tokens <= tokens:
            return False
        self.tokens, self._told = tokens, True
        return True

    def measure(self, prompt: Prompt, usage: Usage) -> None:
        """Learn from a count how many tokens a byte makes."""
        size = len(prompt.system.encode()) + len(prompt.user.encode())
        counted = MARGIN * usage.prompt_tokens / max(size, 1)
        if usage.prompt_tokens and LEAST_DENSITY <= counted <= MOST_DENSITY:
            first = self._density == FIRST_DENSITY
            self._density = counted if first else max(self._density, counted)
