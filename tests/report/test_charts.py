"""Charts as places and lengths: scales with round values, bars that are seen, lines with gaps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_maint.report.chart import (
    ACROSS,
    HEIGHT,
    LEAST,
    MOST_LABELS,
    TOP,
    bars_of,
    stroke_of,
    ticks_across,
    ticks_up,
)
from llm_maint.report.scale import Scale, scale_of, scale_of_durations


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0, (0, 1)),
        (1, (0, 1)),
        (3, (0, 1, 2, 3)),
        (5, (0, 2, 4, 6)),
        (120, (0, 50, 100, 150)),
        (2_000, (0, 500, 1_000, 1_500, 2_000)),
        (90_000, (0, 50_000, 100_000)),
    ],
)
def test_counts_have_round_and_whole_ticks(largest: int, ticks: tuple[int, ...]) -> None:
    """Steps of 1, 2 or 5 times a power of ten."""
    assert scale_of(largest).ticks == ticks


@pytest.mark.parametrize(
    ("durations", "ticks", "is_logarithmic"),
    [
        ([0], (0, 1), False),
        ([300, 650], (0, 200, 400, 600, 800), False),
        ([1_000, 4_300], (0, 2_000, 4_000, 6_000), False),
        ([60_000, 200_000], (0, 60_000, 120_000, 180_000, 240_000), False),
        ([5, 1_200_000], (1, 100, 10_000, 600_000, 36_000_000), True),
        ([300 * 86_400_000], tuple(75 * 86_400_000 * n for n in range(5)), False),
    ],
)
def test_durations_have_the_ticks_of_clocks(
    durations: list[int], ticks: tuple[int, ...], *, is_logarithmic: bool
) -> None:
    """By a logarithm where the longest is more than a hundred times the shortest."""
    scale = scale_of_durations(durations)
    assert (scale.ticks, scale.is_logarithmic) == (ticks, is_logarithmic)


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=9))
def test_every_value_has_a_place(values: list[int]) -> None:
    """Larger ones above smaller ones, and none outside."""
    for scale in (scale_of(max(values)), scale_of_durations(values)):
        shares = [scale.share(value) for value in sorted(values)]
        assert shares == sorted(shares)
        assert shares[0] >= 0
        assert shares[-1] <= 1
        assert 2 <= len(scale.ticks) <= 6


def test_what_is_beyond_a_scale_is_at_its_end() -> None:
    """Nothing is drawn outside the chart."""
    assert Scale((1, 10), is_logarithmic=True).share(0) == 0
    assert Scale((0, 10)).share(11) == 1


@given(
    st.lists(
        st.lists(st.integers(0, 10**6), min_size=4, max_size=4), min_size=1, max_size=20
    ).filter(lambda columns: any(map(any, columns)))
)
def test_every_part_of_a_bar_is_seen(columns: list[list[int]]) -> None:
    """However small; the parts stand on each other, and the first on the line."""
    scale = scale_of(max(map(sum, columns)))
    bars = bars_of("abcd", columns, [""] * len(columns), scale)
    assert len(bars) == sum(any(column) for column in columns)
    for bar, column in zip(bars, filter(any, columns), strict=True):
        assert [part.style for part in bar.parts] == [
            style for style, value in zip("abcd", column, strict=True) if value
        ]
        at = TOP + HEIGHT
        for part in bar.parts:
            assert float(part.height) >= LEAST
            assert float(part.y) + float(part.height) == pytest.approx(at, abs=0.02)
            at = float(part.y)
        assert at >= TOP - 3 * LEAST


def test_a_bar_is_as_high_as_its_sum() -> None:
    """Where a small part is drawn larger, the largest gives."""
    (bar,) = bars_of("ab", [[1, 999]], [""], Scale((0, 1_000)))
    assert sum(float(part.height) for part in bar.parts) == pytest.approx(HEIGHT)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([0, 10], f"M250,{HEIGHT}L750,0"),
        ([None, 10], "M750,0h0.1"),
        ([5, None, 5, 5], f"M125,{HEIGHT // 2}h0.1M625,{HEIGHT // 2}L875,{HEIGHT // 2}"),
        ([None, None], ""),
    ],
)
def test_a_line_has_gaps_where_nothing_is_known(values: list[float | None], path: str) -> None:
    """One value alone is a dot."""
    assert stroke_of("s", values, Scale((0, 10))).path == path
    assert ACROSS == 1_000


@pytest.mark.parametrize("number", [1, 2, 7, 8, 31, 53, 72])
def test_the_last_period_has_a_name_and_few_others_do(number: int) -> None:
    """Where there is little room, every second one goes without."""
    ticks = ticks_across([str(n) for n in range(number)])
    assert len(ticks) <= MOST_LABELS
    assert (ticks[-1].text, ticks[-1].spare) == (str(number - 1), False)
    assert all(one.spare != other.spare for one, other in pairwise(ticks))


def test_the_highest_value_is_written_at_the_top() -> None:
    """And 0 at the line."""
    ticks = ticks_up(Scale((0, 5, 10)), ["0", "5", "10"])
    assert [(tick.at, tick.text) for tick in ticks] == [("168", "0"), ("88", "5"), ("8", "10")]
