"""How often a tick is started and by what: the value that deploy files are written from."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from llm_maint.errors import UsageError

MINUTE, HOUR, DAY = 60, 3_600, 86_400

SERVICE, TIMER = "llm-maint.service", "llm-maint.timer"

CREDENTIAL = "llm-api-key"
"""Name of the systemd credential that holds the model server's key."""

STATE = "/var/lib/llm-maint"
"""Where the system's service may write, and nowhere else."""

HOMES = ("/home/", "/root/", "/run/user/")
"""What the system's service does not see (`ProtectHome=` of systemd)."""

_PARTS = (
    (MINUTE, 1, "*:*:0/{}"),
    (HOUR, MINUTE, "*:0/{}:00"),
    (DAY, HOUR, "0/{}:00:00"),
)
"""What is divided, into steps of which unit, and how that is written."""

_UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f\"'\\]")
"""What systemd takes in the name of no program, and the crons of this world read as they like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A tick to be started again and again, by a service of the system or of one user.

    Attributes:
        program: the path of `llm-maint`.
        interval_seconds: between two ticks.
        config: the configuration file to name; None where the program finds it by itself.
        key_file: holds the model server's key; None where no setting names one.
        user: a service of one user, which may do what that user may.
        loopback: model server and database are on this host, and nothing else is reached.

    Raises:
        UsageError: a path that cannot be written down, or a variant that there is none of.

    """

    program: str
    interval_seconds: int
    config: str | None = None
    key_file: str | None = None
    user: bool = False
    loopback: bool = False

    def __post_init__(self) -> None:
        for path in (self.program, self.config, self.key_file):
            if path and _UNQUOTABLE.search(path):
                raise UsageError(
                    f"{path!r} holds a quotation mark, a backslash or a control character, which"
                    " systemd or cron does not take: move it, or link to it"
                )
        if self.user and self.loopback:
            raise UsageError(
                "--loopback is for the system's service: a user's systemd has no packet filter"
            )


def out_of_reach(
    deployment: Deployment,
    needed: Iterable[str],
    *,
    urls: Iterable[tuple[str, str]],
    textfile: str = "",
) -> Iterator[str]:
    """Tell what the system's service could not reach, bounded as it is, and what mends it.

    Args:
        deployment: nothing is out of reach of a user's.
        needed: the files that starting the program takes.
        urls: what is connected to, each with its setting; an empty one is the default.
        textfile: what is written for Prometheus; empty for nothing.

    """
    if deployment.user:
        return
    if hidden := next((path for path in needed if path.startswith(HOMES)), None):
        yield (
            f"{hidden} is in a home directory, which the system's service does not see:"
            " install it elsewhere (make install-systemd: in /opt/llm-maint), or use --user"
        )
    for setting, url in urls:
        scheme, _, rest = url.partition("://")
        if scheme.partition("+")[0] == "sqlite":
            if not rest.startswith(f"/{STATE}/"):
                yield (
                    f"{setting} is a file outside {STATE}, where the system's service may not"
                    " write: move it there, or use --user"
                )
        elif deployment.loopback and url and not _is_loopback(url):
            yield f"{setting} is on another host, which the loopback variant does not reach"
    if textfile and not textfile.startswith(f"{STATE}/"):
        yield (
            f"monitoring.textfile is outside {STATE}: let the service write there, with"
            " ReadWritePaths= in a drop-in (docs/monitoring.md)"
        )


def calendar_of(seconds: int) -> str | None:
    """Return an interval as systemd's `OnCalendar=`; None where it divides no minute, hour or day.

    Source: systemd.time(7), calendar events.
    """
    whole = {MINUTE: "*:*:00", HOUR: "*:00:00", DAY: "00:00:00"}
    parts = (
        form.format(seconds // unit)
        for longer, unit, form in _PARTS
        if longer % seconds == 0 and seconds % unit == 0
    )
    return whole.get(seconds) or next(parts, None)


def cron_step(seconds: int) -> tuple[str, int]:
    """Return an interval as the five fields of a crontab, and the seconds that they mean.

    Where cron cannot say it, it is the next shorter one that it can: of minutes that divide an
    hour, or hours that divide a day. A minute is the shortest.
    """
    steps = {
        MINUTE: "* * * * *",
        **{minutes * MINUTE: f"*/{minutes} * * * *" for minutes in _divisors(60)},
        HOUR: "0 * * * *",
        **{hours * HOUR: f"0 */{hours} * * *" for hours in _divisors(24)},
        DAY: "0 0 * * *",
    }
    step = max(each for each in steps if each <= max(seconds, MINUTE))
    return steps[step], step


def every(seconds: int) -> str:
    """Return an interval in words: `every 30 seconds`, `every hour`."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")):
        count, rest = divmod(seconds, unit)
        if count and not rest:
            return f"every {name}" if count == 1 else f"every {count} {name}s"
    raise ValueError(seconds)


def _is_loopback(url: str) -> bool:
    """Return whether a URL is of this host; True, too, where it names none, as for a socket."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host in ("", "localhost", "::1") or host.startswith(("127.", "/", "%2f"))


def _divisors(number: int) -> list[int]:
    """Return what divides a number, but for 1 and itself."""
    return [each for each in range(2, number) if number % each == 0]
