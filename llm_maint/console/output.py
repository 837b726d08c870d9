"""Standard output: tables and colour on a terminal, plain and stable lines elsewhere, JSON."""

import json
import os
import select
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

from llm_maint.domain.progress import Progress, Watch
from llm_maint.domain.visible import visible, visible_json
from llm_maint.errors import OutputError

WIDE = 120
"""Columns of a terminal that has room for everything."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and its style on a terminal, in the words of rich."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Headers and rows of text.

    `numeric` names the columns that are aligned to the right, `spare` those that a narrow terminal
    goes without.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[str] = frozenset()
    spare: frozenset[str] = frozenset()


@dataclass(slots=True)
class Reader:
    """Whoever reads standard output; `is_gone` once nobody does."""

    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go. `terminal` tells that a person reads them; `quiet` that none wants to."""

    terminal: bool
    error_terminal: bool
    colour: bool
    quiet: bool = False
    _reader: Reader = field(default_factory=Reader)

    @property
    def width(self) -> int:
        """How many columns the terminal has now."""
        from rich.console import Console

        return Console().width

    def waits(self, seconds: float) -> bool:
        """Wait; return whether anybody reads standard output still, at once where nobody does."""
        watched = select.poll()
        watched.register(sys.stdout.fileno(), 0)  # errors and hang-ups are told in any case
        return not (self._reader.is_gone or watched.poll(seconds * 1_000))

    def json(self, document: Any, *, one_line: bool = False) -> None:  # noqa: ANN401 any JSON
        """Print one JSON document."""
        layout: dict[str, Any] = {"separators": (",", ":")} if one_line else {"indent": 2}
        text = visible_json(json.dumps(document, ensure_ascii=False, **layout))
        try:
            text.encode(sys.stdout.encoding)
        except UnicodeEncodeError:  # half a character, or a terminal of old: escapes say the same
            text = json.dumps(document, **layout)
        self._print(text)

    def say(self, text: str) -> None:
        """Print a message for people; none with `--quiet`."""
        if not self.quiet:
            self._print(visible(text))

    def lines(self, lines: Iterable[Line]) -> None:
        """Print lines of a result."""
        self.composed([line] for line in lines)

    def composed(self, lines: Iterable[Sequence[Line]]) -> None:
        """Print lines that are in pieces of different style."""
        if not (self.terminal and self.colour):
            for pieces in lines:
                self._print(visible("".join(piece.text for piece in pieces)))
            return
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False, soft_wrap=True)
        for pieces in lines:
            console.print(Text.assemble(*((visible(each.text), each.style) for each in pieces)))

    def raw(self, text: str) -> None:
        """Print a text as it is, line breaks included: what goes into a prompt or a file."""
        self._print(text)

    def table(self, table: Table) -> None:
        """Print a table: ruled on a terminal, one tab-separated line a row elsewhere."""
        if not self.terminal:
            self._print("\t".join(map(visible, table.headers)))
            self.rows(table)
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text

        console = Console(highlight=False, no_color=not self.colour)
        narrow = console.width < WIDE
        shown = [not (narrow and header in table.spare) for header in table.headers]
        ruled = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for header in compress(table.headers, shown):
            right = header in table.numeric
            ruled.add_column(header, justify="right" if right else "left", overflow="fold")
        for row in table.rows:
            ruled.add_row(*(Text(visible(cell)) for cell in compress(row, shown)))
        console.print(ruled)

    def rows(self, table: Table) -> None:
        """Print the rows of a table alone, one tab-separated line each."""
        for row in table.rows:
            self._print("\t".join(map(visible, row)))

    @contextmanager
    def progressing(self, text: str) -> Iterator[Progress]:
        """Tell on standard error how far work is; see `watching`."""
        with self.watching(text) as watch:
            yield watch(text)

    @contextmanager
    def watching(self, text: str, *, is_cron: bool = False) -> Iterator[Watch]:
        """Tell on standard error how far jobs are.

        On a terminal by bars, after a second; elsewhere by a line of the log each minute, of what
        cron starts only where somebody asked for more, or a journal takes it.
        """
        if self.error_terminal and not self.quiet:
            from rich.console import Console

            from llm_maint.console.bars import Bars

            bars = Bars(visible(text), Console(stderr=True, no_color=not self.colour))
            with bars.shown():
                yield bars.named
            return
        from llm_maint.console import heartbeat

        if not (is_cron or self.quiet):
            heartbeat.be_heard()
        with heartbeat.beating() as watch:
            yield watch

    def _print(self, text: str) -> None:
        encoding = sys.stdout.encoding or "utf-8"
        try:
            sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read has seen enough, as `head` does. The command goes on to its end, and its
            # exit code is its own.
            self._reader.is_gone = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise OutputError(f"cannot write the output: {error.strerror}") from error
