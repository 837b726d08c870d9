"""The essentials on one screen: what is cut, what goes, and what stands in for colour."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from llm_maint.console.cells import cells, cut, cut_start
from llm_maint.console.glyphs import LETTERS, PICTURES
from llm_maint.console.status import Screen, status_lines
from llm_maint.console.status_document import status_document
from llm_maint.domain.checkup import Check, State
from llm_maint.domain.overview import DayOfTokens, Overview
from llm_maint.domain.runs import Run
from llm_maint.domain.schedule import NEVER, Cron, Every
from llm_maint.domain.vitals import HeldPlan, HostSeen, JobState, Vitals

NOW = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
PLACE = "postgresql://me:***@database.example.org:5432/assistant_of_the_studio"
OK = Check(name="claims", state=State.OK, found="no job is running")
WARNING = Check(
    name="due jobs",
    state=State.WARNING,
    found="late: memory-decay by 3 h",
    mend="llm-maint run-due",
)
FAILURE = Check(
    name="ticks",
    state=State.FAILURE,
    found="the last was seen 3 h ago, on studio: its timer or cron has stopped",
    mend="systemctl list-timers llm-maint.timer   (or: crontab -l)",
)
REASON = "cannot reach the model server http://127.0.0.1:8080/v1: connection refused"
CROSS = PICTURES.statuses["failed"]
PIPE = Screen(columns=None, lines=None, pictures=True)


def _ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


def _job(name: str, **changes: Any) -> JobState:  # noqa: ANN401 any field's
    fine: dict[str, Any] = {
        "enabled": True,
        "due_at": _ago(minutes=-12),
        "last_run_at": _ago(minutes=48),
        "last_status": "success",
        "last_success_at": _ago(minutes=48),
        "schedule": Every(timedelta(hours=1)),
    }
    return JobState(id=name, name=name, job_type="any", **{**fine, **changes})


JOBS = (
    _job("memory-consolidation", consecutive_failures=2, last_success_at=_ago(hours=9)),
    _job("memory-decay", due_at=_ago(hours=3)),
    _job("profile-maintenance", is_claimed=True, lease_expires_at=_ago(minutes=-1)),
    _job("history-pruning", due_at=None, last_success_at=None),
    _job("nightly", enabled=False, schedule=Cron("30 2 * * *", "Europe/Berlin")),
)
RUNS = ("success",) * 21 + ("failed", "interrupted", "running")


def _failed(number: int) -> Run:
    return Run(
        id=f"{number:032}",
        job_id="memory-consolidation",
        job_name="memory-consolidation",
        job_type="any",
        bot_id="*",
        status="failed",
        attempt=1,
        trigger="due",
        host="studio",
        started_at=_ago(hours=number),
        finished_at=_ago(hours=number),
        duration_ms=7,
        result=None,
        error_message=f"{REASON}\x1b[2J",
    )


def _overview(*jobs: JobState, held: int = 0, **changes: Any) -> Overview:  # noqa: ANN401 any field's
    vitals = Vitals(
        now=NOW,
        hosts=[
            HostSeen(
                host="studio", first_seen_at=_ago(minutes=3), seen_at=_ago(minutes=3), version="1"
            )
        ],
        jobs=jobs,
        held=[
            HeldPlan(id=f"{n:032x}"[::-1], entity="nick", is_of_memories=False, created_at=NOW)
            for n in range(held)
        ],
        journal=None,
    )
    fine: dict[str, Any] = {
        "database": PLACE,
        "patience": timedelta(minutes=10),
        "checks": [OK],
        "last_runs": {job.id: RUNS for job in jobs},
        "tokens": [DayOfTokens(day=date(2026, 11, n), prompt=n * 1000) for n in range(1, 4)],
        "rows": {"merged": 12, "removed": 1},
        "failures": [],
    }
    return Overview(vitals=vitals, jobs=jobs, **{**fine, **changes})


BAD = _overview(
    *JOBS,
    held=5,
    checks=[OK, WARNING, FAILURE],
    failures=[_failed(n) for n in (1, 2, 3)],
)


def _shown(overview: Overview, screen: Screen = PIPE, *, everything: bool = False) -> list[str]:
    lines = status_lines(overview, screen, everything=everything)
    return ["".join(piece.text for piece in line) for line in lines]


def _terminal(columns: int, lines: int, *, pictures: bool = True) -> Screen:
    return Screen(columns=columns, lines=lines, pictures=pictures)


def test_what_is_piped_is_cut_nowhere() -> None:
    """The same whatever terminal it comes from, each finding on one line with what mends it."""
    runs = f"{'▄' * 21}{CROSS}->"
    assert _shown(BAD)[:16] == [
        f"1 failure, 1 warning · ticked 3 min ago on studio · next due now · {PLACE}",
        f"failure  ticks: {FAILURE.found} → {FAILURE.mend}",
        f"warning  due jobs: {WARNING.found} → {WARNING.mend}",
        "",
        "JOB                   EVERY                     NEXT       SUCCESS     FAILED  LAST RUNS",
        f"memory-consolidation  1h                        in 12 min  9 h ago     2       {runs}",
        f"memory-decay          1h                        3 h late   48 min ago          {runs}",
        f"profile-maintenance   1h                        running    48 min ago          {runs}",
        f"history-pruning       1h                        due now    never               {runs}",
        f"nightly               30 2 * * * Europe/Berlin  off        48 min ago          {runs}",
        "",
        "tokens   ▃▆█  14 days: 6,000, at most 3,000 a day",
        "rows     7 days: 12 merged, 1 removed",
        "held     00000000 (nick) 10000000 (nick) 20000000 (nick) and 2 more",
        f"failed 60 min ago memory-consolidation: {REASON}\\x1b[2J",
        f"failed 2 h ago memory-consolidation: {REASON}\\x1b[2J",
    ]


@pytest.mark.parametrize("columns", [20, 30, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("pictures", [True, False])
def test_nothing_but_a_command_is_wider_than_the_terminal(columns: int, *, pictures: bool) -> None:
    """Columns go, names and reasons are cut; what is to be typed is never torn apart."""
    shown = _shown(BAD, _terminal(columns, 24, pictures=pictures))
    mends = (FAILURE.mend, WARNING.mend)
    least = 14 + 2 + 10  # a name and when it is due
    for line in shown:
        assert cells(line) <= max(columns, least) or line.endswith(mends), line
    for mend in mends:
        assert sum(mend in line for line in shown) == 1


@pytest.mark.parametrize("pictures", [True, False])
def test_five_jobs_fit_on_a_screen(*, pictures: bool) -> None:
    """With much that is wrong, too: 24 lines hold it, and a prompt."""
    assert len(_shown(BAD, _terminal(80, 24, pictures=pictures))) < 24


@pytest.mark.parametrize(
    ("columns", "headers"),
    [
        (120, "JOB EVERY NEXT SUCCESS FAILED LAST RUNS"),
        (72, "JOB NEXT SUCCESS FAILED LAST RUNS"),
        (50, "JOB NEXT FAILED LAST RUNS"),
        (40, "JOB NEXT LAST RUNS"),
        (30, "JOB NEXT"),
    ],
)
def test_columns_go_as_a_terminal_becomes_narrow(columns: int, headers: str) -> None:
    """First how often, which changes seldom; the name and when it is due stay."""
    (line,) = (line for line in _shown(BAD, _terminal(columns, 24)) if line.startswith("JOB"))
    assert " ".join(line.split()) == headers


def test_on_a_short_screen_older_failures_go() -> None:
    """The last one is always there."""
    shown = _shown(BAD, _terminal(80, 18))
    assert sum(line.startswith("failed") for line in shown) == 1
    assert "60 min ago" in shown[-1]


def test_of_thousands_of_jobs_some_are_shown() -> None:
    """Twelve where there is room, and how many there are more; all if they are asked for."""
    overview = _overview(*(_job(f"job-{n:04}") for n in range(2_000)))
    for screen, most in ((PIPE, 12), (_terminal(80, 50), 12), (_terminal(80, 18), 9)):
        shown = _shown(overview, screen)
        assert sum(line.startswith("job-") for line in shown) == most
        assert f"and {2_000 - most:,} more: llm-maint status -v" in shown
        assert screen.lines is None or len(shown) < screen.lines
    everything = _shown(overview, _terminal(80, 24), everything=True)
    assert sum(line.startswith("job-") for line in everything) == 2_000
    assert "ok       claims: no job is running" in everything


def test_a_new_installation_is_shown_too() -> None:
    """Nothing has happened: no tick, no run, no token, no row; and there may be no job."""
    overview = _overview(rows={}, tokens=[])
    overview = replace(overview, vitals=replace(overview.vitals, hosts=[]))
    assert _shown(overview) == [
        f"healthy · no tick yet · {PLACE}",
        "",
        "tokens   14 days: none",
        "rows     7 days: none changed",
    ]


def test_without_pictures_there_are_letters() -> None:
    """Each status has a sign of its own in either, and ASCII is enough for one of them."""
    ascii_only = Screen(columns=None, lines=None, pictures=False)
    assert "".join(_shown(BAD, ascii_only)).isascii()
    assert "|" * 21 + "x->" in _shown(BAD, ascii_only)[5]
    for glyphs in (PICTURES, LETTERS):
        assert len({*glyphs.statuses.values(), glyphs.other}) == len(glyphs.statuses) + 1


def test_a_status_is_coloured_by_how_it_went() -> None:
    """Those alike are one piece; one that nobody knows is no bug."""
    pieces = PICTURES.runs(["success", "success", "failed", "odd"])
    assert [(piece.text, piece.style) for piece in pieces] == [
        ("▄▄", "green"),
        (CROSS, "red"),
        ("?", ""),
    ]


@pytest.mark.parametrize(
    ("numbers", "bars"),
    [
        ([], ""),
        ([0, 0], "··"),
        ([1], "█"),
        ([0, 1, 8], "·▁█"),
        ([1, 1_000_000], "▁█"),
        ([8, 9, 16], "▄▅█"),
        ([10**30, 10**30 // 2], "█▄"),
    ],
)
def test_a_bar_is_as_high_as_its_share_of_the_greatest(numbers: list[int], bars: str) -> None:
    """What is more than nothing has a bar, and only the greatest the highest."""
    assert PICTURES.heights(numbers) == bars


@pytest.mark.parametrize(
    ("text", "most", "start", "end"),
    [
        ("abcdef", 6, "abcdef", "abcdef"),
        ("abcdef", 4, "abc…", "…def"),
        ("日本語", 5, "日本…", "…本語"),
        ("日本語", 4, "日…", "…語"),
        ("e\u0301tude", 5, "e\u0301tude", "e\u0301tude"),
        ("abcdef", 1, "…", "…"),
    ],
)
def test_a_text_is_cut_by_cells(text: str, most: int, start: str, end: str) -> None:
    """A wide character takes two and is never halved, a combined one none."""
    assert cut(text, most, ellipsis="…") == start
    assert cut_start(text, most, ellipsis="…") == end


def test_a_job_that_never_comes_is_said_so() -> None:
    """The calendar ends, and a span of two million days says nothing."""
    (line,) = (x for x in _shown(_overview(_job("a", due_at=NEVER))) if x.startswith("a "))
    assert "never" in line


def test_the_document_has_everything() -> None:
    """Times in UTC with `Z`, seconds whole, and no field that is there at times only."""
    told = status_document(BAD)
    assert told["state"] == "failure"
    assert told["last_tick"] == {"host": "studio", "at": "2026-11-03T03:57:00Z", "version": "1"}
    assert told["next_due_at"] == "2026-11-03T04:00:00Z"
    by_name = {job["name"]: job for job in told["jobs"]}
    assert by_name["memory-decay"]["overdue_seconds"] == 3 * 3_600
    assert by_name["profile-maintenance"]["running"] is True
    assert by_name["nightly"]["cron"] == "30 2 * * *"
    assert by_name["history-pruning"]["last_runs"] == list(RUNS)
    assert told["tokens_per_day"][0] == {"day": "2026-11-01", "prompt": 1000, "completion": 0}
    assert len(told["held_plans"]) == 5
    assert [run["status"] for run in told["last_failures"]] == ["failed"] * 3
    assert len({tuple(job) for job in told["jobs"]}) == 1
