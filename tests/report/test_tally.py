"""Runs counted by period: hours, days or weeks, and what is known of each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llm_maint.domain.entity import Entity
from llm_maint.domain.run_facts import RunFacts, Size
from llm_maint.report import pictures
from llm_maint.report.tally import DAY, HOUR, WEEK, high, middle, periods, tally

NOW = datetime(2026, 3, 18, 15, 30, tzinfo=UTC)  # a Wednesday


def run(hours_ago: float, **changed: Any) -> RunFacts:  # noqa: ANN401 any field
    """Return a run that started so long ago."""
    given: dict[str, Any] = {"id": f"{hours_ago}", "job_name": "nightly", "status": "success"}
    started = NOW - timedelta(hours=hours_ago)
    return RunFacts(**{**given, "started_at": started, "duration_ms": 100, **changed})


def size(rows: int, *, entity: str = "nick", before: int | None = None) -> dict[str, Any]:
    """Return how large a run left a profile."""
    return {"sizes": (Size(entity_type="user", entity_id=entity, rows=rows, before=before),)}


@pytest.mark.parametrize(
    ("days", "first_ago", "length", "first", "number"),
    [
        (30, timedelta(minutes=10), HOUR, datetime(2026, 3, 18, 4, tzinfo=UTC), 12),
        (30, timedelta(hours=20), HOUR, datetime(2026, 3, 17, 19, tzinfo=UTC), 21),
        (1, timedelta(hours=24), HOUR, datetime(2026, 3, 17, 15, tzinfo=UTC), 25),
        (30, timedelta(days=4), DAY, datetime(2026, 3, 9, tzinfo=UTC), 10),
        (5, timedelta(days=4), DAY, datetime(2026, 3, 13, tzinfo=UTC), 6),
        (30, timedelta(days=30), DAY, datetime(2026, 2, 16, tzinfo=UTC), 31),
        (365, timedelta(days=365), WEEK, datetime(2025, 3, 17, tzinfo=UTC), 53),
        (30, timedelta(hours=-1), HOUR, datetime(2026, 3, 18, 4, tzinfo=UTC), 12),
    ],
)
def test_periods_are_as_a_page_has_room_for(
    days: int, first_ago: timedelta, length: timedelta, first: datetime, number: int
) -> None:
    """From the first run of the window; weeks begin on Mondays, one that came from the future too.

    A few are drawn before the first run, as far as the window goes back.
    """
    found, starts = periods(NOW - timedelta(days=days), NOW - first_ago, NOW)
    assert (found, starts[0], len(starts)) == (length, first, number)
    assert starts[-1] <= NOW < starts[-1] + length


def test_each_run_is_in_its_period() -> None:
    """Nothing is lost or counted twice, and one of the future is in the last."""
    facts = [run(n / 3) for n in range(200, -10, -1)]
    found = tally(facts, since=NOW - timedelta(days=30), now=NOW)
    assert found.runs == len(facts)
    assert sum(found.by_period(lambda period: period.statuses.total())) == len(facts)
    for facts_of in facts[:-20]:
        (place,) = [p for p in found.periods if p.start <= facts_of.started_at < p.start + HOUR]  # type: ignore[operator]
        assert place.statuses["success"]


def test_the_size_of_an_entity_lasts_until_the_next_run() -> None:
    """Before its first run nothing is known of it."""
    facts = [run(3.4, **size(9, before=12)), run(1.4, **size(7))]
    found = tally(facts, since=NOW - timedelta(hours=3.5), now=NOW)
    nick = Entity("user", "nick")
    assert found.sizes()[nick] == [9, 9, 7, 7]
    assert found.first_sizes[nick] == 12
    alone = tally(facts, since=found.since, now=NOW, concerns=lambda each: each != nick)
    assert (alone.runs, alone.sizes()) == (2, {})


def test_only_runs_that_came_to_their_end_tell_how_long_a_job_takes() -> None:
    """One that was skipped took no time, and one that was killed might have taken any."""
    facts = [run(1, status=s, duration_ms=n) for n, s in enumerate(("skipped", "failed", "odd"))]
    assert tally(facts, since=NOW - DAY, now=NOW).durations == {"nightly": [1]}


def test_the_last_failures_come_first() -> None:
    """So many as are told."""
    facts = [run(20 - n, status="failed", id=str(n)) for n in range(20)]
    facts.append(replace(facts[-1], id="dead", status="abandoned"))
    found = tally(facts, since=NOW - DAY, now=NOW)
    assert [each.id for each in found.failures][:3] == ["dead", "19", "18"]
    assert len(found.failures) == 10


@pytest.mark.parametrize("odd", [-5, 10**400, 0])
def test_numbers_of_any_size_are_drawn(odd: int) -> None:
    """Somebody may have written anything into a result."""
    facts = [run(1, prompt_tokens=odd, duration_ms=odd, **size(odd)), run(1, prompt_tokens=1)]
    found = tally(facts, since=NOW - DAY, now=NOW)
    for chart in (pictures.tokens_chart(found), *pictures.duration_charts(found)):
        assert chart.table.rows
    assert pictures.size_charts(found)


@pytest.mark.parametrize(
    ("durations", "half", "most"), [([7], 7, 7), ([1, 3], 2, 3), (list(range(1, 101)), 50.5, 95)]
)
def test_percentiles(durations: list[int], half: float, most: int) -> None:
    """The 95th is a duration that was seen."""
    assert (middle(durations), high(durations)) == (half, most)


def test_charts_tell_all_their_numbers_in_a_table() -> None:
    """Statuses that nobody knows are one; entities beyond the largest are summed."""
    many = [run(5, **size(n, entity=f"e{n}")) for n in range(1, 21)]
    facts = [*many, run(1, status="failed"), run(1, status="odd"), run(1, status="curious")]
    found = tally(facts, since=NOW - DAY, now=NOW)
    runs = pictures.runs_chart(found)
    assert [(each.name, each.told) for each in runs.legend] == [
        ("failed", "1"),
        ("success", "20"),
        ("other", "2"),
    ]
    assert list(runs.table.headers) == ["hour (UTC)", "failed", "success", "other"]
    assert list(runs.table.rows[-2]) == ["2026-03-18 14:00", "1", "0", "2"]
    (sizes,) = pictures.size_charts(found)
    assert list(sizes.table.headers) == [
        "hour (UTC)",
        *(f"e{20 - n}" for n in range(8)),
        "others",
        "all",
    ]
    assert list(sizes.table.rows[-1]) == [
        "2026-03-18 15:00",
        *(str(20 - n) for n in range(8)),
        "78",
        "210",
    ]
    assert len(sizes.strokes) == 8


def test_entities_with_one_name_are_told_apart() -> None:
    """A user and a bot may have the same, and so may long names that begin alike."""
    sizes = tuple(
        Size(entity_type=kind, entity_id=name, rows=rows)
        for kind, name, rows in (("user", "nick", 3), ("bot", "nick", 2), ("user", "x" * 90, 1))
    )
    found = tally([run(1, sizes=sizes)], since=NOW - DAY, now=NOW)
    (chart,) = pictures.size_charts(found)
    names = [each.name for each in chart.legend]
    assert names == ["nick (user)", "nick (bot)", "x" * 40 + " … (90 characters)"]
