"""Pages of the documentation, read as Markdown: their blocks, headings and links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]

CONSOLE = "console"
"""The word after the fence of a block whose commands are run."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the words after its fence, its lines, and the number of the first of them."""

    words: tuple[str, ...]
    lines: tuple[str, ...]
    number: int

    @property
    def language(self) -> str:
        """The language that it is said to be in, empty where none is."""
        return self.words[0] if self.words else ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page and what stands on it."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the checkout."""
        return str(self.path.relative_to(CHECKOUT))

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    def blocks(self) -> Iterator[Block]:
        """Yield the fenced blocks, and as `hidden` what a comment `<!-- console` has before one."""
        words: tuple[str, ...] | None = None
        lines: list[str] = []
        for number, line in enumerate(self.text.splitlines(), 1):
            if words is None and (opened := _OPENS.match(line)):
                words, lines = tuple(opened[1].split()), []
            elif words is None and line.startswith("<!-- console"):
                words, lines = ("hidden",), []
            elif words is not None and line.strip() == ("-->" if words == ("hidden",) else "```"):
                yield Block(words, tuple(lines), number - len(lines))
                words = None
            else:
                lines.append(line)
        assert words is None, f"{self.name}: a block has no end"

    def prose(self) -> Iterator[tuple[int, str]]:
        """Yield number and text of each line outside of fenced blocks."""
        inside = False
        for number, line in enumerate(self.text.splitlines(), 1):
            if _OPENS.match(line) or line.strip() == "```":
                inside = not inside
            elif not inside:
                yield number, line

    def anchors(self) -> set[str]:
        """Return the anchors of its headings, as GitHub makes them."""
        found: set[str] = set()
        for _, line in self.prose():
            if heading := _HEADING.match(line):
                words = re.sub(r"[^\w\- ]", "", heading[1].strip().lower()).replace(" ", "-")
                found.add(words)
        return found

    def links(self) -> Iterator[str]:
        """Yield where its links lead."""
        for _, line in self.prose():
            yield from _LINK.findall(re.sub(r"`[^`]*`", "", line))


def documentation() -> list[Page]:
    """Return the pages whose commands are run: the README, and all of docs but the decisions."""
    pages = sorted((CHECKOUT / "docs").rglob("*.md"))
    return [Page(CHECKOUT / "README.md"), *(Page(p) for p in pages if p.parent.name != "adr")]


_OPENS = re.compile(r"^```(?=\S|$)(.*)$")
_HEADING = re.compile(r"^#{1,6} (.+)$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
