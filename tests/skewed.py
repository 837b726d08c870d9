"""Runs the command on a host whose clock is wrong by some seconds, in all that Python reads of it."""

import datetime
import sys

from freezegun import freeze_time


def main() -> None:
    """Take the seconds from the first argument, and let the command see to the others."""
    seconds = int(sys.argv.pop(1))
    wrong = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    with freeze_time(wrong, tick=True):
        from llm_maint.__main__ import main as llm_maint

        llm_maint()


if __name__ == "__main__":
    main()
