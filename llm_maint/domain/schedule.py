"""When a job runs: slots on a grid or of a cron expression, so that a late tick shifts none."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from llm_maint.domain.nearest import nearest
from llm_maint.errors import UsageError

NEVER = datetime.max.replace(tzinfo=UTC)
"""Beyond the calendar: the slot after it does not come."""


@dataclass(frozen=True, slots=True)
class Every:
    """The grid `anchor + k * interval`; the interval is positive."""

    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval <= timedelta(0):
            raise ValueError("an interval must be positive")

    def next(self, anchor: datetime, *, after: datetime) -> datetime:
        """Return the first slot later than `after`; at least the one that follows the anchor.

        Args:
            anchor: a slot of the grid, usually the one that was just due.
            after: usually now.

        """
        passed = max((after - anchor) // self.interval, 0)
        try:
            return anchor + (passed + 1) * self.interval
        except OverflowError:
            return NEVER

    def latest(self, anchor: datetime, *, now: datetime) -> datetime:
        """Return the last slot that is not later than now; the anchor where there is none since."""
        return anchor + max((now - anchor) // self.interval, 0) * self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """The moments of a cron expression of five fields, by the clocks of a zone.

    Where clocks are put forward, a job of a certain hour runs right after the gap; where they are
    put back, it runs once. What runs at every hour follows real time: the rules of Debian's cron.
    """

    expression: str
    zone: str = "UTC"

    @classmethod
    def parse(cls, expression: str, zone: str = "UTC") -> "Cron":
        """Return the schedule of an expression.

        Raises:
            UsageError: it is none, it never comes to pass, or there is no such zone.

        """
        cron = cls(" ".join(expression.split()), zone)
        _zone(zone)
        if cron.next(_SOME_DAY, after=_SOME_DAY) == NEVER:
            raise UsageError(f"--cron {expression!r} never comes to pass")
        return cron

    def next(self, anchor: datetime, *, after: datetime) -> datetime:
        """Return the first moment later than `after` and than the anchor; see `Every.next`."""
        try:
            return self._first(max(anchor, after))
        except CronSimError as error:
            raise UsageError(
                f"{self.expression!r} is no cron expression ({str(error).lower()}): "
                "minute hour day-of-month month day-of-week"
            ) from error
        except OverflowError:
            return NEVER

    def _first(self, after: datetime) -> datetime:
        fields, zone, found = _fields(self.expression), _zone(self.zone), NEVER
        wall = after.astimezone(zone).replace(tzinfo=None, fold=0)
        # An hour before clocks are put back, what they will show again is still to come, too.
        for shown in CronSim(fields, wall - _put_back(after, zone)):
            later = [utc for utc in _readings(shown, fields, zone) if utc > after]
            found = min([found, *later])
            if shown > wall and (found < NEVER or shown.year > wall.year + _YEARS):
                break
        return found

    def latest(self, anchor: datetime, *, now: datetime) -> datetime:
        """Return the last moment that is not later than now; the anchor where none is since.

        Halves the time in which it must be, and only looks forward: there is one rule.
        """
        early, late = anchor, now
        while late - early > _MINUTE:
            middle = early + (late - early) / 2
            if self.next(middle, after=middle) <= now:
                early = middle
            else:
                late = middle
        slot = self.next(early, after=early)
        return slot if slot <= now else anchor


Schedule = Every | Cron


def parse_interval(text: str) -> timedelta:
    """Return the interval of a text: `60m`, `2h`, `1d`; a number alone is minutes.

    Raises:
        UsageError: the text is none, or not a whole number of minutes of at least one.

    """
    found = _INTERVAL.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{text!r} is no interval: write 60m, 2h or 1d")
    return int(found[1]) * timedelta(minutes=_MINUTES[found[2]])


def parse_duration(text: str) -> timedelta:
    """Return the duration of a text: `0`, `30s`, or as `parse_interval` reads it.

    Raises:
        UsageError: the text is none.

    """
    found = _SECONDS.fullmatch(text.strip().lower())
    return timedelta(seconds=int(found[1] or 0)) if found else parse_interval(text)


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after the failed `attempt` (1, 2, ...): 1, 2, 4 ... minutes."""
    return timedelta(minutes=2 ** (attempt - 1))


_INTERVAL = re.compile(r"(\d{1,6})\s*(m|h|d|)")
_SECONDS = re.compile(r"(?:(\d{1,6})\s*s|0)")
_MINUTES = {"": 1, "m": 1, "h": 60, "d": 24 * 60}
_MINUTE = timedelta(minutes=1)
_LONGEST = 1_000
_YEARS = 50
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def _fields(expression: str) -> str:
    """Return the five fields; with a sixth, for seconds, no tick could keep pace."""
    fields = _NAMED.get(expression.lower(), expression)
    if len(fields) > _LONGEST:
        raise CronSimError("too long")
    if len(fields.split()) != 5:  # noqa: PLR2004 minute, hour, day, month, weekday
        raise CronSimError("wrong number of fields")
    return fields


def _put_back(moment: datetime, zone: ZoneInfo) -> timedelta:
    """Return by how much clocks will be put back before they show what they show at a moment."""
    local = moment.astimezone(zone)
    again = local.replace(fold=1).astimezone(UTC)
    return max(again - moment, timedelta(0)) if local.fold == 0 else timedelta(0)


def _readings(shown: datetime, fields: str, zone: ZoneInfo) -> list[datetime]:
    """Return the moments at which clocks show this, as far as a job is to run at them."""
    moments = _shown_at(shown, zone)
    if any(field.startswith("*") for field in fields.split()[:2]):
        return moments
    while not moments:
        shown += _MINUTE
        moments = _shown_at(shown, zone)
    return moments[:1]


def _shown_at(shown: datetime, zone: ZoneInfo) -> list[datetime]:
    both = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    real = {utc for utc in both if utc.astimezone(zone).replace(tzinfo=None, fold=0) == shown}
    return sorted(real)


@lru_cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # no such file, or none that may be named so
        close = nearest(name, available_timezones())
        hint = f"; did you mean {close!r}?" if close else ": give one as Europe/Berlin"
        raise UsageError(f"no time zone {name!r}{hint}") from error
