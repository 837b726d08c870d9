"""The monitors of a tick, wired; at its end they are waited for, within limits."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llm_maint.bootstrap.process import environment_with
from llm_maint.bootstrap.signals import SIGNALS
from llm_maint.domain.listening import NOBODY, Listener

if TYPE_CHECKING:
    from llm_maint.contract import Clock
    from llm_maint.monitoring.monitors import Monitors
    from llm_maint.settings.sections import Settings
    from llm_maint.store.database import Database

log = logging.getLogger(__name__)


@contextmanager
def listening(settings: "Settings") -> Iterator[Listener]:
    """Let the configured monitors be told of runs; wait for them at the end."""
    told = settings.monitoring
    if not (told.ping_url or told.ping_urls or told.on_failure_command):
        yield NOBODY
        return
    from llm_maint.monitoring.monitors import Monitors

    monitors = Monitors(told, environment=environment_with)
    try:
        yield monitors.listener
    finally:
        if monitors.are_at_work:
            _end(monitors)


def _end(monitors: "Monitors") -> None:
    from llm_maint.monitoring.monitors import INTERRUPTED_SECONDS

    try:
        with SIGNALS.interruptible():
            monitors.finish()
    except BaseException:  # a signal, be it one that came before
        monitors.leave(within=INTERRUPTED_SECONDS)
        raise


def write_textfile(settings: "Settings", database: "Database", clock: "Clock") -> None:
    """Write the configured file of metrics, if there is one; where that fails, say so."""
    if not settings.monitoring.textfile:
        return
    from llm_maint.monitoring import textfile

    named = settings.monitoring.textfile
    try:
        text = textfile.metrics_text(database, now=clock(), enabled=settings.scheduler.enabled)
        textfile.write(Path(named).expanduser(), text)
    except OSError as error:
        log.warning("monitoring: %s is not written: %s", named, error.strerror or error)
    except Exception as error:  # noqa: BLE001 whatever it is, the jobs have been run
        log.warning("monitoring: %s is not written: %s", named, error)
