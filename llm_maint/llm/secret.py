"""The key of a model server, kept out of everything that a server says."""

from dataclasses import dataclass, field, replace

from llm_maint.domain.chat import Completion, Prompt

SHORTEST, SHORTEST_IN_REPLIES = 3, 6
"""Characters of a key that is hidden. Local servers are given "x" or "1" for one, and a reply
without its ones says something else."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A key; it is never part of a `repr`."""

    key: str = field(repr=False)

    def hidden(self, text: str) -> str:
        """Return a text without the key, which some servers echo."""
        return text.replace(self.key, "***") if len(self.key) >= SHORTEST else text

    def hidden_in(self, completion: Completion, prompt: Prompt) -> Completion:
        """Return a reply without the key; a word of our own rules is a stand-in, and no secret."""
        if len(self.key) < SHORTEST_IN_REPLIES or self.key in prompt.system:
            return completion
        text, model = self.hidden(completion.text), self.hidden(completion.model)
        return replace(completion, text=text, model=model)
