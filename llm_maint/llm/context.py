"""How much fits into a model's context, in tokens that no tokenizer here can count."""

from dataclasses import dataclass

from llm_maint.domain.chat import Prompt

DENSITY = 0.4
"""Tokens per byte of UTF-8 JSON: more than most tokenizers make. It stays the same for a run, for
what a server has counted so far depends on which reply came first."""

OVERHEAD = 300
"""Tokens of a chat template, and of the schema where a server puts it into the prompt."""


@dataclass(slots=True)
class Context:
    """The context of one model: `tokens` as set or told, 0 while nobody knows.

    `longest_reply` is the most that a request asks for, in tokens.
    """

    tokens: int
    longest_reply: int
    _told: bool = False

    def fits(self, prompt: Prompt) -> bool:
        """Return whether a prompt and its reply fit, as far as anybody knows."""
        if not self.tokens:
            return True
        size = len(prompt.system.encode()) + len(prompt.user.encode())
        return size * DENSITY + OVERHEAD + self.reply_limit <= self.tokens

    @property
    def reply_limit(self) -> int:
        """The longest reply to ask for: never more than half of the context."""
        return min(self.longest_reply, self.tokens // 2) if self.tokens else self.longest_reply

    def learn(self, tokens: int | None) -> None:
        """Take a server's word for the size, once, where it is less than what was known."""
        if tokens and not self._told and not 0 < self.tokens <= tokens:
            self.tokens, self._told = tokens, True
