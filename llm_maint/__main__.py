"""The command `llm-maint`: errors become one line and an exit code.

What costs time to import waits until it is needed: cron starts this every minute for nothing.
"""

import gc
import sys

from llm_maint.bootstrap.signals import ignore_signals, install_signals
from llm_maint.errors import ExitCode, InterruptedRunError, MaintError


def main() -> None:
    """Run the command line and end the process."""
    install_signals()
    gc.disable()  # whatever is imported stays: to look through it takes a tenth of a tick
    try:
        _run(sys.argv[1:])
    except MaintError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except InterruptedRunError as error:
        ignore_signals()  # a further one must not change the exit code of the first
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 the last resort, and it is told
        _tell(error)
        sys.exit(ExitCode.BUG)
    finally:
        gc.freeze()  # the process ends: what is left is no concern of ours


def _run(arguments: list[str]) -> None:
    from llm_maint.bootstrap.quick import plain_tick

    tick = plain_tick(arguments)
    if tick is None:
        from llm_maint.cli import app

        _collect_garbage_from_now_on()
        app(prog_name="llm-maint")
    elif not tick.has_nothing_to_do():
        from llm_maint import ticking

        _collect_garbage_from_now_on()
        sys.exit(ticking.tick(tick.config, quiet=tick.quiet))


def _collect_garbage_from_now_on() -> None:
    gc.freeze()
    gc.enable()


def _tell(error: Exception) -> None:
    import logging

    log = logging.getLogger(__name__)
    if isinstance(error, MaintError):
        log.error("error: %s", error)
    else:
        what = repr(error)
        if isinstance(error, UnicodeError):  # it quotes all of the text, be it the settings
            what = type(error).__name__
        log.error("a bug of ours (run again with -v for the traceback): %s", what, exc_info=error)


if __name__ == "__main__":
    main()
