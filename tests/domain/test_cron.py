"""Moments of cron expressions, by the clocks of a zone: known cases, worked out by hand."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from llm_maint.domain.schedule import NEVER, Cron, Every
from llm_maint.errors import UsageError

HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


def at(text: str) -> datetime:
    """Return a moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def following(cron: Cron, start: datetime, number: int) -> list[datetime]:
    """Return the moments after the start, each found from the one before."""
    found = [start]
    for _ in range(number):
        found.append(cron.next(start, after=found[-1]))
    return found[1:]


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("* * * * *", "2025-01-01T10:00", "2025-01-01T10:01"),
        ("* * * * *", "2025-01-01T09:59:59.999999", "2025-01-01T10:00"),
        ("* * * * *", "2025-01-01T10:00:00.000001", "2025-01-01T10:01"),
        ("*/15 * * * *", "2025-12-31T23:45", "2026-01-01T00:00"),
        ("5 4 * * *", "2025-01-01T04:05", "2025-01-02T04:05"),
        ("0,30 9-17/4 * * *", "2025-01-01T09:30", "2025-01-01T13:00"),
        ("7-59/20 * * * *", "2025-01-01T00:47", "2025-01-01T01:07"),
        ("0 22 * * 1-5", "2025-01-03T22:00", "2025-01-06T22:00"),  # Friday, then Monday
        ("0 22 * * MON-FRI", "2025-01-03T22:00", "2025-01-06T22:00"),
        ("0 0 * * 0", "2025-01-01T00:00", "2025-01-05T00:00"),
        ("0 0 * * 7", "2025-01-01T00:00", "2025-01-05T00:00"),
        ("0 0 * feb,Dec *", "2025-01-01T00:00", "2025-02-01T00:00"),
        ("0 0 31 * *", "2025-01-31T00:00", "2025-03-31T00:00"),
        ("0 0 29 2 *", "2025-01-01T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "2096-02-29T00:00", "2104-02-29T00:00"),  # 2100 is no leap year
        ("0 0 29 2 *", "8999-01-01T00:00", "9004-02-29T00:00"),
        ("0 0 1 1 *", "9000-01-01T00:00", "9001-01-01T00:00"),
    ],
)
def test_the_next_moment_is_the_first_that_is_later(
    expression: str, after: str, expected: str
) -> None:
    """Five fields: minute, hour, day of month, month, weekday; the moment itself is not later."""
    cron = Cron.parse(expression)
    assert cron.next(at(after), after=at(after)) == at(expected)


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        pytest.param("0 0 13 * FRI", [3, 10, 13, 17, 24], id="either"),
        pytest.param("0 0 */2 * FRI", [3, 17, 31], id="both, where one begins with a star"),
        pytest.param("0 0 31 2 FRI", [38, 45, 52, 59], id="one of the two never comes"),
    ],
)
def test_a_day_of_the_month_or_of_the_week(expression: str, days: list[int]) -> None:
    """Where both are given, either is enough, unless one begins with a star: as in Debian."""
    start = at("2025-01-01")  # a Wednesday
    expected = [start + timedelta(days=day - 1) for day in days]
    assert following(Cron.parse(expression), start, len(days)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("@hourly", "2025-05-15T11:00"),
        ("@daily", "2025-05-16T00:00"),
        ("@weekly", "2025-05-18T00:00"),
        ("@monthly", "2025-06-01T00:00"),
        ("@yearly", "2026-01-01T00:00"),
    ],
)
def test_common_schedules_have_names(name: str, expected: str) -> None:
    """They mean the beginning of the hour, day, week (Sunday), month and year."""
    thursday = at("2025-05-15T10:30")
    assert Cron.parse(name).next(thursday, after=thursday) == at(expected)


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", ["03-29T01:30", "03-30T01:00", "03-31T00:30"]),
        ("0,30 2 * * *", "Europe/Berlin", ["03-29T01:30", "03-30T01:00", "03-31T00:00"]),
        ("30 2 * * *", "Europe/Berlin", ["10-25T00:30", "10-26T00:30", "10-27T01:30"]),
        ("30 2 * * *", "America/New_York", ["03-08T07:30", "03-09T07:00", "03-10T06:30"]),
        ("30 1 * * *", "America/New_York", ["11-01T05:30", "11-02T05:30", "11-03T06:30"]),
        ("30 2 * * *", "America/New_York", ["11-01T06:30", "11-02T07:30", "11-03T07:30"]),
        ("15 2 * * *", "Australia/Lord_Howe", ["10-03T15:45", "10-04T15:30", "10-05T15:15"]),
        ("45 1 * * *", "Australia/Lord_Howe", ["04-04T14:45", "04-05T14:45", "04-06T15:15"]),
        ("30 2 * * *", "Africa/Casablanca", ["02-22T01:30", "02-23T01:30", "02-24T02:30"]),
        ("30 2 * * *", "Africa/Casablanca", ["04-05T02:30", "04-06T02:00", "04-07T01:30"]),
        ("0 0 * * *", "Africa/Cairo", ["04-23T22:00", "04-24T22:00", "04-25T21:00"]),
        ("0 0 * * *", "Asia/Kathmandu", ["03-29T18:15", "03-30T18:15", "03-31T18:15"]),
    ],
)
def test_a_daily_job_runs_once_when_clocks_change(
    expression: str, zone: str, expected: list[str]
) -> None:
    """On the day of a gap right after it, on the day of a fold at the first of the two moments."""
    moments = [at(f"2025-{moment}") for moment in expected]
    assert following(Cron.parse(expression, zone), moments[0] - INSTANT, 3) == moments


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", "2025-03-30T01:00"),
        ("Europe/Berlin", "2025-10-26T01:00"),
        ("America/New_York", "2025-03-09T07:00"),
        ("America/New_York", "2025-11-02T06:00"),
        ("Australia/Lord_Howe", "2025-04-05T15:00"),
        ("Australia/Lord_Howe", "2025-10-04T15:30"),
        ("Africa/Casablanca", "2025-02-23T02:00"),
        ("Africa/Casablanca", "2025-04-06T02:00"),
        ("Asia/Kathmandu", "2025-03-30T00:15"),  # no change; a quarter past is a half hour there
    ],
)
def test_what_runs_each_half_hour_follows_real_time(zone: str, change: str) -> None:
    """No run is left out and none comes twice, however clocks are put."""
    start = at(change) - 3 * HOUR
    expected = [start + number * HOUR / 2 for number in range(1, 13)]
    assert following(Cron.parse("*/30 * * * *", zone), start, 12) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("30 * * * *", ["04-05T14:30", "04-05T15:00", "04-05T16:00"], id="again"),
        pytest.param("45 * * * *", ["10-04T15:15", "10-04T15:45", "10-04T16:45"], id="sooner"),
        pytest.param("15 * * * *", ["10-04T14:45", "10-04T16:15", "10-04T17:15"], id="left out"),
        pytest.param("15 */3 * * *", ["04-05T13:15", "04-05T16:45", "04-05T19:45"], id="hours"),
    ],
)
def test_what_runs_at_every_hour_runs_whenever_clocks_show_it(
    expression: str, expected: list[str]
) -> None:
    """Where they are put by half an hour, too."""
    moments = [at(f"2025-{moment}") for moment in expected]
    cron = Cron.parse(expression, "Australia/Lord_Howe")
    assert following(cron, moments[0] - INSTANT, 3) == moments


