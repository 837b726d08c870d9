"""The file of metrics for Prometheus: written whole or not at all, wherever a tick has ended."""

import glob
import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from llm_maint import __version__
from llm_maint.domain.metrics import DAY, exposition, metrics_of
from llm_maint.store.database import Database
from llm_maint.store.past import facts_since
from llm_maint.store.vitals import vitals

SUFFIX = ".prom"
"""What the collector reads; nothing else is written over, be it a device or somebody's file."""

_READABLE_BY_ALL = 0o644


def metrics_text(database: Database, *, now: datetime, enabled: bool) -> str:
    """Return the metrics of an installation.

    Args:
        database: that of the installation.
        now: the present, by the clock of the database.
        enabled: whether its scheduler is.

    Raises:
        MaintError: it cannot be read.

    """
    with database.brief(writes=False) as source:
        found = metrics_of(
            vitals(source, now=now),
            facts_since(source, now - DAY),
            version=__version__,
            enabled=enabled,
        )
        return exposition(found)


def write(path: Path, text: str) -> None:
    """Put a text where a collector may be reading at this moment: it finds the old or the new one.

    Not even a crash of the machine leaves anything that a tick of an hour later does not mend.

    Raises:
        OSError: that is not possible.
        ValueError: the name is not one that a collector reads.

    """
    if path.suffix != SUFFIX:
        raise ValueError(f"its name does not end in {SUFFIX}")
    content = text.encode(errors="replace")
    _clear(path)
    # Of another suffix, so that no collector reads it before its time.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), _READABLE_BY_ALL)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _clear(path: Path) -> None:
    """Remove what ticks have left that were killed as they wrote."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError):
            # Of the same clock: that of the file system.
            if path.stat().st_mtime - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()


_LEFT_SECONDS = 3_600
