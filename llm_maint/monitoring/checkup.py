"""Whether the settings of monitors are of use, as `doctor` tells it; no monitor is asked."""

import os
import shlex
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from llm_maint.domain.checkup import Check, State
from llm_maint.domain.nearest import unknown
from llm_maint.domain.ping import read_addresses
from llm_maint.errors import ExitCode
from llm_maint.monitoring.textfile import SUFFIX
from llm_maint.settings.sections import MonitoringSettings

NAME = "monitoring"


def check_monitoring(settings: MonitoringSettings, *, jobs: Collection[str]) -> list[Check]:
    """Return what there is to say of the settings of monitors.

    Args:
        settings: theirs.
        jobs: the names of all jobs.

    """
    wrong = [*_pings(settings, jobs), *_textfile(settings), *_command(settings)]
    if wrong:
        return wrong
    told = [name for name, value in settings if value and name != "ping_bodies"]
    if told:
        return [Check(name=NAME, state=State.OK, found=", ".join(told))]
    found = "no monitor is configured: only logs and cron's mail tell of failures"
    return [Check(name=NAME, state=State.OK, found=found)]


def _pings(settings: MonitoringSettings, jobs: Collection[str]) -> Iterator[Check]:
    addresses, wrong = read_addresses(settings.ping_url, settings.ping_urls)
    for text in wrong:
        setting = text.partition(":")[0].partition(" ")[0]
        yield _failure(text, f"llm-maint config set monitoring.{setting} ...")
    for name in addresses.of_jobs:
        if name not in jobs:
            found = f"ping_urls: {unknown('job', name, jobs)}"
            yield Check(name=NAME, state=State.WARNING, found=found, mend="llm-maint jobs list")


def _textfile(settings: MonitoringSettings) -> Iterator[Check]:
    if not settings.textfile:
        return
    mend = "llm-maint config set monitoring.textfile /var/lib/.../llm-maint.prom"
    path = Path(settings.textfile).expanduser()
    if path.suffix != SUFFIX:
        yield _failure(f"textfile: the name of {path} does not end in {SUFFIX}", mend)
    elif not path.parent.is_dir():
        yield _failure(f"textfile: there is no directory {path.parent}", f"mkdir -p {path.parent}")
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        yield _failure(f"textfile: this user cannot write into {path.parent}", mend)


def _command(settings: MonitoringSettings) -> Iterator[Check]:
    if not settings.on_failure_command.strip():
        return
    mend = "llm-maint config set monitoring.on_failure_command ..."
    try:
        program, *_ = shlex.split(settings.on_failure_command)
    except ValueError as error:  # its text names what is missing, and quotes nothing
        yield _failure(f"on_failure_command is no command line: {error}", mend)
        return
    if shutil.which(program) is None:
        yield _failure(f"on_failure_command: there is no program {program}", mend)


def _failure(found: str, mend: str) -> Check:
    return Check(
        name=NAME,
        state=State.FAILURE,
        found=found,
        mend=mend,
        exit_code=ExitCode.CONFIGURATION,
    )
