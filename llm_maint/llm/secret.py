"""Keys and passwords of a model server, kept out of everything that a server says."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from urllib.parse import quote

from llm_maint.domain.chat import Completion, Prompt

SHORTEST, SHORTEST_IN_REPLIES = 3, 6
"""Characters of a key that is hidden. Local servers are given "x" or "1" for one, and a reply
without its ones says something else."""


@dataclass(frozen=True)
class Secret:
    """The key, and other words to hide, such as the password of an address; never in a `repr`."""

    key: str = field(repr=False)
    others: tuple[str, ...] = field(default=(), repr=False)

    def hidden(self, text: str) -> str:
        """Return a text without the secrets, which some servers echo."""
        return self._anywhere.sub("***", text) if self._anywhere else text

    def hidden_in(self, completion: Completion, prompt: Prompt) -> Completion:
        """Return a reply without the secrets; a word of our own rules is a stand-in, not one."""
        words = [
            word
            for word in (self.key, *self.others)
            if len(word) >= SHORTEST_IN_REPLIES and word not in prompt.system
        ]
        pattern = _any_of(words)
        if pattern is None:
            return completion
        text, model = pattern.sub("***", completion.text), pattern.sub("***", completion.model)
        return replace(completion, text=text, model=model)

    @cached_property
    def _anywhere(self) -> re.Pattern[str] | None:
        return _any_of(word for word in (self.key, *self.others) if len(word) >= SHORTEST)


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds words however they are escaped: in JSON, a URL or HTML, over lines."""
    patterns = [r"\s*".join(map(_forms, word)) for word in words]
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else None


def _forms(character: str) -> str:
    """Return a pattern of one character in all its forms."""
    forms = {
        character,
        f"\\{character}",
        f"\\u{ord(character):04x}",
        quote(character, safe=""),
        f"%{ord(character):02x}",
        escape(character),
        f"&#{ord(character)};",
        f"&#x{ord(character):x};",
    }
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms, key=len, reverse=True))})"
