"""What was not seen for too long, to the second; what is allowed to a new installation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llm_maint.domain.freshness import stale
from llm_maint.domain.health import Expected
from llm_maint.domain.vitals import HostSeen, JobState, Vitals

NOW = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
EXPECTED = Expected(interval=timedelta(seconds=30), enabled=True, journal_kept=timedelta(days=90))
HOURS = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def _job(name: str = "nightly", **changes: Any) -> JobState:  # noqa: ANN401 any field's
    fine: dict[str, Any] = {"last_status": "success", "last_success_at": NOW}
    return JobState(name=name, job_type="any", enabled=True, due_at=None, **{**fine, **changes})


def _new(age: timedelta | None, **changes: Any) -> JobState:  # noqa: ANN401 any field's
    created = None if age is None else NOW - age
    return _job(**{"last_status": None, "last_success_at": None, "created_at": created, **changes})


def _stale(
    *jobs: JobState, ticked: timedelta | None = SECOND, max_age: timedelta = 2 * HOURS
) -> str | None:
    hosts = [
        HostSeen(
            host="attic",
            first_seen_at=NOW - 3 * timedelta(days=1),
            seen_at=NOW - 3 * timedelta(days=1),
            version="1",
        )
    ]
    if ticked is None:
        hosts = []
    else:
        hosts.append(
            HostSeen(host="studio", first_seen_at=NOW - ticked, seen_at=NOW - ticked, version="1")
        )
    vitals = Vitals(now=NOW, hosts=hosts, jobs=jobs, held=[], journal=None)
    return stale(vitals, EXPECTED, max_age=max_age)


@pytest.mark.parametrize(
    ("ticked", "max_age", "told"),
    [
        pytest.param(2 * HOURS, 2 * HOURS, None, id="just as old"),
        pytest.param(
            2 * HOURS + SECOND,
            2 * HOURS,
            "the last tick was seen 2 h ago, on studio",
            id="a second older",
        ),
        pytest.param(15 * timedelta(minutes=1), SECOND, None, id="ticks are noted seldom"),
        pytest.param(
            15 * timedelta(minutes=1) + SECOND,
            SECOND,
            "the last tick was seen 15 min ago, on studio",
            id="but not that seldom",
        ),
        pytest.param(None, 2 * HOURS, "no tick was ever seen", id="none"),
    ],
)
def test_a_tick_may_be_so_old(
    ticked: timedelta | None, max_age: timedelta, told: str | None
) -> None:
    """The last of any host counts; one within what `health` waits for is never too old."""
    assert _stale(_job(), ticked=ticked, max_age=max_age) == told


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        pytest.param([_job(last_success_at=NOW - 2 * HOURS)], None, id="just as old"),
        pytest.param(
            [
                _job(last_success_at=NOW - 2 * HOURS - SECOND),
                _job("other", last_success_at=NOW - 9 * HOURS),
            ],
            "the last success was 2 h ago, of nightly",
            id="a second older",
        ),
        pytest.param(
            [_job(last_success_at=None, last_status="failed"), _job("other")], None, id="of any"
        ),
        pytest.param([_new(2 * HOURS)], None, id="new"),
        pytest.param([_new(2 * HOURS + SECOND)], "no success yet of nightly", id="long waited for"),
        pytest.param([_new(None)], "no success yet of nightly", id="nobody knows since when"),
        pytest.param(
            [_new(SECOND, last_status="failed")], "no success yet of nightly", id="never well"
        ),
        pytest.param([_new(9 * HOURS), _new(SECOND)], "no success yet of any job", id="an old one"),
        pytest.param(
            [_new(SECOND), _job("other", last_success_at=NOW - 9 * HOURS)],
            "the last success was 9 h ago, of other",
            id="a new one hides nothing",
        ),
        pytest.param([], "there is no job", id="none"),
    ],
)
def test_a_success_may_be_so_old(jobs: list[JobState], told: str | None) -> None:
    """The last of any job counts; where none has run to an end, it is waited for as long."""
    assert _stale(*jobs) == told


def test_all_that_is_wrong_is_one_line() -> None:
    """Both are said, for either may be what somebody looks for."""
    assert _stale(_new(9 * HOURS), ticked=None) == (
        "no tick was ever seen; no success yet of nightly"
    )
