"""Console blocks: the commands that are typed, how they end, and what they are said to print."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ANY_LINES = "..."
"""A line that stands for any number of lines; within a line, an ellipsis stands for any text."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, the exit code that it must have, and the lines it prints; None: not shown."""

    command: str
    code: int
    shown: tuple[str, ...] | None
    number: int


def commands(lines: Sequence[str], first: int) -> Iterator[Typed]:
    """Yield the commands of a block whose first line has the number `first`.

    A command goes on in the next line after a backslash. `# exit N` at its end is its exit code.
    """
    at = 0
    assert not lines or lines[0].startswith("$ "), f"line {first}: a block begins with a command"
    while at < len(lines):
        number, text = first + at, lines[at].removeprefix("$ ")
        while text.endswith("\\"):
            at += 1
            text = text[:-1] + lines[at].removeprefix("> ").strip()
        at += 1
        shown = []
        while at < len(lines) and not lines[at].startswith("$ "):
            shown.append(lines[at])
            at += 1
        found = _EXIT.search(text)
        yield Typed(
            command=_COMMENT.sub("", text),
            code=int(found[1]) if found else 0,
            shown=tuple(shown) or None,
            number=number,
        )


def differences(shown: Sequence[str], printed: str, known: dict[str, str]) -> str:
    """Return where what was printed is not what is shown, empty where it is.

    Spaces may differ in number; times and durations may be any. An id that is shown for the first
    time stands for the id at its place, which is added to `known` (shown -> real).
    """
    wanted = [line for line in map(_spaced, shown) if line]
    actual = [line for line in map(_spaced, printed.splitlines()) if line]
    at = 0
    skipping = False
    for line in wanted:
        if line == ANY_LINES:
            skipping = True
            continue
        while at < len(actual) and skipping and not _matches(line, actual[at], known):
            at += 1
        if at == len(actual) or not _matches(line, actual[at], known):
            return f"shown:\n  {line}\nprinted:\n  " + "\n  ".join(actual[at:] or ["(no more)"])
        at += 1
        skipping = False
    if at < len(actual) and not skipping:
        return "printed, not shown:\n  " + "\n  ".join(actual[at:])
    return ""


def _matches(shown: str, printed: str, known: dict[str, str]) -> bool:
    new: list[str] = []

    def pattern(part: re.Match[str]) -> str:
        text = part[0]
        if part.lastgroup == "id" and text not in known:
            new.append(text)
            return r"([0-9a-f]{8})"
        if part.lastgroup in ("id", "rest"):
            return re.escape(known.get(text, text))
        return _FORMS[part.lastgroup or ""]

    found = re.fullmatch(_PARTS.sub(pattern, shown), printed)
    if found is None:
        return False
    known.update(zip(new, found.groups(), strict=True))
    return True


def _spaced(line: str) -> str:
    return " ".join(line.split())


_EXIT = re.compile(r"\s# exit (\d+)")
_COMMENT = re.compile(r"\s+#\s.*$")
_PARTS = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?Z?)"
    r"|(?P<took>\b\d+(\.\d+)? m?s\b)"
    r"|(?P<id>\b(?=[a-f]*\d)[0-9a-f]{8}\b)"
    r"|(?P<any>…)"
    r"|(?P<rest>.)"
)
_FORMS = {
    "time": r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?Z?",
    "took": r"\d+(?:\.\d+)? m?s",
    "any": r".*",
}
