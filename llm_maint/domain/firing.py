"""Which slot a due job fires for: after downtime, with jitter, or because somebody asked for it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from llm_maint.domain.schedule import NEVER, Every, Schedule

GRACE = timedelta(minutes=10)
"""How late a job may be that skips what it missed: ticks come by the minute, and hosts are busy."""


class Misfire(StrEnum):
    """What is done about slots that passed while nothing ticked."""

    LATEST = "latest"
    ALL = "all"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How a job is scheduled.

    Policy: `latest` runs once for the last slot that was missed, `all` once for each, `skip` for
    none that is later than the grace. `grace` bounds the other two as well: None is no bound for
    them, and `GRACE` for `skip`. `jitter` spreads the runs of many jobs: each slot is due by a part
    of it later, the same on every host. Of what is due, the higher `priority` comes first; a run
    may take the `timeout`, of which None is the default of the settings, and zero none at all.
    """

    schedule: Schedule
    misfire: Misfire = Misfire.LATEST
    grace: timedelta | None = None
    jitter: timedelta = timedelta(0)
    priority: int = 0
    timeout: timedelta | None = None

    def fires_for(self, slot: datetime, *, now: datetime) -> datetime | None:
        """Return the slot to run for where `slot` is due; None where it was missed for good."""
        grace = GRACE if self.misfire is Misfire.SKIP and self.grace is None else self.grace
        if self.misfire is Misfire.ALL:
            if grace is None or now - slot <= grace:
                return slot
            slot = self.schedule.next(slot, after=now - grace - _TINY)
            return slot if slot <= now else None
        latest = self.schedule.latest(slot, now=now)
        return latest if grace is None or now - latest <= grace else None

    def following(self, slot: datetime, *, now: datetime) -> datetime:
        """Return the slot after one that has been seen to."""
        after = slot if self.misfire is Misfire.ALL else now
        return self.schedule.next(slot, after=after)

    def due_at(self, job_id: str, slot: datetime) -> datetime:
        """Return when a slot is due: the slot itself, or with jitter a little later."""
        if not self.jitter or slot == NEVER:
            return slot
        digest = blake2b(
            f"{job_id} {slot.astimezone(UTC).isoformat()}".encode(), digest_size=6
        ).digest()
        most = min(self.jitter, self._room(slot)) // _SECOND
        return slot + int.from_bytes(digest) % (most + 1) * _SECOND

    def may_be_due_at(self, slot: datetime, moment: datetime) -> bool:
        """Return whether some jitter, maybe one that was changed since, lets a slot be due then."""
        return slot <= moment <= slot + self._room(slot)

    def _room(self, slot: datetime) -> timedelta:
        """Return what jitter may take: half of the way to the next slot."""
        return (self.schedule.next(slot, after=slot) - slot) / 2


_TINY = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


def in_words(schedule: Schedule) -> str:
    """Return a schedule as a person would write it on the command line."""
    if not isinstance(schedule, Every):
        zone = "" if schedule.zone == "UTC" else f" {schedule.zone}"
        return f"{schedule.expression}{zone}"
    minutes = schedule.interval // timedelta(minutes=1)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
