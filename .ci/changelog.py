"""Reads CHANGELOG.md, which is in the form of Keep a Changelog."""

import re
from dataclasses import dataclass
from datetime import date

UNRELEASED = "Unreleased"
"""The section of what no version has yet."""

HEADING = re.compile(r"^## \[(?P<name>[^\]\n]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?$", re.MULTILINE)
"""The first line of a section."""


@dataclass(frozen=True, slots=True)
class Section:
    """What the changelog says of a version, or of what is not released."""

    name: str
    dated: date | None
    text: str

    @property
    def says_something(self) -> bool:
        """Whether there is an entry, beside headings."""
        return any(line.startswith("- ") for line in self.text.splitlines())


def sections(text: str) -> list[Section]:
    """Return the sections in their order.

    Raises:
        ValueError: a section has a date that no calendar has.

    """
    headings = list(HEADING.finditer(text))
    starts = [heading.start() for heading in headings]
    return [
        Section(
            name=heading["name"],
            dated=date.fromisoformat(heading["date"]) if heading["date"] else None,
            text=text[heading.end() : end].strip(),
        )
        for heading, end in zip(headings, [*starts[1:], len(text)], strict=False)
    ]
