"""The text of a crontab's entry that starts the ticks."""

import re
import shlex

from llm_maint.domain.deployment import Deployment, cron_step, every
from llm_maint.errors import UsageError

_USER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")


def crontab(deployment: Deployment, run_as: str | None = None) -> str:
    """Return the entry, with what there is to know about it.

    Args:
        deployment: its config is named where there is one.
        run_as: a user, for a file in /etc/cron.d; None for the crontab of whoever installs it.

    Raises:
        UsageError: `run_as` is no name of a user.

    """
    if run_as is not None and not _USER_NAME.fullmatch(run_as):
        raise UsageError(f"{run_as!r} is no user's name")
    fields, step = cron_step(deployment.interval_seconds)
    place = "crontab -e" if run_as is None else "llm-maint deploy cron ... > /etc/cron.d/llm-maint"
    entry = " ".join(filter(None, (fields, run_as, _command(deployment))))
    return _CRONTAB.format(
        every=every(step),
        place=place,
        why=_why(deployment.interval_seconds, step),
        entry=entry,
    )


def _command(deployment: Deployment) -> str:
    """Return the command for the shell; cron itself would take a plain `%` for the end of it."""
    config = [] if deployment.config is None else ["--config", deployment.config]
    return shlex.join([deployment.program, *config, "run-due"]).replace("%", r"\%")


def _why(seconds: int, step: int) -> str:
    if seconds == step:
        return ""
    if seconds < step:
        reason = "cron's shortest step is a minute"
    else:
        reason = "cron's steps divide an hour or a day, and this is the next shorter one"
    return f"# scheduler.check_interval_seconds is {seconds}; {reason}.\n"


_CRONTAB = """\
# llm-maint from cron: {every} it runs what is due. Silent when all is well, so cron mails only
# what failed. Written by `llm-maint deploy cron`; put it in place with: {place}
{why}# MAILTO=you@example.org
{entry}
"""
