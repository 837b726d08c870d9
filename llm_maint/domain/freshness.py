"""Whether something was seen to happen of late: what `status --max-age` tells a monitor."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from llm_maint.domain.health import SEEN_EVERY, Expected
from llm_maint.domain.spans import span
from llm_maint.domain.vitals import JobState, Vitals


def stale(vitals: Vitals, expected: Expected, *, max_age: timedelta) -> str | None:
    """Return what was not seen for longer than `max_age`; None where a tick and a success were.

    A tick is noted every few minutes only, see `SEEN_EVERY`: one that is younger than what makes
    `health` say that ticks have stopped is never too old. A job that has not yet run to an end is
    given `max_age` from its creation; one that has, and never well, is given nothing.
    """
    return "; ".join([*_ticks(vitals, expected, max_age), *_successes(vitals, max_age)]) or None


def _ticks(vitals: Vitals, expected: Expected, max_age: timedelta) -> Iterator[str]:
    last = vitals.last_tick
    if last is None:
        yield "no tick was ever seen"
    elif vitals.now - last.seen_at > max(max_age, SEEN_EVERY + expected.patience):
        yield f"the last tick was seen {span(vitals.now - last.seen_at)} ago, on {last.host}"


def _successes(vitals: Vitals, max_age: timedelta) -> Iterator[str]:
    succeeded = [(job.last_success_at, job.name) for job in vitals.jobs if job.last_success_at]
    if not succeeded:
        awaited = _awaited_since(vitals.jobs)
        if awaited is None or vitals.now - awaited > max_age:
            yield "there is no job" if not vitals.jobs else f"no success yet of {_whose(vitals)}"
        return
    at, name = max(succeeded)
    if vitals.now - at > max_age:
        yield f"the last success was {span(vitals.now - at)} ago, of {name}"


def _awaited_since(jobs: Sequence[JobState]) -> datetime | None:
    """Return since when a first success may be waited for; None where jobs ended without one."""
    if any(job.last_status is not None for job in jobs):
        return None
    return min((job.created_at for job in jobs if job.created_at), default=None)


def _whose(vitals: Vitals) -> str:
    return vitals.jobs[0].name if len(vitals.jobs) == 1 else "any job"
