"""Whether an installation is healthy: each finding has its state and what mends it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llm_maint.domain.checkup import Check, State
from llm_maint.domain.health import Expected, health
from llm_maint.domain.spans import span
from llm_maint.domain.vitals import HeldPlan, HostSeen, JobState, JournalSize, Vitals

NOW = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
EXPECTED = Expected(interval=timedelta(seconds=30), enabled=True, journal_kept=timedelta(days=90))
FINE: dict[str, Any] = {"name": "nightly", "job_type": "profile_maintenance", "enabled": True}


def _ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


def _seen(host: str = "studio", version: str = "1", **units: float) -> HostSeen:
    began, seen = _ago(days=9), _ago(**units)
    return HostSeen(host=host, first_seen_at=began, seen_at=seen, version=version)


def _job(**changes: Any) -> JobState:  # noqa: ANN401 any field's
    return JobState(**{**FINE, "due_at": _ago(hours=-1), **changes})


def _held(entity: str = "nick", *, memories: bool = False, **units: float) -> HeldPlan:
    return HeldPlan(id="a" * 32, entity=entity, is_of_memories=memories, created_at=_ago(**units))


def _found(  # any field of the vitals
    expected: Expected = EXPECTED,
    **changes: Any,  # noqa: ANN401 any field's
) -> dict[str, Check]:
    fine: dict[str, Any] = {
        "now": NOW,
        "hosts": [_seen(minutes=1)],
        "jobs": [_job()],
        "held": [],
        "journal": JournalSize(rows=12, octets=3 << 20, oldest=_ago(days=40)),
    }
    return {check.name: check for check in health(Vitals(**{**fine, **changes}), expected)}


def test_a_healthy_installation_needs_nothing() -> None:
    """Everything is fine, so nothing is to be done."""
    found = _found()
    assert {check.state for check in found.values()} == {State.OK}
    assert not any(check.mend for check in found.values())
    assert list(found) == ["ticks", "due jobs", "claims", "failures", "held plans", "journal"]


CASES: dict[str, tuple[dict[str, Any], str, State, str, str]] = {
    "no tick ever": ({"hosts": []}, "ticks", State.WARNING, "none seen yet", "deploy cron"),
    "the timer has stopped": (
        {"hosts": [_seen(minutes=179)]},
        *("ticks", State.FAILURE, "2 h ago, on studio", "systemctl"),
    ),
    "one host of two is silent": (
        {"hosts": [_seen(minutes=1), _seen("attic", hours=26)]},
        *("ticks", State.WARNING, "none from attic for 26 h", ""),
    ),
    "a host that is gone": (
        {"hosts": [_seen(minutes=1), _seen("attic", "0", days=8)]},
        *("ticks", State.OK, "from studio", ""),
    ),
    "two versions": (
        {"hosts": [_seen(minutes=1), _seen("attic", "2", minutes=2)]},
        *("versions", State.WARNING, "1, 2", ""),
    ),
    "a job is late": (
        {"jobs": [_job(due_at=_ago(hours=3)), _job(name="other", due_at=_ago(minutes=20))]},
        *("due jobs", State.WARNING, "late: nightly by 3 h, other by 20 min", "run-due"),
    ),
    "a job that is switched off is never late": (
        {"jobs": [_job(due_at=_ago(hours=3), enabled=False)]},
        *("due jobs", State.OK, "0 due now", ""),
    ),
    "a job is due now": ({"jobs": [_job(due_at=None)]}, "due jobs", State.OK, "1 due now", ""),
    "there are no jobs": ({"jobs": []}, "due jobs", State.WARNING, "no jobs", "llm-maint init"),
    "a dead process holds a job": (
        {"jobs": [_job(is_claimed=True, lease_expires_at=_ago(minutes=1))]},
        *("claims", State.WARNING, "a dead process holds nightly", "run-due"),
    ),
    "a job is running": (
        {"jobs": [_job(is_claimed=True, lease_expires_at=_ago(minutes=-1))]},
        *("claims", State.OK, "running: nightly", ""),
    ),
    "a job has failed": (
        {"jobs": [_job(consecutive_failures=1)]},
        *("failures", State.WARNING, "nightly (1 in a row)", "runs tail --job nightly"),
    ),
    "a job fails and fails": (
        {"jobs": [_job(consecutive_failures=3)]},
        *("failures", State.FAILURE, "nightly (3 in a row)", "--status failed"),
    ),
    "a schedule is nonsense": (
        {"jobs": [_job(problem="no cron")]},
        *("failures", State.FAILURE, "no cron", "jobs show nightly"),
    ),
    "a job that is switched off does not fail": (
        {"jobs": [_job(consecutive_failures=9, enabled=False)]},
        *("failures", State.OK, "no job failed", ""),
    ),
    "a plan is held": (
        {"held": [_held(days=3)]},
        *("held plans", State.WARNING, "1 waits for review, for up to 3 d: nick", "profile plans"),
    ),
    "plans of memories are held": (
        {"held": [_held("nova", memories=True, days=3), _held("nova", memories=True)]},
        *("held plans", State.WARNING, "2 wait for review", "memory plans --status held"),
    ),
    "the journal is not pruned": (
        {"journal": JournalSize(rows=1, octets=1, oldest=_ago(days=93))},
        *("journal", State.WARNING, "93 d", "jobs run history-pruning"),
    ),
    "the journal is large": (
        {"journal": JournalSize(rows=1, octets=2 << 30, oldest=_ago(days=9))},
        *("journal", State.WARNING, "2,048.0 MiB", "journal_keep_days"),
    ),
    "there is no journal": (
        {"journal": JournalSize(rows=0, octets=0, oldest=None)},
        *("journal", State.OK, "0 rows", ""),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_with_what_mends_it(case: str) -> None:
    """One line for each finding, and a command where there is one."""
    changes, name, state, found, mend = CASES[case]
    check = _found(**changes)[name]
    assert check.state is state
    assert found in check.found
    assert mend in check.mend
    assert bool(mend) == bool(check.mend)


def test_a_container_is_not_missed() -> None:
    """It has another name each time: what ticked but once, or for a moment, is no host."""
    pods = [
        HostSeen(host=name, first_seen_at=at, seen_at=at, version="1")
        for name, at in (("pod-1", _ago(hours=2)), ("pod-2", _ago(minutes=1)))
    ]
    assert _found(hosts=pods)["ticks"].state is State.OK


def test_a_schedule_that_is_nonsense_goes_first() -> None:
    """It is told beside any other failure."""
    jobs = [_job(name="other", consecutive_failures=2), _job(problem="no cron")]
    check = _found(jobs=jobs)["failures"]
    assert (check.state, "no cron" in check.found) == (State.FAILURE, True)


def test_a_slow_timer_has_more_patience() -> None:
    """Where ticks come hourly, an hour without one is no news."""
    hourly = Expected(interval=timedelta(hours=1), enabled=True, journal_kept=timedelta(days=90))
    assert _found(hourly, hosts=[_seen(hours=2)])["ticks"].state is State.OK
    assert _found(hosts=[_seen(hours=2)])["ticks"].state is State.FAILURE


def test_a_scheduler_that_is_off_is_told() -> None:
    """Ticks come, and nothing runs: that is easily forgotten."""
    off = Expected(interval=timedelta(seconds=30), enabled=False, journal_kept=timedelta(days=90))
    assert _found(off)["scheduler"].mend == "llm-maint config set scheduler.enabled true"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *(
            (0, "0 s"),
            (-5, "0 s"),
            (59, "59 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
        ),
        *((7_200, "2 h"), (172_799, "47 h"), (172_800, "2 d"), (864_000, "10 d")),
    ],
)
def test_spans_are_one_number_and_one_unit(seconds: int, said: str) -> None:
    """The largest unit of which there are two: it is exact enough, and read at once."""
    assert span(timedelta(seconds=seconds)) == said