def test_a_moment_between_the_two_of_a_fold_is_followed_by_the_next_day() -> None:
    """Half past two came an hour ago, although clocks show a quarter past two again."""
    cron, again = Cron.parse("30 2 * * *", "Europe/Berlin"), at("2025-10-26T01:15")
    assert cron.next(again, after=again) == at("2025-10-27T01:30")
    assert cron.latest(again - HOUR, now=again) == at("2025-10-26T00:30")


@pytest.mark.parametrize(
    ("expression", "now", "expected"),
    [
        ("5 4 * * *", "2025-01-03T04:05", "2025-01-03T04:05"),
        ("5 4 * * *", "2025-01-03T04:04:59.999999", "2025-01-02T04:05"),
        ("5 4 * * *", "2025-01-01T04:00", "2025-01-01T00:00"),  # none yet since the anchor
        ("5 4 * * *", "2024-12-24T00:00", "2025-01-01T00:00"),  # a clock that was set back
        ("* * * 1 *", "2025-12-31T00:00", "2025-01-31T23:59"),
        ("*/5 9-17 * * 1-5", "2025-06-08T12:00", "2025-06-06T17:55"),  # Sunday, then Friday
        ("0 0 29 2 *", "9000-01-01T00:00", "8996-02-29T00:00"),
    ],
)
def test_the_latest_moment_is_not_later_than_now(expression: str, now: str, expected: str) -> None:
    """It is the anchor where none came since."""
    anchor = at("2025-01-01")
    assert Cron.parse(expression).latest(anchor, now=at(now)) == at(expected)


