"""Whether an installation is healthy: what is judged of its vitals, and what mends it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from llm_maint.domain.checkup import Check, State
from llm_maint.domain.spans import some, span
from llm_maint.domain.vitals import HostSeen, JobState, Vitals
from llm_maint.errors import ExitCode

SEEN_EVERY = timedelta(minutes=5)
"""How often a host notes that it ticks: seldom enough to cost nothing, see `store.ticks`."""

GONE = timedelta(days=7)
"""A host that was silent for longer is no longer one of those that tick."""

KNOWN = timedelta(hours=1)
"""Who ticked for as long is missed when it stops."""

PATIENCE = timedelta(minutes=10)
"""Least time that a tick or a due job may be late: a machine restarts, another job is long."""

MANY_FAILURES = 3
"""Failures in a row that are no longer an accident."""

LARGE_JOURNAL = 1 << 30
"""Bytes above which a shorter `history.journal_keep_days` is worth a thought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the settings say should be.

    `interval` is that of the ticks; the scheduler may be switched off; `journal_kept` is how long
    plans are kept.
    """

    interval: timedelta
    enabled: bool
    journal_kept: timedelta

    @property
    def patience(self) -> timedelta:
        """How late a tick or a job may be before it is worth a word."""
        return max(PATIENCE, 3 * self.interval)


def health(vitals: Vitals, expected: Expected) -> list[Check]:
    """Return what there is to say of an installation, in the order in which it is worth reading."""
    return [
        *_ticks(vitals, expected),
        _overdue(vitals, expected),
        _claims(vitals),
        _failing(vitals),
        _held(vitals),
        *_journal(vitals, expected),
    ]


def is_seen(host: str, vitals: Vitals, expected: Expected) -> bool:
    """Return whether a host was seen to tick just now."""
    return any(seen.host == host and not _is_late(seen, vitals, expected) for seen in vitals.hosts)


def _ticks(vitals: Vitals, expected: Expected) -> Iterator[Check]:
    if not expected.enabled:
        mend = "llm-maint config set scheduler.enabled true"
        yield _warning("scheduler", "switched off: ticks run nothing", mend)
    last, name = vitals.last_tick, "ticks"
    if last is None:
        yield _warning(
            name,
            "none seen yet: a timer or cron must start llm-maint run-due",
            "llm-maint deploy cron   (or: llm-maint deploy systemd)",
        )
        return
    ago = span(vitals.now - last.seen_at)
    if _is_late(last, vitals, expected):
        yield _failure(
            name,
            f"the last was seen {ago} ago, on {last.host}: its timer or cron has stopped",
            "systemctl list-timers llm-maint.timer   (or: crontab -l)",
        )
        return
    silent = [each for each in vitals.hosts if _is_silent(each, vitals, expected)]
    if silent:
        told = [f"{each.host} for {span(vitals.now - each.seen_at)}" for each in silent]
        yield _warning(name, f"{last.host} ticks, but there is none from {some(told)}")
    else:
        hosts = some([each.host for each in vitals.hosts if _is_there(each, vitals)])
        yield _ok(name, f"seen {ago} ago, from {hosts}")
    versions = sorted({each.version for each in vitals.hosts if _is_there(each, vitals)})
    if len(versions) > 1:
        yield _warning("versions", f"hosts tick with different ones: {', '.join(versions)}")


def _is_there(seen: HostSeen, vitals: Vitals) -> bool:
    return vitals.now - seen.seen_at <= GONE


def _is_silent(seen: HostSeen, vitals: Vitals, expected: Expected) -> bool:
    """Return whether one that ticked for a while ticks no more; a container ticks but once."""
    is_known = seen.seen_at - seen.first_seen_at >= KNOWN
    return is_known and _is_late(seen, vitals, expected) and _is_there(seen, vitals)


def _is_late(seen: HostSeen, vitals: Vitals, expected: Expected) -> bool:
    return vitals.now - seen.seen_at > SEEN_EVERY + expected.patience


def _overdue(vitals: Vitals, expected: Expected) -> Check:
    name, now = "due jobs", vitals.now
    late = [job for job in vitals.jobs if job.overdue(now=now) > expected.patience]
    if not late:
        due = sum(job.is_due(now=now) for job in vitals.jobs)
        if not vitals.jobs:
            return _warning(name, "there are no jobs", "llm-maint init")
        return _ok(name, f"{due} due now, none late")
    late.sort(key=lambda job: job.overdue(now=now), reverse=True)
    told = [f"{job.name} by {span(job.overdue(now=now))}" for job in late]
    return _warning(name, f"late: {some(told)}", "llm-maint run-due")


def _claims(vitals: Vitals) -> Check:
    name, now = "claims", vitals.now
    held = [job for job in vitals.jobs if job.is_claimed]
    stuck = [job for job in held if not job.is_running(now=now)]
    if stuck:
        told = some([job.name for job in stuck])
        found = f"a dead process holds {told}; the next tick takes it back"
        return _warning(name, found, "llm-maint run-due")
    running = some([job.name for job in held])
    return _ok(name, f"running: {running}" if held else "no job is running")


def _failing(vitals: Vitals) -> Check:
    name = "failures"
    failing = [job for job in vitals.jobs if job.enabled and _is_failing(job)]
    if not failing:
        return _ok(name, "no job failed at its last run")
    failing.sort(key=lambda job: (job.problem is not None, job.consecutive_failures), reverse=True)
    worst = failing[0]
    if worst.problem is not None:
        found, mend = f"{worst.name}: {worst.problem}", f"llm-maint jobs show {worst.name}"
        return _failure(name, found, mend)
    told = some([f"{job.name} ({job.consecutive_failures} in a row)" for job in failing])
    mend = f"llm-maint runs tail --job {worst.name} --status failed -n 1"
    many = worst.consecutive_failures >= MANY_FAILURES
    return (_failure if many else _warning)(name, f"failing: {told}", mend)


def _is_failing(job: JobState) -> bool:
    return job.consecutive_failures > 0 or job.problem is not None


def _held(vitals: Vitals) -> Check:
    name, held = "held plans", vitals.held
    if not held:
        return _ok(name, "none waits for review")
    oldest = span(vitals.now - min(plan.created_at for plan in held))
    whose = some(sorted({plan.entity for plan in held}))
    group = "memory" if all(plan.is_of_memories for plan in held) else "profile"
    wait = "1 waits" if len(held) == 1 else f"{len(held)} wait"
    found = f"{wait} for review, for up to {oldest}: {whose}"
    return _warning(name, found, f"llm-maint {group} plans --status held")


def _journal(vitals: Vitals, expected: Expected) -> Iterator[Check]:
    name, journal = "journal", vitals.journal
    if journal is None:
        return
    found = f"{journal.rows:,} rows, {journal.octets / (1 << 20):,.1f} MiB"
    late = timedelta(days=2)
    if journal.oldest is not None:
        age = vitals.now - journal.oldest
        if age > expected.journal_kept + late:
            found += f", since {span(age)}: what is older than {span(expected.journal_kept)} is due"
            yield _warning(name, found, "llm-maint jobs run history-pruning")
            return
        found += f", since {span(age)}"
    if journal.octets > LARGE_JOURNAL:
        yield _warning(name, found, "llm-maint config set history.journal_keep_days 30")
    else:
        yield _ok(name, found)


def _ok(name: str, found: str) -> Check:
    return Check(name=name, state=State.OK, found=found)


def _warning(name: str, found: str, mend: str = "") -> Check:
    return Check(name=name, state=State.WARNING, found=found, mend=mend)


def _failure(name: str, found: str, mend: str) -> Check:
    code = ExitCode.JOB_FAILED
    return Check(name=name, state=State.FAILURE, found=found, mend=mend, exit_code=code)
