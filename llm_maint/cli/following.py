"""`llm-maint runs tail -f`: each run as it begins and as it ends, for hours."""

import logging
from typing import TYPE_CHECKING

from llm_maint.errors import MaintError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llm_maint.cli.session import Session
    from llm_maint.domain.runs import Run
    from llm_maint.store.news import News

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How often to look: as soon as a person would notice, and cheap for the database."""

AGAIN_SECONDS = 2.0
"""How long to wait for a database that is away before it is tried again."""


def follow(session: "Session", news: "News", show: "Callable[[Iterable[Run]], None]") -> None:
    """Show the runs that come, until a signal does or nobody reads any more.

    Raises:
        MaintError: the database cannot be read, and waiting for it would not mend that.

    """
    is_lost = False
    while True:
        try:
            with session.listed() as it:
                while True:
                    show(news.read(it.source))
                    if is_lost:
                        log.warning("the database is back")
                        is_lost = False
                    if not session.out.waits(POLL_SECONDS):
                        return
                    if not it.source.is_postgresql:
                        break  # the file may have been moved, or another put in its place
        except MaintError as error:
            if not error.transient:
                raise
            if not is_lost:
                log.warning("the database was lost, and is tried again: %s", error)
                is_lost = True
            if not session.out.waits(AGAIN_SECONDS):
                return
