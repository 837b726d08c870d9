"""Amounts in the report: each in the words that people use for it."""

import pytest

from llm_maint.report import amounts


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (950, "950"),
        (1_000, "1k"),
        (1_500, "1.5k"),
        (20_000_000, "20M"),
        (7e9, "7G"),
        (10**15, "1e+06G"),
    ],
)
def test_an_axis_has_short_numbers(number: float, text: str) -> None:
    """With a unit from a thousand on."""
    assert amounts.compact(number) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (850, "850 ms"),
        (1_000, "1 s"),
        (4_230, "4.2 s"),
        (60_000, "1 min"),
        (185_000, "3 min 5 s"),
        (3_600_000, "1 h"),
        (7_800_000, "2 h 10 min"),
        (10**13, "2,777,777 h 46 min"),
    ],
)
def test_a_duration_has_the_units_of_clocks(milliseconds: int, text: str) -> None:
    """Two of them at most."""
    assert amounts.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "none"),
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 3, "33.3 %"),
        (99_999, 100_000, "99.9 %"),
        (1, 100_000, "0.1 %"),
    ],
)
def test_a_share_is_whole_only_where_nothing_is_missing(part: int, whole: int, text: str) -> None:
    """One failure among many runs is no full success."""
    assert amounts.share(part, whole) == text


def test_a_long_text_tells_how_long_it_is() -> None:
    """What is cut is told."""
    assert amounts.shortened("abc", 3) == "abc"
    assert amounts.shortened("x" * 2_000, 3) == "xxx … (2,000 characters)"
