"""The command `llm-maint`: errors become one line and an exit code."""

import logging
import sys

from llm_maint.errors import ExitCode, InterruptedRunError, MaintError

log = logging.getLogger(__name__)


def main() -> None:
    """Run the command line and end the process."""
    from llm_maint.bootstrap.process import ignore_signals, install_signals

    install_signals()
    try:
        from llm_maint.cli import app

        app(prog_name="llm-maint")
    except MaintError as error:
        log.error("error: %s", error)  # noqa: TRY400 it explains itself
        sys.exit(error.exit_code)
    except InterruptedRunError as error:
        ignore_signals()  # a further one must not change the exit code of the first
        sys.exit(error.exit_code)
    except Exception as error:
        log.exception("a bug of ours (run again with -v for the traceback): %r", error)  # noqa: TRY401
        sys.exit(ExitCode.BUG)


if __name__ == "__main__":
    main()
