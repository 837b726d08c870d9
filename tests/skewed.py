"""Runs the command on a host whose clock is wrong by some seconds, wherever Python reads it."""

import datetime as dt
import sys

from freezegun import freeze_time


def main() -> None:
    """Take the seconds from the first argument, and let the command see to the others."""
    seconds = int(sys.argv.pop(1))
    wrong = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    with freeze_time(wrong, tick=True):
        from llm_maint.__main__ import main as llm_maint

        llm_maint()


if __name__ == "__main__":
    main()
