"""Errands that nobody waits for: done one after the other, in a thread of their own."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from llm_maint.monitoring.telling import Telling

Errand = Callable[[], None]


class Errands:
    """A thread that begins with its first errand; the end of the process does not wait for it."""

    def __init__(self, name: str, telling: Telling, *, last: Errand | None = None) -> None:
        """Prepare the thread; `last` is what it does at its end."""
        self._name = name
        self._telling = telling
        self._last = last
        self._waiting: SimpleQueue[Errand | None] = SimpleQueue()
        self._ended = threading.Event()
        self._is_at_work = False

    @property
    def is_at_work(self) -> bool:
        """Whether there was any."""
        return self._is_at_work

    def send(self, errand: Errand) -> None:
        """Have something done after all that was sent before; return at once."""
        self._waiting.put(errand)
        if not self._is_at_work:
            self._begin()

    def end(self) -> None:
        """Take no more: the thread ends after what was sent, however often it is told so."""
        self._waiting.put(None)

    def have_ended(self, *, within: float) -> bool:
        """Wait for the end, so many seconds at most; return whether it came."""
        return not self._is_at_work or self._ended.wait(max(within, 0))

    def _begin(self) -> None:
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError as error:  # there are too many
            self._telling.once(self._name, f"{self._name}: {error}")
        else:
            self._is_at_work = True

    def _work(self) -> None:
        while (errand := self._waiting.get()) is not None:
            self._do(errand)
        if self._last is not None:
            self._do(self._last)
        self._ended.set()

    def _do(self, errand: Errand) -> None:
        try:
            errand()
        except Exception as error:  # noqa: BLE001 nothing here fails a run
            # Its text might show an address, or what a command was given.
            self._telling.once(self._name, f"{self._name}: a bug ({type(error).__name__})")
