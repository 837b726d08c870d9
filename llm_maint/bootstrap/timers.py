"""What starts the ticks on this host: systemd's timer, or cron."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llm_maint.domain.checkup import Check, State

TIMER = "llm-maint.timer"
STARTS = re.compile(r"\bllm[-_]maint\b.*\srun-due\b")
"""A line that starts a tick, whatever else a crontab says of us."""

SYSTEM_CRON = (Path("/etc/crontab"), Path("/etc/cron.d"))
SECONDS = 5.0
"""How long a program is waited for that tells of timers."""


def timer_check(*, ticks: bool, cron: Sequence[Path] = SYSTEM_CRON) -> Check:
    """Return what starts llm-maint on this host.

    Args:
        ticks: whether this host was seen to tick just now, whatever starts it.
        cron: the system's crontabs: files, or folders of them.

    """
    name, timers = "timer", list(_systemd())
    active = [timer.called for timer in timers if timer.is_active]
    if active := [*active, *_crontabs(cron)]:
        return Check(name=name, state=State.OK, found=", ".join(active))
    if timers:
        found, mend = f"{timers[0].called} is off", timers[0].enabled_by
        return Check(name=name, state=State.WARNING, found=found, mend=mend)
    if ticks:
        told = "neither systemd's nor cron's, but something starts the ticks"
        return Check(name=name, state=State.OK, found=told)
    told = f"no {TIMER}, and no crontab of root or yours that starts llm-maint run-due"
    return Check(name=name, state=State.WARNING, found=told, mend="llm-maint deploy cron")


@dataclass(frozen=True, slots=True)
class _Timer:
    called: str
    enabled_by: str
    is_active: bool


def _systemd() -> Iterator[_Timer]:
    """Yield the timers of systemd that are installed."""
    for options, whose in (((), "the system's"), (("--user",), "this user's")):
        asked = ("systemctl", *options, "show", TIMER, "--property=LoadState,ActiveState")
        told = dict(line.partition("=")[::2] for line in _said(*asked).splitlines())
        if told.get("LoadState") == "loaded":
            mend = " ".join(("systemctl", *options, "enable", "--now", TIMER))
            yield _Timer(f"{whose} {TIMER}", mend, told.get("ActiveState") == "active")


def _crontabs(system: Sequence[Path]) -> Iterator[str]:
    """Yield the crontabs that start us."""
    if _starts_us(_said("crontab", "-l")):
        yield "the crontab of this user"
    for path in system:
        for file in _files(path):
            if _starts_us(_read(file)):
                yield str(file)


def _files(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError:  # root's alone
        return []


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _starts_us(crontab: str) -> bool:
    lines = (line.strip() for line in crontab.splitlines())
    return any(STARTS.search(line) and not line.startswith("#") for line in lines)


def _said(*command: str) -> str:
    """Return what a program says; nothing where it is not there, fails, or takes its time."""
    try:
        done = subprocess.run(  # noqa: S603 our own words
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")
