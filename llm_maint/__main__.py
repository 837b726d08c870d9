"""The command `llm-maint`: errors become one line and an exit code.

What costs time to import waits until it is needed: cron starts this every minute for nothing.
"""

import sys

from llm_maint.bootstrap.signals import ignore_signals, install_signals
from llm_maint.errors import ExitCode, InterruptedRunError, MaintError


def main() -> None:
    """Run the command line and end the process."""
    install_signals()
    try:
        from llm_maint.bootstrap.quick import nothing_due

        if nothing_due(sys.argv[1:]):
            return
        from llm_maint.cli import app

        app(prog_name="llm-maint")
    except MaintError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except InterruptedRunError as error:
        ignore_signals()  # a further one must not change the exit code of the first
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 the last resort, and it is told
        _tell(error)
        sys.exit(ExitCode.BUG)


def _tell(error: Exception) -> None:
    import logging

    log = logging.getLogger(__name__)
    if isinstance(error, MaintError):
        log.error("error: %s", error)
    else:
        log.error("a bug of ours (run again with -v for the traceback): %r", error, exc_info=error)


if __name__ == "__main__":
    main()
