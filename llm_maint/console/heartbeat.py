"""The heartbeat of long work: a line of the log each minute, where no bars can be seen."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from llm_maint.domain.progress import HEARTBEAT, Progress, Watch, unwatched

log = logging.getLogger(HEARTBEAT)

EVERY_SECONDS = 60.0
"""Work that is done by then says nothing."""

LAST_SECONDS = 1.0
"""How long the end waits for a line that is being written; it may wait for a reader for ever."""


@dataclass(slots=True)
class Work:
    """Work that goes on: since when, when it is told of next, and its steps, done and in all."""

    name: str
    begun: float
    due: float
    steps: dict[str, tuple[int, int]] = field(default_factory=dict)

    def line(self, now: float) -> str:
        """Return how far it is, in one line."""
        # What is done and was alone says nothing: the request before this one.
        steps = ", ".join(
            f"{what} {done:,} of {total:,}"
            for what, (done, total) in list(self.steps.items())
            if total > 1 or done < total
        )
        return f"{self.name}: {steps or 'still at work'} after {_span(now - self.begun)}"


@dataclass(slots=True)
class Heartbeat:
    """Tells how far work is, each minute of it. `clock` counts seconds, from whenever."""

    clock: Callable[[], float] = time.monotonic
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait
    every: float = EVERY_SECONDS
    _work: Work | None = None

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat until the end, whatever the end is."""
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(ended,), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(LAST_SECONDS)

    def named(self, name: str) -> Progress:
        """Begin anew for other work: a `domain.progress.Watch`."""
        now = self.clock()
        work = self._work = Work(name, now, now + self.every)

        def told(what: str, done: int, total: int) -> None:
            work.steps[what] = (done, total)

        return told

    def _beat(self, ended: threading.Event) -> None:
        while not self.wait(ended, self._seconds_left()):
            work, now = self._work, self.clock()
            if work is None or now < work.due:
                continue
            log.info("%s", work.line(now))
            while work.due <= now:  # a host that slept has missed some
                work.due += self.every

    def _seconds_left(self) -> float:
        work = self._work
        return self.every if work is None else max(0.0, work.due - self.clock())


def be_heard() -> None:
    """Let the heartbeat be logged, whatever else is not: somebody waits for the work."""
    log.setLevel(logging.INFO)


@contextmanager
def beating() -> Iterator[Watch]:
    """Yield what is to be told of each work that begins; nothing beats where nobody would hear."""
    if not log.isEnabledFor(logging.INFO):
        yield unwatched
        return
    heart = Heartbeat()
    with heart.beating():
        yield heart.named


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"
