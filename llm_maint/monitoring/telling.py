"""What is said of monitors that cannot be told: a warning, once, and none after the tick."""

import logging
from threading import Lock

log = logging.getLogger(__name__)


class Telling:
    """Warnings of threads that the tick does not wait for for ever."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._is_over = False
        self._speaking = Lock()

    def once(self, about: str, text: str) -> None:
        """Warn, unless there was a warning about the same, or the tick is over."""
        with self._speaking:
            if not self._is_over and about not in self._told:
                self._told.add(about)
                log.warning("monitoring: %s", text)

    def end(self, text: str = "") -> None:
        """Say no more, except this where nothing was said yet."""
        if text and not self._told:
            self.once("the end", text)
        with self._speaking:
            self._is_over = True
