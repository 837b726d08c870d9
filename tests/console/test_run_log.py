"""Runs as lines on a terminal: aligned for hours, one line each, within its width."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from llm_maint.console.run_log import RunLog
from llm_maint.domain.runs import Run

NIGHT = datetime(2026, 7, 14, 23, 59, 58, tzinfo=UTC)

CONSOLIDATED: dict[str, Any] = {
    "entities": [{"entity_id": "nick"}],
    "attributes_before": 12,
    "attributes_after": 9,
    "held": 0,
    "llm": {"calls": 2, "prompt_tokens": 1_000, "completion_tokens": 234},
}


def _run(seconds: float = 0, **fields: Any) -> Run:  # noqa: ANN401 any field
    moment = NIGHT + timedelta(seconds=seconds)
    given: dict[str, Any] = {
        "id": "0123456789abcdef",
        "job_id": "a",
        "job_name": "profile-maintenance",
        "job_type": "profile_maintenance",
        "bot_id": None,
        "status": "success",
        "attempt": 1,
        "trigger": "due",
        "host": "here",
        "started_at": moment,
        "finished_at": moment,
        "duration_ms": 42_100,
        "result": CONSOLIDATED,
        "error_message": None,
    }
    return Run(**{**given, **fields})


BEGUN: dict[str, Any] = {
    "status": "running",
    "finished_at": None,
    "duration_ms": None,
    "result": None,
}
DID = "nick: 12 -> 9 rows, 1,234 tokens"

RUNS = [
    _run(**BEGUN),
    _run(1),
    _run(2, job_name="a job with quite a long name, longer than any name was", duration_ms=3),
    _run(3, job_name="記憶の整理", status="interrupted", result=None),
    _run(4, status="failed", error_message="no such\n  table\x1b[31m " + "and so on " * 40),
    _run(100_000, job_name="x", duration_ms=36_000_000),
]


def _lines(width: int) -> list[str]:
    layout = RunLog(names=cell_len("profile-maintenance"))
    return [layout.heading(width).text, *(line.text for line in layout.lines(RUNS, width))]


def test_a_run_is_told_in_one_line() -> None:
    """When, which, what, how it ended, how long it took and what it did; a line for a new day."""
    assert _lines(110)[:4] == [
        "TIME       RUN       JOB                  STATUS            TOOK  WHAT",
        "-- Tue 2026-07-14, UTC --",
        "23:59:58Z  01234567  profile-maintenance  begun",
        f"23:59:59Z  01234567  profile-maintenance  success         42.1 s  {DID}",
    ]
    assert [line for line in _lines(110) if line.startswith("--")] == [
        "-- Tue 2026-07-14, UTC --",
        "-- Wed 2026-07-15, UTC --",
        "-- Thu 2026-07-16, UTC --",
    ]


@pytest.mark.parametrize("width", [200, 110, 100, 99, 80, 60, 59, 40])
def test_every_line_fits_and_is_aligned(width: int) -> None:
    """Whatever names and errors hold: wide letters, control characters, more than fits."""
    lines = [line for line in _lines(width) if not line.startswith("--")]
    heading, *runs = lines
    assert max(map(cell_len, lines)) <= width
    status = heading.index("STATUS")
    expected = ["begun", "success", "success", "interrupted", "failed", "success"]
    for line, word in zip(runs, expected, strict=True):
        wide = cell_len(line) - len(line)
        assert line[status - wide :].startswith(word), line
    assert ("RUN" in heading) is (width >= 100)
    assert ("TOOK" in heading) is (width >= 60)
    assert not {"\x1b", "\n"} & set("".join(lines))


def test_what_differs_has_its_colour() -> None:
    """What failed is red, what did not run yellow; what has only begun stands back."""
    layout = RunLog(names=10)
    styles = [line.style for line in layout.lines(RUNS, 100)]
    assert styles == ["bold", "dim", "", "bold", "", "yellow", "red", "bold", ""]
