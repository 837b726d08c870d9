"""What a screen is made of: every day has its place, and what needs a person comes first."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from llm_maint.domain.overview import DayOfTokens, by_urgency, every_day, first_of
from llm_maint.domain.vitals import JobState

NOW = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)


def _job(name: str, **changes: Any) -> JobState:  # noqa: ANN401 any field's
    fine: dict[str, Any] = {"enabled": True, "due_at": NOW + timedelta(hours=1)}
    return JobState(name=name, job_type="any", **{**fine, **changes})


def test_a_day_without_runs_has_its_place() -> None:
    """Fourteen days, today the last, whatever was found; by UTC, whatever zone a server is in."""
    found = [
        DayOfTokens(day=date(2026, 11, 1), prompt=5, completion=2),
        DayOfTokens(day=date(2025, 1, 1), prompt=9),
    ]
    there = NOW.astimezone(timezone(timedelta(hours=-9)))
    days = every_day(found, now=there)
    assert (days[0].day, days[-1].day) == (date(2026, 10, 21), date(2026, 11, 3))
    assert [day.tokens for day in days] == [0] * 11 + [7, 0, 0]
    assert first_of(there) == datetime(2026, 10, 21, tzinfo=UTC)


def test_what_needs_a_person_comes_first() -> None:
    """What fails or is stuck, the most often first; then by when it is due; what is off is last."""
    jobs = [
        _job("off", enabled=False, consecutive_failures=9),
        _job("later", due_at=NOW + timedelta(hours=2)),
        _job("soon"),
        _job("soon too"),
        _job("at work", is_claimed=True, lease_expires_at=NOW + timedelta(minutes=1)),
        _job("late", due_at=NOW - timedelta(hours=1)),
        _job("stuck", is_claimed=True, lease_expires_at=NOW - timedelta(minutes=1)),
        _job("nonsense", problem="no cron"),
        _job("failing", consecutive_failures=1),
        _job("often", consecutive_failures=3),
    ]
    assert [job.name for job in by_urgency(jobs, now=NOW)] == [
        *("often", "failing", "stuck", "nonsense", "late", "at work", "soon", "soon too"),
        *("later", "off"),
    ]
