"""The form of a request: what servers differ in, and the next lesser thing to ask of one."""

from dataclasses import dataclass, replace
from typing import Self

STRUCTURES = ("json_schema", "json_object", "none")
"""How a reply's structure is asked for, the strictest first; "none" is by instructions alone."""

LIMITS = ("max_tokens", "max_completion_tokens", "none")
"""The name that a server has for the longest reply; "none" leaves it to the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a request asks a server for, beside its messages.

    With `fixed` the structure is what the settings say and is never given up.
    """

    structure: str = STRUCTURES[0]
    fixed: bool = False
    limit: str = LIMITS[0]
    temperature: bool = True
    seed: bool = True

    @classmethod
    def of(cls, structured_output: str) -> Self:
        """Return the form for a setting: "auto" begins with the strictest."""
        if structured_output == "auto":
            return cls()
        return cls(structure=structured_output, fixed=True)

    def without(self, *refused: str) -> Self | None:
        """Return the form without the first of the refused parts that can be given up, if any."""
        for part in refused:
            lesser = self._without(part)
            if lesser is not None:
                return lesser
        return None

    def plain(self) -> Self | None:
        """Return the form that asks for no structure, if this one does and may do without."""
        return None if self.fixed or self.structure == "none" else replace(self, structure="none")

    def _without(self, part: str) -> Self | None:
        if part == "structure":
            after = None if self.fixed else _after(STRUCTURES, self.structure)
            return replace(self, structure=after) if after else None
        if part == "limit":
            after = _after(LIMITS, self.limit)
            return replace(self, limit=after) if after else None
        if part == "temperature" and self.temperature:
            return replace(self, temperature=False)
        if part == "seed" and self.seed:
            return replace(self, seed=False)
        return None


def _after(steps: tuple[str, ...], step: str) -> str | None:
    position = steps.index(step) + 1
    return steps[position] if position < len(steps) else None
