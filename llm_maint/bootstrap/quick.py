"""The quick way out of a tick: most of those that cron starts find nothing due.

It imports the driver of the database and no library beside it. Wherever it is not certain, it steps
aside for the full way (`ticking`), which explains what is wrong. The two never differ in what they
find.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from llm_maint.bootstrap.access import Access, recognised_access
from llm_maint.bootstrap.places import host_name
from llm_maint.bootstrap.terminal import is_terminal
from llm_maint.errors import DatabaseBusyError, DatabaseUnavailableError, MaintError
from llm_maint.store.due import anything_due

TYPE_CHECKING = False  # as `typing` has it, without the time that importing it costs a tick
if TYPE_CHECKING:
    from llm_maint.store.driver import Source

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


class PlainTick:
    """A tick as cron starts it: it takes no other option, and nobody sees how it goes."""

    __slots__ = ("config", "quiet")

    def __init__(self, config: str | None, *, quiet: bool) -> None:
        self.config = config
        self.quiet = quiet

    def has_nothing_to_do(self) -> bool:
        """Return whether it is over: nothing is due. False, too, where that is not certain.

        Raises:
            MaintError: the database cannot be reached, or it is locked.

        """
        try:
            access = recognised_access(self.config)
        except MaintError:
            return False  # the full way tells it
        return access is not None and _nothing_due(access, quiet=self.quiet)


def plain_tick(arguments: Sequence[str]) -> PlainTick | None:
    """Return the tick that a command line asks for; None where it asks for anything else.

    Args:
        arguments: of the command line, without the name of the command.

    """
    config, quiet, words = None, False, list(arguments)
    while len(words) > 1:
        word = words.pop(0)
        if word in ("-q", "--quiet"):
            quiet = True
        elif word == "--config" and config is None and words[0] and words[0][0] != "-":
            config = words.pop(0)
        else:
            return None
    if words != ["run-due"] or is_terminal(STANDARD_OUTPUT) or is_terminal(STANDARD_ERROR):
        return None
    return PlainTick(config, quiet=quiet)


def _nothing_due(access: Access, *, quiet: bool) -> bool:
    try:
        source = access.opened()
        if source is None:
            return False
        try:
            return _is_over(source, access)
        finally:
            source.close()
    except Exception as error:  # noqa: BLE001 explained, or the full way does it
        _raise_meaning(error, access.url, quiet=quiet)
        return False


def _is_over(source: "Source", access: Access) -> bool:
    host, now = host_name(), datetime.now(UTC)
    found = anything_due(source, host=host, now=now, seconds=access.timeout)
    if found is None:
        return False
    due, seen = found
    if due and access.enabled:
        return False
    if not seen and access.textfile:
        return False  # the full way notes the tick, and tells the monitor of it
    if not seen:
        from llm_maint.store import ticks

        ticks.note_if_possible(source, host=host, now=now)
    return True


def _raise_meaning(error: Exception, url: str, *, quiet: bool) -> None:
    """Raise what waiting for once more would not mend; the full way would wait as long again."""
    from llm_maint.bootstrap.process import install_log, surroundings
    from llm_maint.settings.sources import without_password
    from llm_maint.store.explained import explained

    meaning = explained(error, without_password(url))
    if isinstance(meaning, DatabaseUnavailableError | DatabaseBusyError):
        install_log(verbose=False, quiet=quiet, journal=surroundings().journal)
        raise meaning from error