def test_the_calendar_ends() -> None:
    """What would come after it never comes, by any clock."""
    late = at("9999-12-31T23:59")
    for zone in ("UTC", "America/New_York", "Asia/Kathmandu"):
        assert Cron.parse("0 0 29 2 *", zone).next(late, after=late) == NEVER
    assert Every(HOUR).next(late, after=late) == NEVER


@pytest.mark.parametrize(
    "expression",
    [
        *("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *"),
        *("* * * * 8", "*/0 * * * *", "9-5 * * * *", "a * * * *", "-1 * * * *", "1, * * * *"),
        *("@reboot", "@", "\N{FULLWIDTH DIGIT FIVE} * * * *", "1.5 * * * *", "9" * 5_000),
        *("9" * 5_000 + " * * * *", "0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *"),
        "0 0 */30 2 0#5",
    ],
)
def test_a_schedule_that_is_none_or_never_comes_is_refused(expression: str) -> None:
    """It is shown as it was given, or its beginning."""
    with pytest.raises(UsageError) as refused:
        Cron.parse(expression)
    assert repr(expression)[:20].rstrip("'") in str(refused.value)


def test_a_schedule_that_clocks_always_leave_out_is_refused() -> None:
    """Two o'clock of the last Sunday of March never comes in Berlin, but does in Kathmandu."""
    expression = "*/5 2 25-31 3 */7"  # both days must match, for one begins with a star
    assert Cron.parse(expression, "Asia/Kathmandu")
    with pytest.raises(UsageError, match="never"):
        Cron.parse(expression, "Europe/Berlin")


@pytest.mark.parametrize(
    ("zone", "nearest"),
    [
        ("Europe/Berln", "'Europe/Berlin'"),
        ("america/new_york", "'America/New_York'"),
        ("Europe", "Europe/"),
        *(("", ""), ("../../etc/passwd", ""), ("/etc/passwd", ""), ("a\0b", ""), ("zone.tab", "")),
    ],
)
def test_a_zone_that_is_none_is_refused(zone: str, nearest: str) -> None:
    """The nearest one is named, where one is near."""
    with pytest.raises(UsageError) as refused:
        Cron.parse("0 0 * * *", zone)
    assert repr(zone) in str(refused.value)
    assert nearest in str(refused.value)


@pytest.mark.parametrize("minutes", [1, 7, 60, 1_440, 10_000])
def test_a_grid_has_its_anchor_and_whole_intervals_after_it(minutes: int) -> None:
    """The latest slot is the one before the next, and never before the anchor."""
    every, anchor = Every(timedelta(minutes=minutes)), at("2025-01-01T00:00:17")
    slots = [anchor + number * every.interval for number in range(5)]
    for slot, later in pairwise(slots):
        for now in (slot, slot + INSTANT, later - INSTANT):
            assert every.next(anchor, after=now) == later
            assert every.latest(anchor, now=now) == slot
    assert every.next(anchor, after=anchor - HOUR) == slots[1]
    assert every.latest(anchor, now=anchor - HOUR) == anchor
