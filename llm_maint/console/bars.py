"""Progress bars on standard error, for work that takes longer than a moment."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from llm_maint.domain.visible import visible

AFTER_SECONDS = 1.0
"""Work that is done by then shows no bar: it would only flicker."""


@dataclass
class Bars:
    """A line for the work, and below it a bar for each kind of step of which there are several."""

    text: str
    console: Console
    _tasks: dict[str, TaskID] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: bool = False

    def __post_init__(self) -> None:
        """Lay out the columns; nothing is shown yet."""
        # Results go to standard output, and these bars do not: it is left alone.
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            _Count(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            redirect_stdout=False,
        )
        self._whole = self._progress.add_task(self.text, total=None)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bars from a second on until the end, whatever the end is."""
        timer = threading.Timer(AFTER_SECONDS, self._begin)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._ended = True
                self._progress.stop()

    def named(self, name: str) -> Callable[[str, int, int], None]:
        """Begin anew for other work: a `domain.progress.Watch`."""
        with self._lock:
            for task in self._tasks.values():
                self._progress.remove_task(task)
            self._tasks.clear()
            self._progress.reset(self._whole, total=None, description=visible(name))
        return self.told

    def told(self, what: str, done: int, total: int) -> None:
        """Take note of how far the work is: a `domain.progress.Progress`."""
        with self._lock:
            if what not in self._tasks:
                self._tasks[what] = self._progress.add_task(what, total=total, visible=False)
            several = total > 1
            self._progress.update(self._tasks[what], completed=done, total=total, visible=several)

    def _begin(self) -> None:
        with self._lock:
            if not self._ended:
                self._progress.start()


class _Count(MofNCompleteColumn):
    """How many of how many; nothing where nobody knows of how many."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)
