"""Runs the command as on a host of another name."""

import sys

from llm_maint.bootstrap import places


def main() -> None:
    """Take the name from the first argument, and let the command see to the others."""
    name = sys.argv.pop(1)
    places.host_name = lambda: name
    from llm_maint.__main__ import main as llm_maint

    llm_maint()


if __name__ == "__main__":
    main()
